//! What a TLS handshake says of the client, and the peer certificate computed from it.

use super::PeerCertificate;
use crate::certificate::{Certificate, PeerCertificateStatus};
use crate::config::Config;

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
        let status = if is_verified {
            PeerCertificateStatus::Verified
        } else {
            PeerCertificateStatus::Unverified
        };
        let certificate = Certificate::new(leaf, chain);
        let fields = config.fields.iter();
        let values: Vec<String> = fields
            .map(|field| certificate.value(*field, &config.limits))
            .collect();
        let too_large = certificate.too_large(&config.limits);
        Self::new(&config.id, status, too_large, server_name, &values)
    }
}
