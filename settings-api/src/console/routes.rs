//! The routes and the order of their checks: rate, session, then everything else.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::{get, post};

use super::guard::guard;
use super::page::Section;
use super::problem::Problem;
use super::state::ConsoleState;
use super::{assets, audit, certificates, explain, fleet, hostnames, security_headers, sign_in};
use crate::api::limit_rate;

/// Builds the console's routes.
pub(crate) fn router(state: ConsoleState) -> Router {
    let limit_rate = middleware::from_fn_with_state(Arc::clone(&state.rate_limit), limit_rate);
    let guard = middleware::from_fn_with_state(state.clone(), guard);
    Router::new()
        .route("/", get(async || Redirect::to(Section::Hostnames.path())))
        .route("/hostnames", get(hostnames::list).post(hostnames::change))
        .route("/hostnames/add", post(hostnames::add))
        .route("/hostnames/setting", get(hostnames::detail))
        .route(Section::Fleet.path(), get(fleet::list))
        .route(Section::Certificates.path(), get(certificates::list))
        .route(Section::Audit.path(), get(audit::list))
        .route(
            Section::Explain.path(),
            get(explain::form).post(explain::explain),
        )
        .route("/sign-out", post(sign_in::sign_out))
        .layer(guard)
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/assets/{name}", get(assets::get))
        .fallback(async || Problem::not_found())
        .layer(limit_rate)
        .layer(middleware::from_fn(security_headers::add))
        .with_state(state)
}
