//! Liveness and readiness.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::snapshot_cache::{SnapshotCache, StoreHealth};
use crate::tokens::watched::Tokens;

/// Answers 200 while the program runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers 200 when requests can be served, else 503 with the reason.
///
/// Without its store the program still serves reads and Envoys, so it stays ready, and says so:
/// all replicas share the store, and to take all out of service would cut the Envoys off.
pub(super) async fn readyz(
    State(shutdown): State<CancellationToken>,
    State(tokens): State<Arc<Tokens>>,
    State(cache): State<Arc<SnapshotCache>>,
) -> (StatusCode, &'static str) {
    if shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    }
    match tokens.check() {
        Ok(()) => match cache.store_health() {
            StoreHealth::Reachable => (StatusCode::OK, "ok\n"),
            StoreHealth::Unreachable { .. } => {
                let state = "degraded: the settings store can't be reached, changes are refused\n";
                (StatusCode::OK, state)
            }
        },
        Err(error) => {
            tracing::error!(%error, "not ready");
            let reason = "the token file can't be read, see the log\n";
            (StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}
