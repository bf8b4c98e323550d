//! The outcome of a request as a value: compared by tests, applied to Envoy, printed by tools.

mod decide;
mod inbound;
mod refusal;
#[cfg(test)]
mod tests;
mod warning;

use crate::config::compiled::Header;
use crate::outcome::Outcome;

#[cfg(any(target_arch = "wasm32", test))]
pub(crate) use decide::may_send;
pub use decide::{decide, decide_trailers};
pub use inbound::Inbound;
pub use refusal::Refusal;
pub use warning::Warning;

/// What the filter does with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Number of the setting that the hostname matched, in the configuration's order.
    pub setting: Option<usize>,
    /// Whether the client sent managed headers, which are removed.
    pub strips: bool,
    /// Whether the request goes on.
    pub verdict: Verdict<'a>,
    /// Headers of the response; those with an empty value are removed from it.
    pub response_headers: Vec<HeaderValue<'a>>,
}

/// Whether a request goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The filter answers it.
    Refuse(Refusal),
    /// It goes on to the next filter.
    Pass(Pass<'a>),
}

/// How a request's headers change before it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass<'a> {
    /// Names of the headers to remove, as the request spells them.
    pub remove: Vec<&'a [u8]>,
    /// The `Connection` header's new value, where the client named managed headers in it.
    pub connection: Option<Vec<u8>>,
    /// Headers to add, none with an empty value.
    pub add: Vec<HeaderValue<'a>>,
    /// What is known of the outcome.
    pub progress: Progress,
}

/// What the filter does with a request's trailers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailersDecision<'a> {
    /// The request ends here: the filter answers it.
    Refuse(Refusal),
    /// These names, as the trailers spell them, are removed; there may be none.
    Strip(Vec<&'a [u8]>),
}

/// A header with its value for one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue<'a> {
    /// The configured header.
    pub header: &'a Header,
    /// Its value.
    pub value: &'a [u8],
}

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
