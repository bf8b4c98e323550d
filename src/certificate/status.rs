//! What a connection says of its client certificate, and the fields that depend on that alone.

use super::field::Field;

/// Whether the client presented a certificate, and whether it may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCertificateStatus {
    /// None was presented: plain text, or TLS without a client certificate.
    Absent,
    /// One was presented, but no source yields it (contract §4.3).
    Unreadable,
    /// One was presented, and nothing says that it was verified (contract §4.4).
    Unverified,
    /// One was presented and verified.
    Verified,
}

impl PeerCertificateStatus {
    /// Every status, in the order of its number in a connection's stored record.
    pub(crate) const ALL: [Self; 4] = [
        Self::Absent,
        Self::Unreadable,
        Self::Unverified,
        Self::Verified,
    ];

    /// Returns the value of a field that depends on the status alone; `None` for other fields.
    #[must_use]
    pub fn value(self, field: Field) -> Option<&'static str> {
        let is_presented = self != Self::Absent;
        let is_verified = self == Self::Verified;
        Some(match field {
            Field::CertPresented => pick(is_presented, "1", "0"),
            Field::CertVerified => match self {
                Self::Absent => "NONE",
                Self::Unreadable | Self::Unverified => "FAILED",
                Self::Verified => "SUCCESS",
            },
            Field::CertRevoked => "0",
            Field::PresentedBoolean => pick(is_presented, "true", "false"),
            Field::VerifiedBoolean => pick(is_verified, "true", "false"),
            Field::RevokedBoolean => "false",
            _ => return None,
        })
    }
}

fn pick(condition: bool, yes: &'static str, no: &'static str) -> &'static str {
    if condition { yes } else { no }
}
