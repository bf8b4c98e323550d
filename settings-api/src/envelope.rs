//! The envelope of every answer of Cloudflare's API, and the errors with their codes (`reference`: API schema `api-response-common`).

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use client_cert_forwarder::config::ConfigError;
use serde::Serialize;

/// A successful answer.
#[derive(Debug, Serialize)]
pub struct Success<T> {
    success: bool,
    errors: [Message; 0],
    messages: [Message; 0],
    result: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<ResultInfo>,
}

/// The pagination members of a list, which is always given whole.
#[derive(Debug, Serialize)]
struct ResultInfo {
    count: usize,
    page: usize,
    per_page: usize,
    total_count: usize,
    total_pages: usize,
}

impl<T: Serialize> Success<T> {
    /// An answer with one object.
    pub fn new(result: T) -> Self {
        Self {
            success: true,
            errors: [],
            messages: [],
            result,
            result_info: None,
        }
    }
}

impl<T: Serialize> Success<Vec<T>> {
    /// An answer with a whole list, as one page.
    pub fn list(result: Vec<T>) -> Self {
        let count = result.len();
        Self {
            result_info: Some(ResultInfo {
                count,
                page: 1,
                per_page: count.max(1),
                total_count: count,
                total_pages: 1,
            }),
            ..Self::new(result)
        }
    }
}

/// Why a request was refused. Each has Cloudflare's status, code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// Neither a bearer token nor both of email and key.
    CredentialsMissing,
    /// A credential's header can't be one; named as in the message of the error's chain.
    CredentialsMalformed(&'static str),
    /// No such token, or it may not do this here.
    NotAllowed,
    /// No such path, zone or account.
    NoRoute(String),
    /// The path has no such method.
    NoMethod(Method),
    /// The body is not what it should be: where and why.
    Invalid(ConfigError),
    /// A hostname that is not this zone's or account's: where and why.
    ForeignHostname(ConfigError),
    /// The body has more bytes than this.
    TooLarge(usize),
    /// The body didn't come within this many seconds.
    TooSlow(u64),
    /// Too many requests; the next may come after this many seconds.
    TooMany(u64),
    /// It is this program's fault; the log says more.
    Internal,
}

#[derive(Debug, Serialize)]
struct Failure {
    success: bool,
    errors: Vec<Message>,
    messages: [Message; 0],
    result: Option<()>,
}

#[derive(Debug, Default, Serialize)]
struct Message {
    code: u16,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Message>,
}

#[derive(Debug, Serialize)]
struct Source {
    pointer: String,
}

impl Message {
    fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            ..Self::default()
        }
    }

    fn at(code: u16, kind: &str, error: &ConfigError) -> Self {
        Self {
            source: pointer(&error.place).map(|pointer| Source { pointer }),
            ..Self::new(code, format!("access.api.error.{kind}: {error}"))
        }
    }
}

impl ApiError {
    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
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
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn messages(&self) -> Vec<Message> {
        let one = match self {
            Self::CredentialsMissing => Message::new(
                9106,
                "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
            ),
            Self::CredentialsMalformed(header) => Message {
                error_chain: vec![Message::new(
                    if *header == "Authorization" {
                        6111
                    } else {
                        6103
                    },
                    format!("Invalid format for {header} header"),
                )],
                ..Message::new(6003, "Invalid request headers")
            },
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
                    "access.api.error.invalid_request: body: longer than {limit} bytes, send fewer hostnames at once"
                ),
            ),
            Self::TooSlow(limit) => Message::new(
                12130,
                format!(
                    "access.api.error.invalid_request: body: not received within {limit} seconds"
                ),
            ),
            Self::TooMany(_) => Message::new(
                971,
                "Please wait and consider throttling your request speed",
            ),
            Self::Internal => Message::new(10001, "access.api.error.internal_server_error"),
        };
        vec![one]
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let failure = Failure {
            success: false,
            errors: self.messages(),
            messages: [],
            result: None,
        };
        let mut response = (self.status(), Json(failure)).into_response();
        if let Self::TooMany(seconds) = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The JSON pointer (RFC 6901) of a path such as `settings[2].hostname`; none for a line and column.
fn pointer(place: &str) -> Option<String> {
    let path = place.starts_with("settings").then_some(place)?;
    let keys = path.split(['.', '[']).map(|key| {
        key.trim_end_matches(']')
            .replace('~', "~0")
            .replace('/', "~1")
    });
    Some(keys.fold(String::new(), |pointer, key| format!("{pointer}/{key}")))
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn a_path_becomes_a_json_pointer() {
        for (path, expected) in [
            ("settings", Some("/settings")),
            ("settings[2].hostname", Some("/settings/2/hostname")),
            ("settings[10]", Some("/settings/10")),
            ("line 1, column 2", None),
        ] {
            assert_eq!(pointer(path).as_deref(), expected, "{path}");
        }
    }
}
