//! Liveness and readiness.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::tokens::watched::Tokens;

/// Answers 200 while the program runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers 200 when requests can be served, else 503 with the reason.
pub(super) async fn readyz(
    State(shutdown): State<CancellationToken>,
    State(tokens): State<Arc<Tokens>>,
) -> (StatusCode, &'static str) {
    if shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    }
    match tokens.check() {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let reason = "the token file can't be read, see the log\n";
            (StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}
