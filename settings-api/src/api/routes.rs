//! The routes and the order of their checks: rate, credentials, then everything else.

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::Method;
use axum::middleware;
use axum::routing::get;

use super::error::ApiError;
use super::state::ApiState;
use super::{audit, authenticate, rate_limit, settings, status, verify, zones};

/// Builds the routes below `/client/v4`.
pub(crate) fn router(state: ApiState) -> Router {
    let authenticate = middleware::from_fn_with_state(state.clone(), authenticate::authenticate);
    let limit_rate = middleware::from_fn_with_state(state.clone(), rate_limit::limit_rate);
    let v4 = handlers(state).layer(authenticate).layer(limit_rate);
    Router::new().nest(ROOT, v4)
}

/// Builds the same routes for callers within the program, which have authenticated the client: a
/// request must carry its token and address as extensions.
pub(crate) fn trusted_router(state: ApiState) -> Router {
    Router::new().nest(ROOT, handlers(state))
}

const ROOT: &str = "/client/v4";

fn handlers(state: ApiState) -> Router {
    let mut v4 = Router::new()
        .route("/user/tokens/verify", get(verify::verify))
        .route("/zones", get(zones::list))
        .route("/zones/{id}", get(zones::get));
    for scope in ["zones", "accounts"] {
        let path = format!("/{scope}/{{id}}/access/certificates/settings");
        v4 = v4
            .route(&path, get(settings::list).put(settings::change))
            .route(&format!("{path}/status"), get(status::list))
            .route(&format!("{path}/audit"), get(audit::list));
    }
    v4.method_not_allowed_fallback(|method: Method| async { ApiError::NoMethod(method) })
        .fallback(no_route)
        .with_state(state)
}

/// Answers a path that no route has.
pub(crate) async fn no_route(path: OriginalUri) -> impl axum::response::IntoResponse {
    ApiError::NoRoute(path.path().to_owned())
}
