//! Reads bodies, within limits of size and time.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::ApiError;

/// The limits of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Most bytes.
    pub(crate) bytes: usize,
    /// Most seconds from the request's head to the body's end.
    pub(crate) seconds: u64,
}

impl BodyLimits {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`ApiError::TooLarge`], or [`ApiError::TooSlow`], which also stands for a client that left.
    pub(super) async fn read(self, request: Request) -> Result<Bytes, ApiError> {
        if content_length(&request).is_some_and(|length| length > self.bytes) {
            return Err(ApiError::TooLarge(self.bytes));
        }
        let reading = Limited::new(request.into_body(), self.bytes).collect();
        match tokio::time::timeout(Duration::from_secs(self.seconds), reading).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(self.bytes)),
            Ok(Err(_)) | Err(_) => Err(ApiError::TooSlow(self.seconds)),
        }
    }
}

fn content_length(request: &Request) -> Option<usize> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}
