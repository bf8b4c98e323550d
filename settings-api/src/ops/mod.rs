//! Endpoints for machines, without authentication: `GET /healthz`, `/readyz` and `/metrics`.

mod exposition;
mod probes;
mod process;
mod state;

use axum::Router;
use axum::routing::get;

pub(crate) use state::OpsState;

/// Builds the routes.
pub(crate) fn router(state: OpsState) -> Router {
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(exposition::metrics))
        .with_state(state)
}
