//! What the processes tell each other: "forget these".
//!
//! The message follows the deletion on the same connection. It saves the others the second for which they keep values
//! near, and the loads in flight that began before; nothing depends on its arrival.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tracing::debug;

use super::super::{CacheError, Channel, Heard, RedisPool};
use super::flight::Flights;
use super::lease::{derived_of, lease_of};
use super::near::Near;
use super::repair::Repairs;

/// Where it is said.
const CHANNEL: &str = "cache:forget";
/// In place of names: everything.
const EVERYTHING: &str = "*";
/// Names deleted and told of at once.
const BATCH: usize = 500;
/// A first connection that is made within this has missed nothing: the process began a moment ago.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Listens as long as it lives.
#[derive(Debug)]
struct Ear {
    _channel: Channel,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The listening of one cache; begun by its first use.
#[derive(Debug, Default)]
pub(super) struct Hearing(OnceLock<Ear>);

/// What is told to forget.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) redis: RedisPool,
    /// This cache among those that share the keys; what it says itself it need not hear.
    pub(super) run: Arc<str>,
    pub(super) near: Arc<Near>,
    pub(super) flights: Arc<Flights>,
    pub(super) repairs: Arc<Repairs>,
}

impl Hearing {
    pub(super) fn begin(&self, memory: &Memory) {
        self.0.get_or_init(|| {
            let channel = memory.redis.subscribe(CHANNEL);
            let mut heard = channel.listen();
            let (memory, begun) = (memory.clone(), Instant::now());
            #[expect(clippy::disallowed_methods, reason = "lives as long as the cache, which ends it")]
            let task = tokio::spawn(async move {
                let mut fresh = true;
                loop {
                    match heard.recv().await {
                        Ok(Heard::Text(text)) => memory.heard(&text).await,
                        Ok(Heard::Gap) if std::mem::take(&mut fresh) && begun.elapsed() < AT_ONCE => {}
                        Ok(Heard::Gap) => memory.lost().await,
                        Err(RecvError::Lagged(_)) => memory.forget_all(),
                        Err(RecvError::Closed) => return,
                    }
                }
            });
            Ear { _channel: channel, task }
        });
    }
}

impl Memory {
    async fn heard(&self, text: &str) {
        let mut lines = text.lines();
        if lines.next() == Some(&*self.run) {
            return;
        }
        for name in lines {
            if name == EVERYTHING {
                self.forget_all();
            } else {
                self.forget(name).await;
            }
        }
    }

    /// The connection was lost, perhaps with its server: what was said meanwhile is unknown, and what this process
    /// deleted a moment ago may be there again on a server that took over.
    async fn lost(&self) {
        self.forget_all();
        let again = self.repairs.repeat_recent(self);
        debug!(names = again, "listening to redis again; recent invalidations are repeated");
    }

    /// Forgets a value here, and lets nobody join a load of it that is under way.
    pub(super) async fn forget(&self, name: &str) {
        self.near.forget(name).await;
        self.flights.detach(name);
    }

    pub(super) fn forget_all(&self) {
        self.near.forget_all();
        self.flights.detach_all();
    }

    /// Deletes values, what is derived from them and the leases on them, and tells the other processes.
    pub(super) async fn delete(&self, names: &[String]) -> Result<(), CacheError> {
        for names in names.chunks(BATCH) {
            let keys: Vec<String> = names
                .iter()
                .flat_map(|name| [name.clone(), lease_of(name), derived_of(name)])
                .map(|name| self.redis.key(&name))
                .collect();
            let (channel, text) = (self.redis.key(CHANNEL), format!("{}\n{}", self.run, names.join("\n")));
            self.redis
                .run("cache.forget", |mut conn| async move {
                    redis::pipe()
                        .cmd("DEL")
                        .arg(keys)
                        .cmd("PUBLISH")
                        .arg(channel)
                        .arg(text)
                        .query_async::<()>(&mut conn)
                        .await
                })
                .await?;
        }
        Ok(())
    }

    /// Tells the other processes that everything may be stale.
    pub(super) async fn tell_all(&self) -> Result<(), CacheError> {
        self.redis.publish(CHANNEL, &format!("{}\n{EVERYTHING}", self.run)).await
    }
}
