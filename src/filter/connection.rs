//! The connection as Envoy tells of it: attributes, and properties that the filter stored.

use crate::certificate::{pem, xfcc};
use crate::config::{
    Config,
    compiled::{Setting, VerifiedBy},
};
use crate::connection::{Connection, Handshake, PeerCertificate, Presented};
use crate::hostcalls::Hostcalls;

/// The connection-wide property that holds the encoded [`PeerCertificate`].
pub(crate) const PEER_CERTIFICATE: &str = "client_cert_forwarder.certificate";

/// Filled by Envoy's `set_filter_state` filter from `%DOWNSTREAM_PEER_CERT%`, for Envoys without
/// `connection.peer_certificate`.
const PEM_FILTER_STATE: &str = "filter_state\0client_cert_forwarder.pem";

/// The downstream connection of the request that Envoy makes a callback for.
pub(crate) struct EnvoyConnection<'a, E> {
    envoy: &'a E,
    config: &'a Config,
    xfcc: Option<&'a [u8]>,
    peer_certificate: Option<PeerCertificate>,
}

impl<'a, E: Hostcalls> EnvoyConnection<'a, E> {
    /// `xfcc` is the request's `x-forwarded-client-cert`, where the chain is read from it.
    pub(crate) fn new(envoy: &'a E, config: &'a Config, xfcc: Option<&'a [u8]>) -> Self {
        Self {
            envoy,
            config,
            xfcc,
            peer_certificate: None,
        }
    }

    /// Returns the certificate that an earlier request stored under this configuration, or reads
    /// it from Envoy, with the admission by the setting; and stores what is new.
    fn load(&self, matched: Option<(usize, &Setting)>) -> PeerCertificate {
        let stored = self
            .envoy
            .property(PEER_CERTIFICATE)
            .and_then(|bytes| PeerCertificate::from_bytes(bytes, &self.config.id));
        let certificate = match stored {
            Some(stored) if stored.awaited_admission(matched).is_none() => return stored,
            Some(mut stored) => {
                stored.judge(matched, self.leaf().as_deref());
                stored
            }
            None => self.compute(matched),
        };
        // Refused by Envoy, it is computed again with the next request.
        self.envoy
            .set_connection_property(PEER_CERTIFICATE, certificate.as_bytes());
        certificate
    }

    fn compute(&self, matched: Option<(usize, &Setting)>) -> PeerCertificate {
        let handshake = self.handshake();
        let judges =
            matched.is_some_and(|(_, setting)| setting.allow_client_certificates.is_some());
        let leaf = handshake.leaf().filter(|_| judges).map(<[u8]>::to_vec);
        let mut certificate = PeerCertificate::compute(self.config, handshake);
        certificate.judge(matched, leaf.as_deref());
        certificate
    }

    fn handshake(&self) -> Handshake {
        Handshake {
            server_name: self.server_name(),
            presented: self.presented(),
        }
    }

    fn presented(&self) -> Presented {
        if !self.is_true("connection\0mtls") {
            return Presented::Nothing;
        }
        let Some(leaf) = self.leaf() else {
            return Presented::Unreadable;
        };
        let chain = self.xfcc.map(xfcc::chain).unwrap_or_default();
        Presented::Certificate {
            chain: xfcc::without_leaf(chain, &leaf),
            leaf,
            is_verified: match self.config.verified_by {
                VerifiedBy::Listener => true,
                VerifiedBy::Attribute => self.is_true("connection\0peer_certificate_valid"),
            },
        }
    }

    /// Returns the leaf's DER from the first source that yields it (contract §4.3).
    fn leaf(&self) -> Option<Vec<u8>> {
        ["connection\0peer_certificate", PEM_FILTER_STATE]
            .into_iter()
            .find_map(|path| pem::decode(&self.envoy.property(path)?))
    }

    /// Returns the SNI: empty where the client sent none, `None` on plain text.
    fn server_name(&self) -> Option<Vec<u8>> {
        let given = |path| self.envoy.property(path).filter(|value| !value.is_empty());
        given("connection\0requested_server_name")
            .or_else(|| given("connection\0tls_version").map(|_| Vec::new()))
    }

    /// Reads a boolean attribute, one byte; absent (an older Envoy) means false.
    fn is_true(&self, path: &str) -> bool {
        let value = self.envoy.property(path);
        value.is_some_and(|value| value.first().is_some_and(|byte| *byte != 0))
    }
}

impl<E: Hostcalls> Connection for EnvoyConnection<'_, E> {
    fn was_delivered(&mut self, setting: &Setting) -> bool {
        self.envoy.property(&setting.delivery.property).is_some()
    }

    fn peer_certificate(&mut self, matched: Option<(usize, &Setting)>) -> &PeerCertificate {
        let certificate = match self.peer_certificate.take() {
            Some(certificate) => certificate,
            None => self.load(matched),
        };
        self.peer_certificate.insert(certificate)
    }
}
