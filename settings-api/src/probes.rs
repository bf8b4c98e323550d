//! `GET /healthz`, `/readyz` and `/metrics`: for machines, without authentication.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::routes::Api;

static START: OnceLock<Instant> = OnceLock::new();

/// The time since this was called first.
pub fn uptime() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// 200 while the program runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when requests can be served, 503 with the reason when not.
pub async fn readyz(State(api): State<Arc<Api>>) -> Response {
    if api.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match api.tokens.content() {
        Ok(_) => "ok\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the token file can't be read, see the log\n",
            )
                .into_response()
        }
    }
}

/// OpenMetrics text.
pub async fn metrics(State(api): State<Arc<Api>>) -> Response {
    match api.metrics.text(&api.fleet, &api.subscribers) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
