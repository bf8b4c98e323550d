//! Authentication: what comes before anything else that a request is looked at for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::envelope::ApiError;
use crate::routes::Api;
use crate::tokens::Credentials;

/// Lets a request pass whose token is known, with the token as its extension.
pub async fn authenticate(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = match credentials(request.headers()) {
        Ok(credentials) => api.tokens.authenticate(&credentials),
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
            tracing::error!(%error, "nobody is let in");
            ApiError::Internal.into_response()
        }
    }
}

fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, ApiError> {
    if headers.contains_key("authorization") {
        let malformed = ApiError::CredentialsMalformed("Authorization");
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
    let read = |name, shown| {
        value(headers, name)
            .filter(|value| is_secret(value))
            .ok_or(ApiError::CredentialsMalformed(shown))
    };
    Ok(Credentials::Key {
        email: read("x-auth-email", "X-Auth-Email")?,
        key: read("x-auth-key", "X-Auth-Key")?,
    })
}

/// The only value of a header.
fn value<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_secret(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
