//! Redis: the pool, the cache-aside helper and the rate limiter.
//!
//! Redis holds only what may vanish. Where it is away, reads go to the database, live positions are missing
//! for a while, browsing is not limited and sign-in is refused; nothing is wrong and nothing hangs.

mod breaker;
pub mod cache;
mod geo;
pub mod limit;
mod master;
mod pool;
mod pubsub;
mod sentinel;
mod stats;

pub use cache::{Cache, CacheKey, CachedCollection};
pub use geo::{Nearby, Whereabouts};
pub use limit::{Allowance, RateLimiter, RateRule, address_subject};
pub use pool::{COMMAND_DEADLINE, POOL_SIZE, RedisPool};
pub use pubsub::{Channel, Heard};
pub use sentinel::SentinelConfig;

/// Redis failed or was too slow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// No connection, or no answer in time.
    #[error("redis is away: {0}")]
    Away(String),
    /// Not asked, because it was away a moment ago.
    #[error("redis is not asked for a moment after a failure")]
    Open,
    /// It answered with an error, or with something that cannot be read.
    #[error("redis: {0}")]
    Answer(String),
}
