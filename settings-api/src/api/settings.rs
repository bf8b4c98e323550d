//! `GET` and `PUT …/access/certificates/settings`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Extension, OriginalUri, Request, State};
use axum::http::StatusCode;
use tracing::Instrument;

use super::authorize::authorize;
use super::body::BodyLimits;
use super::envelope::Success;
use super::error::ApiError;
use crate::audit_log::AuditLog;
use crate::model::audit::Author;
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
    let scope = authorize(&cache.base(), &token, Permission::Read, &uri)?;
    Ok(Json(Success::list(cache.settings(&scope))))
}

/// Upserts settings; answers with all that the zone or account has afterwards.
pub(super) async fn change(
    State(cache): State<Arc<SnapshotCache>>,
    State(limits): State<BodyLimits>,
    State(audit_log): State<Arc<AuditLog>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<(StatusCode, Entries), ApiError> {
    let scope = authorize(&cache.base(), &token, Permission::Write, &uri)?;
    let body = limits.read(request).await?;
    let author = Author {
        token_id: token.id,
        token_name: token.name,
        address: peer.ip().to_canonical().to_string(),
    };
    let work = async move {
        let changes = tokio::task::block_in_place(|| body::parse(&body));
        let changes = changes.map_err(ApiError::Invalid)?;
        let (settings, record) = cache.change(&scope, &changes, &author).await?;
        if let Some(record) = record {
            audit_log.write(&record);
        }
        Ok::<_, ApiError>(settings)
    };
    // A spawned task runs to its end even if the client disconnects.
    let settings = tokio::spawn(work.in_current_span())
        .await
        .map_err(|error| {
            tracing::error!(%error, "a change failed");
            ApiError::Internal
        })??;
    Ok((StatusCode::ACCEPTED, Json(Success::list(settings))))
}
