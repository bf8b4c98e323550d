//! The page of a request that can't be answered.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::api::BodyError;

/// The reason for which there is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The response's status.
    pub(super) status: StatusCode,
    /// The reason, and the remedy.
    pub(super) reason: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    reason: &'a str,
}

impl Problem {
    /// A problem with that status.
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    /// A fault of this program.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a page can't be built");
        let reason = "The console failed; the server's log has the reason.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }

    /// A page that doesn't exist.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The console has no such page.")
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(bytes) => {
                let reason = format!("The form has more than {bytes} bytes. Send less at once.");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
            }
            BodyError::TooSlow(seconds) => {
                let reason = format!("The form did not arrive within {seconds} seconds.");
                Self::new(StatusCode::REQUEST_TIMEOUT, reason)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = ProblemPage {
            title: self.status.canonical_reason().unwrap_or("Problem"),
            reason: &self.reason,
        };
        match page.render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            // A template without filters fails only without memory.
            Err(_) => self.status.into_response(),
        }
    }
}
