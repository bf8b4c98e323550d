//! What happens to a request and to its trailers, as values.

use super::progress::Progress;
use super::refusal::Refusal;
use crate::config::compiled::Header;

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
