//! How many requests one caller may make: a token bucket for each key, and for each address without a key.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::settings::Allowance;

use super::line::Line;
use super::problem::{Code, Problem};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// One bucket for each `K`.
#[derive(Debug)]
pub struct Limiter<K: Hash + Eq + Clone> {
    buckets: RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    /// Requests that may come at once, as a header's value: every answer has it.
    limit: HeaderValue,
}

/// What is left after a request, for its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    limit: HeaderValue,
    remaining: u32,
    reset: u64,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// With the same allowance for everyone.
    pub fn new(allowance: Allowance) -> Limiter<K> {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_second(at_least_one(allowance.per_second)).allow_burst(at_least_one(allowance.burst));
        let buckets = RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>();
        let limit = number(allowance.burst.into());
        Limiter { buckets, clock: DefaultClock::default(), limit }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// `too_many_requests` with the seconds to wait.
    pub fn take(&self, key: &K) -> Result<Left, Problem> {
        match self.buckets.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Left { limit: self.limit.clone(), remaining, reset: 1 })
            }
            Err(not_until) => {
                let wait = whole_seconds(not_until.wait_time_from(self.clock.now()));
                let mut problem = Problem::new(Code::TooManyRequests, format!("wait {wait} s"));
                let left = Left { limit: self.limit.clone(), remaining: 0, reset: wait };
                for (name, value) in left.headers() {
                    problem = problem.header(name, value);
                }
                Err(problem.header(RETRY_AFTER, HeaderValue::from(wait)))
            }
        }
    }

    /// Forgets full buckets, so that memory follows the callers of late.
    pub fn sweep(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

impl Left {
    /// Writes the headers of a successful answer.
    pub fn write(self, headers: &mut HeaderMap) {
        for (name, value) in self.headers() {
            headers.insert(name, value);
        }
    }

    fn headers(self) -> [(HeaderName, HeaderValue); 3] {
        [(LIMIT, self.limit), (REMAINING, number(self.remaining.into())), (RESET, number(self.reset))]
    }
}

fn number(number: u64) -> HeaderValue {
    if number == 1 {
        return HeaderValue::from_static("1");
    }
    Line::new("").number(number).header()
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// What counts as one caller: an IPv4 address, or the /64 that one IPv6 customer has.
pub fn caller_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_is_given_and_then_no_more() {
        let limiter: Limiter<u8> = Limiter::new(Allowance { per_second: 1, burst: 3 });
        assert_eq!((0..3).filter(|_| limiter.take(&1).is_ok()).count(), 3);
        assert_eq!(limiter.take(&1).unwrap_err().code(), Code::TooManyRequests);
        assert!(limiter.take(&2).is_ok(), "another caller has its own bucket");
    }

    #[test]
    fn one_customer_of_ipv6_is_one_caller() {
        let one: IpAddr = "2001:db8:1:2:aaaa::1".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:bbbb::2".parse().unwrap();
        let other: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(caller_of(one), caller_of(two));
        assert_ne!(caller_of(one), caller_of(other));
        assert_eq!(caller_of("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
