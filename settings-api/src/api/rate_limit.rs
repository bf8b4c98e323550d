//! Limits each client's requests per second.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::error::ApiError;
use crate::client_address::group;

/// Above this many addresses, those that may send at full rate again are dropped.
const ADDRESSES: usize = 10_000;

/// The rate limiter of all clients.
pub(crate) struct RateLimit(DefaultKeyedRateLimiter<IpAddr>);

impl RateLimit {
    /// Allows so many requests per second and client, twice as many at once.
    pub(crate) fn new(requests_per_second: NonZeroU32) -> Self {
        let burst = requests_per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(requests_per_second).allow_burst(burst);
        Self(RateLimiter::keyed(quota))
    }

    fn count(&self, address: IpAddr) -> Result<(), ApiError> {
        if self.0.len() > ADDRESSES {
            self.0.retain_recent();
        }
        self.0.check_key(&group(address)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// Answers 429 to a client that sends too many requests.
pub(crate) async fn limit_rate(
    State(rate_limit): State<Arc<RateLimit>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match rate_limit.count(address.ip()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}
