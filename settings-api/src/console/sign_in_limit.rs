//! Limits sign-ins, so that nobody can try many tokens.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::client_address::group;

/// Sign-ins per minute of one client address.
const PER_ADDRESS: u32 = 10;
/// Sign-ins per minute in all.
const TOTAL: u32 = 100;
/// Above this many addresses, those that may sign in at full rate again are dropped.
const ADDRESSES: usize = 10_000;

/// The limits of sign-ins.
pub(super) struct SignInLimit {
    per_address: DefaultKeyedRateLimiter<IpAddr>,
    total: DefaultDirectRateLimiter,
}

impl Default for SignInLimit {
    fn default() -> Self {
        let quota = |count| Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        Self {
            per_address: RateLimiter::keyed(quota(PER_ADDRESS)),
            total: RateLimiter::direct(quota(TOTAL)),
        }
    }
}

impl SignInLimit {
    /// Counts a sign-in, successful or not. An address over its own limit doesn't count towards
    /// the limit in all, so that it can't lock others out.
    ///
    /// # Errors
    /// The seconds until the next one may come.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), u64> {
        if self.per_address.len() > ADDRESSES {
            self.per_address.retain_recent();
        }
        let now = DefaultClock::default().now();
        let own = self.per_address.check_key(&group(address));
        own.map_err(|until| until.wait_time_from(now).as_secs() + 1)?;
        let all = self.total.check();
        all.map_err(|until| until.wait_time_from(now).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{PER_ADDRESS, SignInLimit, TOTAL};

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0xc000_0200 + number).into()
    }

    #[test]
    fn one_address_has_few_tries_and_leaves_others_theirs() {
        let limit = SignInLimit::default();
        let tries = |address, count| (0..count).filter(|_| limit.count(address).is_ok()).count();
        assert_eq!(tries(address(1), 1_000), PER_ADDRESS as usize);
        assert_eq!(tries(address(2), 1_000), PER_ADDRESS as usize);
    }

    #[test]
    fn many_addresses_together_have_few_tries_too() {
        let limit = SignInLimit::default();
        let admitted = (0..10_000).filter(|number| limit.count(address(*number)).is_ok());
        assert_eq!(admitted.count(), TOTAL as usize);
    }
}
