//! Counts and logs each request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::metrics::{MethodLabel, Metrics, RequestLabels};

/// Counts and logs a request with its response.
pub(crate) async fn observe(
    State(metrics): State<Arc<Metrics>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = match *request.method() {
        Method::GET => MethodLabel::Get,
        Method::PUT => MethodLabel::Put,
        _ => MethodLabel::Other,
    };
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!(
        "request",
        method = method.as_str(),
        path,
        token = tracing::field::Empty
    );
    let response = next.run(request).instrument(span.clone()).await;
    let labels = RequestLabels {
        method,
        route: route
            .map(|route| route.as_str().to_owned())
            .unwrap_or_default(),
        status: response.status().as_u16(),
    };
    let seconds = start.elapsed().as_secs_f64();
    metrics.requests.get_or_create(&labels).inc();
    metrics.request_duration.observe(seconds);
    let milliseconds = seconds * 1000.0;
    span.in_scope(|| tracing::info!(status = labels.status, milliseconds, "answered"));
    response
}
