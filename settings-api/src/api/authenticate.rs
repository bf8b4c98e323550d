//! Authentication: precedes every other look at a request but the rate limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, CredentialsHeader};
use crate::tokens::digest::Credentials;
use crate::tokens::watched::Tokens;

/// Admits a request with a known token, and adds the token as an extension.
pub(super) async fn authenticate(
    State(tokens): State<Arc<Tokens>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = match credentials(request.headers()) {
        Ok(credentials) => tokens.authenticate(&credentials),
        Err(error) => return error.into_response(),
    };
    match token {
        Ok(Some(token)) => {
            tracing::Span::current().record("token", &token.id);
            request.extensions_mut().insert(token);
            next.run(request).await
        }
        Ok(None) => {
            tracing::warn!("unknown token or key");
            ApiError::NotAllowed.into_response()
        }
        Err(error) => {
            tracing::error!(%error, "nobody is admitted");
            ApiError::Internal.into_response()
        }
    }
}

fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, ApiError> {
    if headers.contains_key("authorization") {
        let malformed = ApiError::CredentialsMalformed(CredentialsHeader::Authorization);
        let value = value(headers, "authorization").ok_or(malformed.clone())?;
        return match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && is_secret(token) => {
                Ok(Credentials::Bearer(token))
            }
            _ => Err(malformed),
        };
    }
    if !headers.contains_key("x-auth-email") || !headers.contains_key("x-auth-key") {
        return Err(ApiError::CredentialsMissing);
    }
    let read = |name, header| {
        value(headers, name)
            .filter(|value| is_secret(value))
            .ok_or(ApiError::CredentialsMalformed(header))
    };
    Ok(Credentials::Key {
        email: read("x-auth-email", CredentialsHeader::AuthEmail)?,
        key: read("x-auth-key", CredentialsHeader::AuthKey)?,
    })
}

/// Returns the value of a header that occurs once.
fn value<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_secret(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
