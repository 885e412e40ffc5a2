//! Rate limits, exact across all processes: one script a check, time from the injected clock.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use tracing::warn;

use super::{CacheError, RedisPool};
use crate::clock::Clock;
use crate::fault::Infra;
use crate::random::Random;

static BUCKET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/bucket.lua")));
static WINDOW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/window.lua")));

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
}

impl RateRule {
    /// A leaky bucket: `burst` units at once, refilled evenly, all of them over `per`.
    #[must_use]
    pub const fn bucket(name: &'static str, burst: u32, per: Duration) -> Self {
        Self { name, burst, per, shape: Shape::Bucket, when_away: WhenAway::Open }
    }

    /// A sliding window: never more than `limit` requests in any span of `per`. For small limits only, for
    /// each counted request is remembered.
    #[must_use]
    pub const fn window(name: &'static str, limit: u32, per: Duration) -> Self {
        Self { name, burst: limit, per, shape: Shape::Window, when_away: WhenAway::Open }
    }

    /// Refuses everything while Redis is away.
    #[must_use]
    pub const fn fail_closed(self) -> Self {
        Self { when_away: WhenAway::Closed, ..self }
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

/// Checks limits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    redis: RedisPool,
    clock: Clock,
    random: Random,
    run: Arc<str>,
    times: u32,
}

impl RateLimiter {
    /// Counts in `redis`, by the time of `clock`.
    #[must_use]
    pub fn new(redis: RedisPool, clock: Clock, random: Random) -> Self {
        let run = hex::encode(random.bytes::<8>()).into();
        Self { redis, clock, random, run, times: 1 }
    }

    /// The same limiter with every limit `times` as loose; simulations and tests only.
    #[must_use]
    pub fn loosened(self, times: u32) -> Self {
        Self { times: times.max(1), ..self }
    }

    /// Counts one request of `cost` units for `subject` (an account id, an address, a keyed hash of a phone
    /// number; never anything personal in plain). A window counts 1 whatever the cost. A cost of 0 asks
    /// without counting.
    ///
    /// # Errors
    /// [`Infra::RateLimited`] when it is too much; [`Infra::Cache`] when Redis is away and the rule fails closed.
    pub async fn check(&self, rule: &RateRule, subject: &str, cost: u32) -> Result<Allowance, Infra> {
        let rule = &RateRule { burst: rule.burst.saturating_mul(self.times), ..*rule };
        match self.ask(rule, subject, cost).await {
            Ok((true, remaining, _)) => Ok(Allowance { remaining, restore_rate: rule.restore_rate() }),
            Ok((false, _, wait_us)) => {
                metrics::counter!("daraa_rate_limited_total", "limit" => rule.name).increment(1);
                // Rounded up to a millisecond, so that asking again then is not too early.
                let retry_after = Duration::from_millis(wait_us.div_ceil(1_000));
                Err(Infra::RateLimited { what: rule.name, retry_after })
            }
            Err(e) if rule.when_away == WhenAway::Open => {
                warn!(limit = rule.name, cause = %e, "a limit is not kept while redis is away");
                Ok(Allowance { remaining: rule.burst, restore_rate: rule.restore_rate() })
            }
            Err(e) => Err(Infra::Cache(e)),
        }
    }

    /// Forgets what a subject used: after a right password, wrong ones no longer count.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn forget(&self, rule: &RateRule, subject: &str) -> Result<(), CacheError> {
        self.redis.del(&key(rule, subject)).await
    }

    async fn ask(&self, rule: &RateRule, subject: &str, cost: u32) -> Result<(bool, u32, u64), CacheError> {
        let key = key(rule, subject);
        let now_us = self.clock.now().millis().saturating_mul(1_000).to_string();
        let per_us = u64::try_from(rule.per.as_micros()).unwrap_or(u64::MAX);
        let (allowed, remaining, wait): (i64, i64, i64) = match rule.shape {
            Shape::Bucket => {
                let unit_us = (per_us / u64::from(rule.burst.max(1))).max(1).to_string();
                let (burst, cost) = (rule.burst.to_string(), cost.to_string());
                self.redis
                    .script("limit.bucket", &BUCKET, &[&key], &[&now_us, &unit_us, &burst, &cost])
                    .await?
            }
            Shape::Window => {
                let (span, limit) = (per_us.to_string(), rule.burst.to_string());
                let member = format!("{}{}", self.run, hex::encode(self.random.bytes::<8>()));
                self.redis
                    .script("limit.window", &WINDOW, &[&key], &[&now_us, &span, &limit, &member])
                    .await?
            }
        };
        Ok((allowed == 1, u32::try_from(remaining).unwrap_or(0), u64::try_from(wait).unwrap_or(0)))
    }
}

fn key(rule: &RateRule, subject: &str) -> String {
    format!("limit:{}:{subject}", rule.name)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_evenly() {
        assert_eq!(RateRule::bucket("x", 10_000, Duration::from_secs(10)).restore_rate(), 1_000.0);
    }
}
