//! Errors of the API, with Cloudflare's statuses and codes.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use client_cert_forwarder::config::ConfigError;

use super::body::BodyError;
use super::envelope::{Failure, Message};
use crate::snapshot_cache::ChangeError;
use crate::store::StoreError;

const INVALID_REQUEST: &str = "access.api.error.invalid_request";

/// The reason of a refusal. Each has Cloudflare's status, code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// Neither a bearer token nor both of email and key.
    CredentialsMissing,
    /// A header that can't hold credentials.
    CredentialsMalformed(CredentialsHeader),
    /// An unknown token, or one that doesn't grant this.
    NotAllowed,
    /// An unknown path, zone or account.
    NoRoute(String),
    /// A method that the path doesn't have.
    NoMethod(Method),
    /// An invalid body: the mistake and its JSON path.
    Invalid(ConfigError),
    /// A hostname outside the domains of the zone or account.
    ForeignHostname(ConfigError),
    /// A body of more than this many bytes.
    TooLarge(usize),
    /// A body that took more than this many seconds.
    TooSlow(u64),
    /// Too many requests; the next one may come after this many seconds.
    TooMany(u64),
    /// The store can't be reached.
    StoreUnavailable,
    /// The store's disk is full.
    StoreFull,
    /// A fault of this program; the log has the details.
    Internal,
}

/// A header that carries credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialsHeader {
    /// `Authorization`
    Authorization,
    /// `X-Auth-Email`
    AuthEmail,
    /// `X-Auth-Key`
    AuthKey,
}

impl CredentialsHeader {
    /// The name, as Cloudflare's messages spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authorization => "Authorization",
            Self::AuthEmail => "X-Auth-Email",
            Self::AuthKey => "X-Auth-Key",
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::Authorization => 6111,
            Self::AuthEmail | Self::AuthKey => 6103,
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::ForeignHostname(error) => Self::ForeignHostname(error),
            ChangeError::Invalid(error) => Self::Invalid(error),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(bytes) => Self::TooLarge(bytes),
            BodyError::TooSlow(seconds) => Self::TooSlow(seconds),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Full(_) => Self::StoreFull,
            _ => Self::StoreUnavailable,
        }
    }
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::CredentialsMissing
            | Self::CredentialsMalformed(_)
            | Self::Invalid(_)
            | Self::ForeignHostname(_) => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::NoRoute(_) => StatusCode::NOT_FOUND,
            Self::NoMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreUnavailable | Self::StoreFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn messages(&self) -> Vec<Message> {
        let one = match self {
            Self::CredentialsMissing => Message::new(
                9106,
                "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
            ),
            Self::CredentialsMalformed(header) => {
                let detail = format!("Invalid format for {} header", header.name());
                Message::new(6003, "Invalid request headers")
                    .caused_by(Message::new(header.code(), detail))
            }
            Self::NotAllowed => Message::new(10000, "Authentication error"),
            Self::NoRoute(path) => {
                let could_not = format!(
                    "Could not route to {path}, perhaps your object identifier is invalid?"
                );
                return vec![
                    Message::new(7003, could_not),
                    Message::new(7000, "No route for that URI"),
                ];
            }
            Self::NoMethod(method) => {
                Message::new(7001, format!("Method {method} not available for that URI."))
            }
            Self::Invalid(error) => Message::at(12130, "invalid_request", error),
            Self::ForeignHostname(error) => {
                Message::at(12036, "hostnames_must_belong_to_your_domain", error)
            }
            Self::TooLarge(limit) => Message::new(
                12130,
                format!(
                    "{INVALID_REQUEST}: body: over {limit} bytes, send fewer hostnames at once"
                ),
            ),
            Self::TooSlow(limit) => Message::new(
                12130,
                format!("{INVALID_REQUEST}: body: not received within {limit} seconds"),
            ),
            Self::TooMany(_) => Message::new(
                971,
                "Please wait and consider throttling your request speed",
            ),
            Self::StoreUnavailable => Message::new(
                10002,
                "access.api.error.service_unavailable: the settings store can't be reached; \
                 the settings in force stay, try again later",
            ),
            Self::StoreFull => Message::new(
                10002,
                "access.api.error.service_unavailable: the disk of the settings store is full; \
                 nothing was changed, free space and try again",
            ),
            Self::Internal => Message::new(10001, "access.api.error.internal_server_error"),
        };
        vec![one]
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let failure = Failure::new(self.messages());
        let mut response = (self.status(), Json(failure)).into_response();
        let retry_after = match self {
            Self::TooMany(seconds) => Some(seconds),
            Self::StoreUnavailable | Self::StoreFull => Some(1),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
