//! `GET` and `PUT …/access/certificates/settings`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, OriginalUri, Request, State};
use axum::http::StatusCode;

use super::authorize::authorize;
use super::body::BodyLimits;
use super::envelope::Success;
use super::error::ApiError;
use crate::model::body;
use crate::model::entry::Entry;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::{Permission, Token};

type Entries = Json<Success<Vec<Entry>>>;

/// Answers with all settings of a zone or account.
pub(super) async fn list(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
) -> Result<Entries, ApiError> {
    let scope = authorize(cache.base(), &token, Permission::Read, &uri)?;
    Ok(Json(Success::list(cache.settings(&scope))))
}

/// Upserts settings; answers with all that the zone or account has afterwards.
pub(super) async fn change(
    State(cache): State<Arc<SnapshotCache>>,
    State(limits): State<BodyLimits>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<(StatusCode, Entries), ApiError> {
    let scope = authorize(cache.base(), &token, Permission::Write, &uri)?;
    let body = limits.read(request).await?;
    let span = tracing::Span::current();
    let work = move || {
        let _entered = span.enter();
        let changes = body::parse(&body).map_err(ApiError::Invalid)?;
        let settings = cache.change(&scope, &changes)?;
        let hostnames = changes.iter().map(|entry| entry.hostname.as_str());
        let hostnames: Vec<_> = hostnames.collect();
        tracing::info!(%scope, ?hostnames, by = token.name, "settings changed");
        Ok::<_, ApiError>(settings)
    };
    // A spawned task runs to its end even if the client disconnects.
    let settings = tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a change failed");
        ApiError::Internal
    })??;
    Ok((StatusCode::ACCEPTED, Json(Success::list(settings))))
}
