//! What is known of a request's outcome, and how the filter explains it.

use crate::outcome::Outcome;

/// What is known of a request's outcome when its headers have been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is counted, for this reason.
    Idle(Idle),
    /// The outcome is known.
    Concluded(Outcome),
    /// The outcome if the origin answers: the request carries the certificate.
    Pending(Outcome),
}

/// Why nothing is counted for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// No setting matches the hostname.
    NoSetting,
    /// The setting sends nothing to the origin.
    NoForwarding,
    /// The certificate was delivered earlier over this connection.
    AlreadyDelivered,
}

/// What the `Client-Cert-Forwarder` response header says (contract §4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// Nothing was counted.
    Idle(Idle),
    /// What was counted.
    Outcome(Outcome),
}

impl Explanation {
    /// Returns the token that the header carries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle(Idle::NoSetting) => "no_setting",
            Self::Idle(Idle::NoForwarding) => "no_forwarding",
            Self::Idle(Idle::AlreadyDelivered) => "already_forwarded",
            Self::Outcome(outcome) => outcome.name(),
        }
    }
}
