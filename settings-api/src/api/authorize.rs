//! Authorization: maps a path to the zone or account that the token may use.

use axum::http::uri::Uri;

use super::error::ApiError;
use crate::model::base::Base;
use crate::model::scope::Scope;
use crate::tokens::token::{Permission, Token};

/// Returns the zone or account of a path, if the token grants the permission there. Only a token
/// that grants it learns whether the zone or account exists.
///
/// # Errors
/// [`ApiError::NotAllowed`] or [`ApiError::NoRoute`].
pub(super) fn authorize(
    base: &Base,
    token: &Token,
    permission: Permission,
    uri: &Uri,
) -> Result<Scope, ApiError> {
    let no_route = || ApiError::NoRoute(uri.path().to_owned());
    let mut segments = uri.path().split('/').skip(3);
    let scope = match (segments.next(), segments.next()) {
        (Some("zones"), Some(id)) => Scope::Zone(id.to_owned()),
        (Some("accounts"), Some(id)) => Scope::Account(id.to_owned()),
        _ => return Err(no_route()),
    };
    if !token.allows(permission, &scope) {
        tracing::warn!(%scope, ?permission, by = token.name, "the token doesn't grant this");
        return Err(ApiError::NotAllowed);
    }
    if !base.knows(&scope) {
        return Err(no_route());
    }
    Ok(scope)
}
