//! What the server says of itself: how full it is, and what it had to throw away.

use super::{CacheError, RedisPool};

impl RedisPool {
    /// Asks the master how full it is and notes it in the metrics; docs/CACHE.md explains each.
    ///
    /// # Errors
    /// Redis is away; the metrics keep what was noted before.
    pub async fn note_fullness(&self) -> Result<(), CacheError> {
        let info: redis::InfoDict = self
            .run("info", |mut conn| async move { redis::cmd("INFO").query_async(&mut conn).await })
            .await?;
        let number = |name: &str| info.get::<u64>(name).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "bytes and counts far below 2^52")]
        let gauge = |name: &str| number(name) as f64;
        metrics::gauge!("daraa_redis_memory_bytes", "bound" => "used").set(gauge("used_memory"));
        metrics::gauge!("daraa_redis_memory_bytes", "bound" => "max").set(gauge("maxmemory"));
        metrics::gauge!("daraa_redis_clients").set(gauge("connected_clients"));
        metrics::gauge!("daraa_redis_replicas").set(gauge("connected_slaves"));
        // As the server counts them, from its start: after a fail-over the new master's count is another.
        for (name, why) in [("evicted_keys", "evicted"), ("expired_keys", "expired")] {
            metrics::gauge!("daraa_redis_keys_gone", "why" => why).set(gauge(name));
        }
        Ok(())
    }
}
