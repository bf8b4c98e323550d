//! Cloudflare's API: `access/certificates/settings` of zones and accounts.

mod audit;
mod authenticate;
mod authorize;
mod body;
mod envelope;
mod error;
mod observe;
mod rate_limit;
mod routes;
mod settings;
mod state;
mod status;
mod verify;
mod zones;

pub(crate) use body::{BodyError, BodyLimits};
pub(crate) use observe::observe;
pub(crate) use rate_limit::{RateLimit, limit_rate};
pub(crate) use routes::{no_route, router, trusted_router};
pub(crate) use state::ApiState;
