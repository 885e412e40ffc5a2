//! The connection pool: every command bounded in time, and only ever to the master.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{ConnectionInfo, FromRedisValue, RedisError};
use tracing::warn;

use super::CacheError;
use super::breaker::Breaker;
use super::master::{Manager, Master, Route};
use super::sentinel::{SentinelConfig, Sentinels};
use crate::config::Secret;

/// Connections of one process. Each carries many commands at once, so few are needed.
pub const POOL_SIZE: u32 = 16;
/// How long getting a connection and one command may take together. A cache that is slower than the
/// database is of no use.
pub const COMMAND_DEADLINE: Duration = Duration::from_millis(250);

/// The pool. Cheap to clone. Every key gets the prefix, so that tests and systems do not meet.
#[derive(Debug, Clone)]
pub struct RedisPool {
    inner: Arc<Inner>,
    prefix: Arc<str>,
}

#[derive(Debug)]
struct Inner {
    pool: bb8::Pool<Manager>,
    route: Arc<Route>,
    breaker: Arc<Breaker>,
    /// Who asks the Sentinels, where there are any.
    following: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(following) = &self.following {
            following.abort();
        }
    }
}

impl RedisPool {
    /// A pool to one server; the first command connects. Should the server become a replica, it is not used.
    ///
    /// # Errors
    /// An address that is not `host:port`.
    pub fn connect(addr: &str, password: &Secret, prefix: &str) -> Result<Self, CacheError> {
        let master = Master { addr: addr.parse()?, epoch: 0 };
        Ok(Self::on(Route::new(Some(master), password.clone()), None, prefix))
    }

    /// A pool to the master that the Sentinels name, whoever that is. Needs a runtime: it asks them from now on.
    ///
    /// # Errors
    /// No Sentinel is named, or an address is not `host:port`.
    pub fn by_sentinels(
        config: &SentinelConfig,
        password: &Secret,
        prefix: &str,
    ) -> Result<Self, CacheError> {
        let sentinels = Sentinels::new(config)?;
        Ok(Self::on(Route::new(None, password.clone()), Some(sentinels), prefix))
    }

    fn on(route: Route, sentinels: Option<Sentinels>, prefix: &str) -> Self {
        let (route, breaker) = (Arc::new(route), Arc::new(Breaker::new()));
        let pool = bb8::Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(0)
            .test_on_check_out(true)
            .retry_connection(false)
            .connection_timeout(COMMAND_DEADLINE)
            .error_sink(Box::new(bb8::NopErrorSink))
            .build_unchecked(Manager { route: Arc::clone(&route) });
        let following = sentinels.map(|sentinels| {
            let work = sentinels.follow(Arc::clone(&route), Arc::clone(&breaker));
            #[expect(clippy::disallowed_methods, reason = "lives as long as the pool, which ends it")]
            tokio::spawn(async move { match work.await {} })
        });
        Self { inner: Arc::new(Inner { pool, route, breaker, following }), prefix: prefix.into() }
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

    /// The master commands go to, as `host:port`; `None` while no Sentinel has named one.
    #[must_use]
    pub fn master(&self) -> Option<String> {
        self.inner.route.master().map(|master| master.addr.to_string())
    }

    /// The master, once there is one.
    pub(super) async fn named(&self) -> Result<Master, RedisError> {
        self.inner.route.named().await
    }

    /// How to connect to it.
    pub(super) fn info(&self, master: &Master) -> Result<ConnectionInfo, RedisError> {
        self.inner.route.info(master)
    }

    /// Waits until another server than `master` is the master.
    pub(super) async fn moved(&self, master: &Master) {
        self.inner.route.moved(master).await;
    }

    /// How many connections are open and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let state = self.inner.pool.state();
        (state.connections, state.idle_connections)
    }

    /// A connection, back in the pool already: it carries the commands of many at once.
    async fn link(&self) -> Result<MultiplexedConnection, Failure> {
        let mut failures = self.inner.route.failures();
        tokio::select! {
            biased;
            link = self.inner.pool.get() => match link {
                Ok(link) => Ok(link.conn.clone()),
                Err(bb8::RunError::User(e)) => Err(Failure::Redis(e)),
                Err(bb8::RunError::TimedOut) => Err(Failure::Slow),
            },
            Ok(()) = failures.changed() => Err(Failure::Unreachable(Arc::clone(&failures.borrow()))),
        }
    }

    /// Runs `work` on a connection, within [`COMMAND_DEADLINE`].
    pub(super) async fn run<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        op: &'static str,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, CacheError> {
        let Inner { route, breaker, .. } = &*self.inner;
        if !breaker.allows() {
            return Err(CacheError::Open);
        }
        let started = Instant::now();
        let generation = route.generation();
        let outcome = tokio::time::timeout(COMMAND_DEADLINE, async {
            work(self.link().await?).await.map_err(Failure::Redis)
        })
        .await
        .unwrap_or(Err(Failure::Slow));
        metrics::histogram!("daraa_redis_operation_seconds", "op" => op)
            .record(started.elapsed().as_secs_f64());
        let failure = match outcome {
            Ok(value) => {
                breaker.answered();
                return Ok(value);
            }
            Err(failure) => failure,
        };
        metrics::counter!("daraa_redis_failures_total", "op" => op).increment(1);
        let (slow, cause) = match failure {
            Failure::Slow => (true, format!("{op} passed its deadline")),
            Failure::Redis(e) if e.is_timeout() => (true, format!("{op}: {e}")),
            Failure::Redis(e) if away(&e) => (false, format!("{op}: {e}")),
            Failure::Unreachable(cause) => (false, format!("{op}: {cause}")),
            Failure::Redis(e) => {
                // It answered, if only with an error.
                breaker.answered();
                return Err(CacheError::Answer(format!("{op}: {e}")));
            }
        };
        // What a former master did, or did not, says nothing about the present one.
        if generation == route.generation() {
            let opened = breaker.failed(slow);
            if !slow || opened {
                // Connections opened before the failure are not trusted again; younger ones are.
                route.distrust(generation);
            }
            if opened {
                warn!(cause, "redis is away");
            }
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
    /// No answer in time.
    Slow,
    /// A new connection was needed, and could not be had.
    Unreachable(Arc<str>),
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
