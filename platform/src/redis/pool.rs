//! The connection pool: every command bounded in time, and a breaker that spares an absent server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bb8_redis::{RedisConnectionManager, bb8};
use redis::aio::MultiplexedConnection;
use redis::{
    ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
};
use tracing::warn;

use super::CacheError;
use crate::config::Secret;

/// Connections of one process. Each carries many commands at once, so few are needed.
pub const POOL_SIZE: u32 = 16;
/// How long getting a connection and one command may take together. A cache that is slower than the
/// database is of no use.
pub const COMMAND_DEADLINE: Duration = Duration::from_millis(250);
/// After a failure Redis is not asked for this long.
const BREAK: Duration = Duration::from_millis(500);
/// So many answers in a row must be missing before a slow Redis counts as away.
const SLOW_IN_A_ROW: u32 = 3;

/// One pooled connection and the generation it was opened in.
#[derive(Debug)]
pub(super) struct Link {
    conn: MultiplexedConnection,
    generation: u64,
}

/// Opens connections; tells stale ones apart without asking the server: a failure on one connection
/// starts a new generation, and older connections are not handed out again.
#[derive(Debug)]
pub(super) struct Manager {
    inner: RedisConnectionManager,
    generation: Arc<AtomicU64>,
}

impl bb8::ManageConnection for Manager {
    type Connection = Link;
    type Error = RedisError;

    async fn connect(&self) -> Result<Link, RedisError> {
        let generation = self.generation.load(Ordering::SeqCst);
        Ok(Link { conn: bb8::ManageConnection::connect(&self.inner).await?, generation })
    }

    async fn is_valid(&self, link: &mut Link) -> Result<(), RedisError> {
        if self.has_broken(link) {
            return Err((redis::ErrorKind::Io, "connection of an older generation").into());
        }
        Ok(())
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.generation != self.generation.load(Ordering::SeqCst)
    }
}

/// Whether Redis may be asked: closed while it answers, open for [`BREAK`] after it failed, then one
/// caller tries and the others wait for what it finds.
#[derive(Debug)]
struct Breaker {
    since: Instant,
    /// 0 = closed; otherwise ms after `since` when the next try is allowed.
    open_until_ms: AtomicU64,
    slow: AtomicU32,
}

impl Breaker {
    fn new() -> Self {
        Self { since: Instant::now(), open_until_ms: AtomicU64::new(0), slow: AtomicU32::new(0) }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn next_try_ms(&self) -> u64 {
        self.now_ms().saturating_add(u64::try_from(BREAK.as_millis()).unwrap_or(0)).max(1)
    }

    fn allows(&self) -> bool {
        let until = self.open_until_ms.load(Ordering::SeqCst);
        if until == 0 {
            return true;
        }
        self.now_ms() >= until
            && self
                .open_until_ms
                .compare_exchange(until, self.next_try_ms(), Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }

    fn answered(&self) {
        self.slow.store(0, Ordering::Relaxed);
        if self.open_until_ms.swap(0, Ordering::SeqCst) != 0 {
            warn!("redis answers again");
        }
    }

    /// Says whether it has just opened.
    fn failed(&self, slow: bool) -> bool {
        let enough = !slow || self.slow.fetch_add(1, Ordering::Relaxed) + 1 >= SLOW_IN_A_ROW;
        let open = self.open_until_ms.load(Ordering::SeqCst) != 0;
        if enough || open {
            self.open_until_ms.store(self.next_try_ms(), Ordering::SeqCst);
        }
        enough && !open
    }
}

/// The pool. Cheap to clone. Every key gets the prefix, so that tests and systems do not meet.
#[derive(Debug, Clone)]
pub struct RedisPool {
    pool: bb8::Pool<Manager>,
    generation: Arc<AtomicU64>,
    breaker: Arc<Breaker>,
    info: ConnectionInfo,
    prefix: Arc<str>,
}

impl RedisPool {
    /// Sets the pool up; the first command connects.
    ///
    /// # Errors
    /// An address that is not `host:port`.
    pub fn connect(addr: &str, password: &Secret, prefix: &str) -> Result<Self, CacheError> {
        let wrong = || CacheError::Answer(format!("{addr:?} is not host:port"));
        let (host, port) = addr.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let info = ConnectionAddr::Tcp(host.to_owned(), port)
            .into_connection_info()
            .map_err(|e| CacheError::Answer(e.to_string()))?
            .set_redis_settings(RedisConnectionInfo::default().set_password(password.expose()));
        let generation = Arc::new(AtomicU64::new(1));
        let inner =
            RedisConnectionManager::new(info.clone()).map_err(|e| CacheError::Answer(e.to_string()))?;
        let pool = bb8::Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(0)
            .test_on_check_out(true)
            .retry_connection(false)
            .connection_timeout(COMMAND_DEADLINE)
            .error_sink(Box::new(bb8::NopErrorSink))
            .build_unchecked(Manager { inner, generation: Arc::clone(&generation) });
        Ok(Self { pool, generation, breaker: Arc::new(Breaker::new()), info, prefix: prefix.into() })
    }

    /// A key as it is stored.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The prefix of every key.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// How many connections are open and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// Runs `work` on a connection, within [`COMMAND_DEADLINE`].
    pub(super) async fn run<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        op: &'static str,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, CacheError> {
        if !self.breaker.allows() {
            return Err(CacheError::Open);
        }
        let started = Instant::now();
        let mut generation = 0;
        let outcome = tokio::time::timeout(COMMAND_DEADLINE, async {
            let link = self.pool.get().await.map_err(|e| match e {
                bb8::RunError::User(e) => Failure::Redis(e),
                bb8::RunError::TimedOut => Failure::Slow,
            })?;
            generation = link.generation;
            work(link.conn.clone()).await.map_err(Failure::Redis)
        })
        .await
        .unwrap_or(Err(Failure::Slow));
        metrics::histogram!("daraa_redis_operation_seconds", "op" => op)
            .record(started.elapsed().as_secs_f64());
        let failure = match outcome {
            Ok(value) => {
                self.breaker.answered();
                return Ok(value);
            }
            Err(failure) => failure,
        };
        metrics::counter!("daraa_redis_failures_total", "op" => op).increment(1);
        let (slow, cause) = match failure {
            Failure::Slow => (true, format!("{op} passed its deadline")),
            Failure::Redis(e) if e.is_timeout() => (true, format!("{op}: {e}")),
            Failure::Redis(e) if away(&e) => (false, format!("{op}: {e}")),
            Failure::Redis(e) => {
                // It answered, if only with an error.
                self.breaker.answered();
                return Err(CacheError::Answer(format!("{op}: {e}")));
            }
        };
        let opened = self.breaker.failed(slow);
        if !slow || opened {
            // Connections opened before the failure are not trusted again; younger ones are.
            let next = generation.saturating_add(1);
            let _ = self.generation.compare_exchange(generation, next, Ordering::SeqCst, Ordering::SeqCst);
        }
        if opened {
            warn!(cause, "redis is away");
        }
        Err(CacheError::Away(cause))
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), CacheError> {
        self.run("ping", |mut conn| async move { redis::cmd("PING").query_async(&mut conn).await }).await
    }

    /// A text; `None` when it is not there.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn get(&self, name: &str) -> Result<Option<String>, CacheError> {
        let key = self.key(name);
        self.run("get", |mut conn| async move { redis::cmd("GET").arg(key).query_async(&mut conn).await })
            .await
    }

    /// Sets a text that vanishes after `ttl`.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn set(&self, name: &str, text: &str, ttl: Duration) -> Result<(), CacheError> {
        let key = self.key(name);
        self.run("set", |mut conn| async move {
            redis::cmd("SET").arg(key).arg(text).arg("PX").arg(millis(ttl)).query_async(&mut conn).await
        })
        .await
    }

    /// Sets a text only when the key is absent; says whether it was.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn set_if_absent(&self, name: &str, text: &str, ttl: Duration) -> Result<bool, CacheError> {
        let key = self.key(name);
        let set: Option<String> = self
            .run("set_nx", |mut conn| async move {
                redis::cmd("SET")
                    .arg(key)
                    .arg(text)
                    .arg("NX")
                    .arg("PX")
                    .arg(millis(ttl))
                    .query_async(&mut conn)
                    .await
            })
            .await?;
        Ok(set.is_some())
    }

    /// Deletes a key; an absent one is fine.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn del(&self, name: &str) -> Result<(), CacheError> {
        let key = self.key(name);
        self.run("del", |mut conn| async move { redis::cmd("DEL").arg(key).query_async(&mut conn).await })
            .await
    }

    /// Adds to a counter and (re)sets when it vanishes; returns the new value.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn add(&self, name: &str, by: i64, ttl: Duration) -> Result<i64, CacheError> {
        let key = self.key(name);
        self.run("incrby", |mut conn| async move {
            let (value, _): (i64, i64) = redis::pipe()
                .atomic()
                .cmd("INCRBY")
                .arg(&key)
                .arg(by)
                .cmd("PEXPIRE")
                .arg(&key)
                .arg(millis(ttl))
                .query_async(&mut conn)
                .await?;
            Ok(value)
        })
        .await
    }

    /// Sends a text to everyone who listens to `channel` now; nobody is fine.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn publish(&self, channel: &str, text: &str) -> Result<(), CacheError> {
        let channel = self.key(channel);
        self.run("publish", |mut conn| async move {
            redis::cmd("PUBLISH").arg(channel).arg(text).query_async::<()>(&mut conn).await
        })
        .await
    }

    /// Runs a script: keys get the prefix, arguments are passed as they are.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        op: &'static str,
        script: &redis::Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<T, CacheError> {
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(self.key(key));
        }
        for arg in args {
            call.arg(*arg);
        }
        self.run(op, |mut conn| async move { call.invoke_async(&mut conn).await }).await
    }
}

enum Failure {
    Slow,
    Redis(RedisError),
}

/// Whether the error means that Redis is not there, rather than that it refused.
fn away(e: &RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    e.is_io_error()
        || e.is_connection_dropped()
        || matches!(
            e.kind(),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown | ServerErrorKind::ReadOnly
            )
        )
}

pub(super) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_opens_the_breaker_at_once() {
        let breaker = Breaker::new();
        assert!(breaker.allows());
        assert!(breaker.failed(false));
        assert!(!breaker.allows());
        breaker.answered();
        assert!(breaker.allows());
    }

    #[test]
    fn one_slow_answer_is_forgiven_three_are_not() {
        let breaker = Breaker::new();
        assert!(!breaker.failed(true));
        assert!(breaker.allows());
        assert!(!breaker.failed(true));
        assert!(breaker.failed(true));
        assert!(!breaker.allows());
    }

    #[test]
    fn after_the_pause_one_caller_tries() {
        let breaker = Breaker::new();
        breaker.failed(false);
        breaker.open_until_ms.store(1, Ordering::SeqCst);
        // One millisecond after the breaker was made somebody may try, and nobody beside him.
        while !breaker.allows() {
            std::hint::spin_loop();
        }
        assert!(!breaker.allows());
    }
}
