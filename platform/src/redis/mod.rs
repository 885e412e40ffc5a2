//! Redis: the pool, the cache-aside helper and the rate limiter.

/// Redis failed or was too slow.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CacheError(pub String);
