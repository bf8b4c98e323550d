//! How much a client may ask: requests per second and address, bytes of a body, and time to send it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::envelope::ApiError;
use crate::routes::Api;

/// Above this many addresses those are forgotten that could send at once again.
const ADDRESSES: usize = 10_000;

/// What a client may ask.
pub struct Limits {
    rate: DefaultKeyedRateLimiter<IpAddr>,
    max_body_bytes: usize,
    request_timeout: u64,
}

impl Limits {
    /// So many requests per second (twice as many at once), bytes of a body, and seconds to send it.
    #[must_use]
    pub fn new(
        requests_per_second: NonZeroU32,
        max_body_bytes: usize,
        request_timeout: u64,
    ) -> Self {
        let burst = requests_per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(requests_per_second).allow_burst(burst);
        Self {
            rate: RateLimiter::keyed(quota),
            max_body_bytes,
            request_timeout,
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`ApiError::TooLarge`], [`ApiError::TooSlow`]; and the latter when the client went away.
    pub async fn read(&self, length: Option<usize>, body: Body) -> Result<Bytes, ApiError> {
        let too_large = ApiError::TooLarge(self.max_body_bytes);
        if length.is_some_and(|length| length > self.max_body_bytes) {
            return Err(too_large);
        }
        let reading = Limited::new(body, self.max_body_bytes).collect();
        match tokio::time::timeout(Duration::from_secs(self.request_timeout), reading).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large),
            Ok(Err(_)) | Err(_) => Err(ApiError::TooSlow(self.request_timeout)),
        }
    }

    /// Counts a request of that address.
    ///
    /// # Errors
    /// [`ApiError::TooMany`]
    fn count(&self, address: IpAddr) -> Result<(), ApiError> {
        if self.rate.len() > ADDRESSES {
            self.rate.retain_recent();
        }
        self.rate.check_key(&client(address)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// Answers 429 to clients that send too many requests.
pub async fn limit_rate(
    State(api): State<Arc<Api>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match api.limits.count(address.ip()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The length that a request's head gives its body.
#[must_use]
pub fn content_length(request: &Request) -> Option<usize> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// IPv6 clients are counted by their /64, of which each has all addresses.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}
