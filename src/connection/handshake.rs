//! What a TLS handshake says of the client, and the peer certificate computed from it.

use sha2::{Digest, Sha256};

use super::peer_certificate::PeerCertificate;
use crate::certificate::names::{Names, issuer_and_serial};
use crate::certificate::{Certificate, PeerCertificateStatus};
use crate::config::Config;
use crate::config::compiled::{AllowList, Revocations, Setting};

/// The facts of a connection that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The SNI: empty when the client sent none, `None` on plain text.
    pub server_name: Option<Vec<u8>>,
    /// The client's certificate.
    pub presented: Presented,
}

/// A certificate as the client presented it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Presented {
    /// The client presented none.
    #[default]
    Nothing,
    /// It presented one that no source yields (contract §4.3).
    Unreadable,
    /// It presented this one.
    Certificate {
        /// DER of the leaf.
        leaf: Vec<u8>,
        /// DER of the other certificates, in TLS order.
        chain: Vec<Vec<u8>>,
        /// Whether it was verified (contract §4.4).
        is_verified: bool,
    },
}

impl Handshake {
    /// Returns the leaf's DER, where there is a certificate that can be read.
    #[must_use]
    pub fn leaf(&self) -> Option<&[u8]> {
        match &self.presented {
            Presented::Certificate { leaf, .. } => Some(leaf),
            Presented::Nothing | Presented::Unreadable => None,
        }
    }
}

impl PeerCertificate {
    /// Computes what `config`'s headers carry on a connection with this handshake.
    #[must_use]
    pub fn compute(config: &Config, handshake: Handshake) -> Self {
        let server_name = handshake.server_name.as_deref();
        let without_values = |status| Self::new(&config.id, status, false, server_name, &[]);
        let (leaf, chain, is_verified) = match handshake.presented {
            Presented::Nothing => return without_values(PeerCertificateStatus::Absent),
            Presented::Unreadable => return without_values(PeerCertificateStatus::Unreadable),
            Presented::Certificate {
                leaf,
                chain,
                is_verified,
            } => (leaf, chain, is_verified),
        };
        let status = status(&config.revocations, &leaf, is_verified);
        let certificate = Certificate::new(leaf, chain);
        let fields = config.fields.iter();
        let values: Vec<String> = fields
            .map(|field| certificate.value(*field, &config.limits))
            .collect();
        let too_large = certificate.too_large(&config.limits);
        Self::new(&config.id, status, too_large, server_name, &values)
    }

    /// Returns the matched setting's number and allow list, unless it has none or has decided.
    pub(crate) fn awaited_admission<'a>(
        &self,
        matched: Option<(usize, &'a Setting)>,
    ) -> Option<(usize, &'a AllowList)> {
        let (number, setting) = matched?;
        let allowed = setting.allow_client_certificates.as_ref()?;
        self.is_admitted(number)
            .is_none()
            .then_some((number, allowed))
    }

    /// Decides whether the setting allows the certificate, `leaf` being its DER (contract §4.11),
    /// unless it has no allow list or has decided.
    ///
    /// A certificate that is not verified, or that the parser can't read, is not allowed.
    pub fn judge(&mut self, matched: Option<(usize, &Setting)>, leaf: Option<&[u8]>) {
        if let Some((number, allowed)) = self.awaited_admission(matched) {
            let names = leaf.and_then(Names::read);
            let is_allowed = self.status == PeerCertificateStatus::Verified
                && names.is_some_and(|names| allowed.allows(&names));
            self.admit(number, is_allowed);
        }
    }
}

/// Looks the certificate up among the revoked ones, before Envoy's verdict counts.
fn status(revocations: &Revocations, leaf: &[u8], is_verified: bool) -> PeerCertificateStatus {
    if !revocations.is_empty() {
        let sha256 = Sha256::digest(leaf).into();
        let names = issuer_and_serial(leaf);
        let names = names.as_ref();
        let issuer_dn = names.map(|(issuer_dn, _)| issuer_dn.as_str());
        let serial = names.map(|(_, serial)| serial.as_str());
        if revocations.contains(&sha256, issuer_dn, serial).is_some() {
            return PeerCertificateStatus::Revoked;
        }
    }
    if is_verified {
        PeerCertificateStatus::Verified
    } else {
        PeerCertificateStatus::Unverified
    }
}
