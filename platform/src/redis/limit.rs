//! Rate limits, exact across all processes: one script a check, time from the injected clock.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use tracing::debug;

use super::{CacheError, RedisPool};
use crate::clock::Clock;
use crate::fault::Infra;
use crate::random::Random;

static BUCKET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/bucket.lua")));
static WINDOW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/window.lua")));

/// Whom a subject stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// One account, phone or device.
    One,
    /// Everybody behind an address.
    Address,
}

/// How requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A bucket of `burst` units that refills evenly over `per`; requests may cost several units.
    Bucket,
    /// Never more than `burst` requests in any span of `per`.
    Window,
}

/// What happens while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAway {
    /// Let through: browsing goes on.
    Open,
    /// Refused as unavailable: nobody guesses passwords while the counter is away.
    Closed,
}

/// One limit, declared as a constant beside what it protects.
///
/// ```
/// use std::time::Duration;
/// use daraa_platform::redis::RateRule;
///
/// /// At most five sign-ins in any five minutes; refused while Redis is away.
/// const SIGN_IN: RateRule = RateRule::window("sign_in", 5, Duration::from_secs(300)).fail_closed();
/// /// 10,000 units of query cost, refilled over ten seconds.
/// const COST: RateRule = RateRule::bucket("cost", 10_000, Duration::from_secs(10));
/// # let _ = (SIGN_IN, COST);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateRule {
    name: &'static str,
    burst: u32,
    per: Duration,
    shape: Shape,
    when_away: WhenAway,
    subject: Subject,
}

impl RateRule {
    /// A leaky bucket: `burst` units at once, refilled evenly, all of them over `per`.
    #[must_use]
    pub const fn bucket(name: &'static str, burst: u32, per: Duration) -> Self {
        Self { name, burst, per, shape: Shape::Bucket, when_away: WhenAway::Open, subject: Subject::One }
    }

    /// A sliding window: never more than `limit` requests in any span of `per`. For small limits only, for
    /// each counted request is remembered.
    #[must_use]
    pub const fn window(name: &'static str, limit: u32, per: Duration) -> Self {
        Self {
            name,
            burst: limit,
            per,
            shape: Shape::Window,
            when_away: WhenAway::Open,
            subject: Subject::One,
        }
    }

    /// Refuses everything while Redis is away.
    #[must_use]
    pub const fn fail_closed(self) -> Self {
        Self { when_away: WhenAway::Closed, ..self }
    }

    /// Counts network addresses, which many people may share.
    #[must_use]
    pub const fn of_address(self) -> Self {
        Self { subject: Subject::Address, ..self }
    }

    /// What it is called in keys, metrics and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Units when nothing was used.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// How long an empty bucket takes to refill, or the span of the window.
    #[must_use]
    pub const fn per(&self) -> Duration {
        self.per
    }

    /// Units that come back in a second.
    #[must_use]
    pub fn restore_rate(&self) -> f64 {
        f64::from(self.burst) / self.per.as_secs_f64()
    }
}

/// What is left after a request was let through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Units (or requests) left now.
    pub remaining: u32,
    /// Units that come back in a second.
    pub restore_rate: f64,
}

/// An address as limits count it: an IPv6 subscriber owns a whole /64, not one of its billions of addresses.
#[must_use]
pub fn address_subject(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Checks limits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    redis: RedisPool,
    clock: Clock,
    random: Random,
    run: Arc<str>,
    times: u32,
    address_times: u32,
}

impl RateLimiter {
    /// Counts in `redis`, by the time of `clock`.
    #[must_use]
    pub fn new(redis: RedisPool, clock: Clock, random: Random) -> Self {
        let run = hex::encode(random.bytes::<8>()).into();
        Self { redis, clock, random, run, times: 1, address_times: 1 }
    }

    /// The same limiter with every limit `times` as loose; simulations and tests only.
    #[must_use]
    pub fn loosened(self, times: u32) -> Self {
        Self { times: times.max(1), ..self }
    }

    /// The same limiter with limits of addresses `times` as wide, where so many households share one.
    #[must_use]
    pub fn with_shared_addresses(self, times: u32) -> Self {
        Self { address_times: times.max(1), ..self }
    }

    /// Counts one request of `cost` units for `subject` (an account id, an address, a keyed hash of a phone
    /// number; never anything personal in plain). A window counts 1 whatever the cost. A cost of 0 asks a
    /// bucket without counting.
    ///
    /// # Errors
    /// [`Infra::RateLimited`] when it is too much; [`Infra::Cache`] when Redis is away and the rule fails closed.
    pub async fn check(&self, rule: &RateRule, subject: &str, cost: u32) -> Result<Allowance, Infra> {
        match rule.shape {
            Shape::Bucket => self.check_buckets(&[(rule, subject)], cost).await,
            Shape::Window => {
                let outcome = self.ask_window(&self.loose(rule), subject).await;
                self.decide(&[rule], outcome)
            }
        }
    }

    /// Takes `cost` units from several buckets at once, or from none; answers what the emptiest has left, and
    /// the rate of the first.
    ///
    /// # Errors
    /// As [`Self::check`], with the name of the bucket that was too full.
    pub async fn check_buckets(&self, buckets: &[(&RateRule, &str)], cost: u32) -> Result<Allowance, Infra> {
        let outcome = self.ask_buckets(buckets, i64::from(cost), "asked").await;
        let rules: Vec<&RateRule> = buckets.iter().map(|(rule, _)| *rule).collect();
        self.decide(&rules, outcome)
    }

    /// Corrects what was taken from buckets by so many units: back to them when negative (a query that cost less than
    /// it might have), otherwise taken after the fact, even below empty. Lost when Redis is away.
    pub async fn correct(&self, buckets: &[(&RateRule, &str)], units: i64) {
        // Nothing hangs on it.
        drop(self.ask_buckets(buckets, units, "forced").await);
    }

    fn loose(&self, rule: &RateRule) -> RateRule {
        let shared = if rule.subject == Subject::Address { self.address_times } else { 1 };
        RateRule { burst: rule.burst.saturating_mul(self.times).saturating_mul(shared), ..*rule }
    }

    fn decide(&self, rules: &[&RateRule], outcome: Result<Verdict, CacheError>) -> Result<Allowance, Infra> {
        let Some(first) = rules.first().map(|rule| self.loose(rule)) else {
            return Err(Infra::defect("a check of no limit"));
        };
        match outcome {
            Ok(Verdict { full: None, remaining, .. }) => {
                Ok(Allowance { remaining, restore_rate: first.restore_rate() })
            }
            Ok(Verdict { full: Some(index), wait_us, .. }) => {
                let what = rules.get(index).map_or(first.name, |rule| rule.name);
                metrics::counter!("daraa_rate_limited_total", "limit" => what).increment(1);
                // Rounded up to a millisecond, so that asking again then is not too early.
                Err(Infra::RateLimited { what, retry_after: Duration::from_millis(wait_us.div_ceil(1_000)) })
            }
            Err(e) if rules.iter().all(|rule| rule.when_away == WhenAway::Open) => {
                debug!(limit = first.name, cause = %e, "a limit is not kept while redis is away");
                Ok(Allowance { remaining: first.burst, restore_rate: first.restore_rate() })
            }
            Err(e) => Err(Infra::Cache(e)),
        }
    }

    async fn ask_buckets(
        &self,
        buckets: &[(&RateRule, &str)],
        cost: i64,
        how: &str,
    ) -> Result<Verdict, CacheError> {
        let keys: Vec<String> = buckets.iter().map(|(rule, subject)| key(rule, subject)).collect();
        let mut args = vec![self.now_us(), cost.to_string(), how.to_owned()];
        for (rule, _) in buckets {
            let burst = self.loose(rule).burst.max(1);
            args.push((micros(rule.per) / u64::from(burst)).max(1).to_string());
            args.push(burst.to_string());
        }
        let (keys, args): (Vec<&str>, Vec<&str>) =
            (keys.iter().map(String::as_str).collect(), args.iter().map(String::as_str).collect());
        let (full, remaining, wait): (i64, i64, i64) =
            self.redis.script("limit.bucket", &BUCKET, &keys, &args).await?;
        Ok(Verdict::new(usize::try_from(full - 1).ok(), remaining, wait))
    }

    async fn ask_window(&self, rule: &RateRule, subject: &str) -> Result<Verdict, CacheError> {
        let (key, now_us) = (key(rule, subject), self.now_us());
        let (span, limit) = (micros(rule.per).to_string(), rule.burst.to_string());
        let member = format!("{}{}", self.run, hex::encode(self.random.bytes::<8>()));
        let (allowed, remaining, wait): (i64, i64, i64) =
            self.redis.script("limit.window", &WINDOW, &[&key], &[&now_us, &span, &limit, &member]).await?;
        Ok(Verdict::new((allowed != 1).then_some(0), remaining, wait))
    }

    fn now_us(&self) -> String {
        self.clock.now().millis().saturating_mul(1_000).to_string()
    }
}

/// What a script answered.
struct Verdict {
    /// Which limit was reached.
    full: Option<usize>,
    remaining: u32,
    wait_us: u64,
}

impl Verdict {
    fn new(full: Option<usize>, remaining: i64, wait: i64) -> Self {
        Self {
            full,
            remaining: u32::try_from(remaining).unwrap_or(0),
            wait_us: u64::try_from(wait).unwrap_or(0),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn key(rule: &RateRule, subject: &str) -> String {
    format!("limit:{}:{subject}", rule.name)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn one_ipv6_subscriber_is_one_address() {
        let of = |text: &str| text.parse::<IpAddr>().map(address_subject);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }

    #[test]
    fn a_bucket_refills_evenly() {
        assert_eq!(RateRule::bucket("x", 10_000, Duration::from_secs(10)).restore_rate(), 1_000.0);
    }
}
