//! The program's error: one line that an operator can act on.

use std::fmt::Display;

/// Names the failure, its place and the remedy, in one line.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Error(pub(crate) String);

impl Error {
    /// Formats `subject place: reason`, as in `token file tokens.json: permission denied`.
    pub(crate) fn new(subject: &str, place: impl Display, reason: impl Display) -> Self {
        Self(format!("{subject} {place}: {reason}"))
    }
}
