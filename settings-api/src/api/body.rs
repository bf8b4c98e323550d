//! Reads bodies, within limits of size and time.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// The limits of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Most bytes.
    pub(crate) bytes: usize,
    /// Most seconds from the request's head to the body's end.
    pub(crate) seconds: u64,
}

/// The limit that a body exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// A body of more than this many bytes.
    TooLarge(usize),
    /// A body that took more than this many seconds.
    TooSlow(u64),
}

impl BodyLimits {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`], or [`BodyError::TooSlow`], which also stands for a client that
    /// left.
    pub(crate) async fn read(self, request: Request) -> Result<Bytes, BodyError> {
        if content_length(&request).is_some_and(|length| length > self.bytes) {
            return Err(BodyError::TooLarge(self.bytes));
        }
        let reading = Limited::new(request.into_body(), self.bytes).collect();
        match tokio::time::timeout(Duration::from_secs(self.seconds), reading).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(BodyError::TooLarge(self.bytes))
            }
            Ok(Err(_)) | Err(_) => Err(BodyError::TooSlow(self.seconds)),
        }
    }
}

fn content_length(request: &Request) -> Option<usize> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}
