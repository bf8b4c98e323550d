//! `GET …/access/certificates/settings/audit`: who changed the settings, from where, and how.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, OriginalUri, RawQuery, State};
use client_cert_forwarder::config::ConfigError;

use super::authorize::authorize;
use super::envelope::Success;
use super::error::ApiError;
use crate::model::audit::AuditRecord;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::{Permission, Token};

/// Records of a response without `limit`.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// Answers with the latest changes of a zone or account, newest first.
pub(super) async fn list(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Result<Json<Success<Vec<AuditRecord>>>, ApiError> {
    let scope = authorize(&cache.base(), &token, Permission::Read, &uri)?;
    let limit = limit(query.as_deref().unwrap_or_default())?;
    Ok(Json(Success::list(cache.audit(&scope, limit).await?)))
}

fn limit(query: &str) -> Result<u32, ApiError> {
    let mut limits = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("limit="));
    let Some(text) = limits.next() else {
        return Ok(DEFAULT_LIMIT);
    };
    match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => {
            let reason = format!("expected a number from 1 to {MAX_LIMIT}");
            Err(ApiError::Invalid(ConfigError::new("limit", reason)))
        }
    }
}
