//! The state of the pages, each of which extracts the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;

use super::api_calls::ApiCalls;
use super::cookies::Cookies;
use super::sessions::Sessions;
use super::sign_in_limit::SignInLimit;
use crate::api::{ApiState, BodyLimits, RateLimit, trusted_router};
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::watched::Tokens;

/// The state of the router.
#[derive(Clone, FromRef)]
pub(crate) struct ConsoleState {
    /// The API's handlers.
    pub(super) api: ApiCalls,
    /// The settings in force.
    pub(super) cache: Arc<SnapshotCache>,
    /// The tokens.
    pub(super) tokens: Arc<Tokens>,
    /// Who has signed in.
    pub(super) sessions: Arc<Sessions>,
    /// The limit of sign-ins.
    pub(super) sign_in_limit: Arc<SignInLimit>,
    /// The names and attributes of cookies.
    pub(super) cookies: Cookies,
    /// The limits of a form's body.
    pub(super) body_limits: BodyLimits,
    /// The limit of a client's requests, which it shares with the API's.
    pub(super) rate_limit: Arc<RateLimit>,
}

impl ConsoleState {
    /// Starts without sessions. With TLS, browsers send the cookies over TLS alone.
    pub(crate) fn new(api: ApiState, is_tls: bool) -> Self {
        Self {
            cache: Arc::clone(&api.cache),
            tokens: Arc::clone(&api.tokens),
            sessions: Arc::default(),
            sign_in_limit: Arc::default(),
            cookies: Cookies::new(is_tls),
            body_limits: api.body_limits,
            rate_limit: Arc::clone(&api.rate_limit),
            api: ApiCalls::new(trusted_router(api)),
        }
    }
}
