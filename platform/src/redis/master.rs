//! Which server is the master, and connections to it and to nobody else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, Value,
};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::{COMMAND_DEADLINE, CacheError};
use crate::config::Secret;

/// How long opening a connection may take, hand-shake and role included. Longer than a command waits: who asks next
/// finds it open.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// A master is believed to be one this long. Sentinel closes the connections to a master it demotes; this is for those
/// demoted by another hand, and spares each command a second question.
const ROLE_BELIEVED: Duration = Duration::from_millis(250);
/// How long the answer to "are you the master" may take: a part of what a command has.
const ROLE_WITHIN: Duration = Duration::from_millis(100);

/// `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Address {
    type Err = CacheError;

    fn from_str(text: &str) -> Result<Self, CacheError> {
        let wrong = || CacheError::Answer(format!("{text:?} is not host:port"));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        // An IPv6 address stands in brackets.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl Address {
    pub(super) fn info(&self, password: &Secret) -> Result<ConnectionInfo, RedisError> {
        let settings = RedisConnectionInfo::default().set_password(password.expose());
        let addr = ConnectionAddr::Tcp(self.host.clone(), self.port);
        Ok(addr.into_connection_info()?.set_redis_settings(settings))
    }
}

/// The server that is the master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) addr: Address,
    /// How many times the Sentinels have chosen; 0 where there are none.
    pub(super) epoch: u64,
}

/// The way to the master. Each failure and each change of master starts a new generation: connections of an older one
/// are not handed out again, which needs no question to a server that may be gone.
#[derive(Debug)]
pub(super) struct Route {
    /// None until a Sentinel has named one.
    master: watch::Sender<Option<Master>>,
    /// Somebody has reason to think that the master is another one by now.
    doubt: Notify,
    /// Why the last attempt to connect failed; each failure is a change.
    unreachable: watch::Sender<Arc<str>>,
    generation: AtomicU64,
    password: Secret,
}

impl Route {
    pub(super) fn new(master: Option<Master>, password: Secret) -> Self {
        Self {
            master: watch::Sender::new(master),
            doubt: Notify::new(),
            unreachable: watch::Sender::new("".into()),
            generation: AtomicU64::new(1),
            password,
        }
    }

    pub(super) fn master(&self) -> Option<Master> {
        self.master.borrow().clone()
    }

    /// Hears of every attempt to connect that fails.
    pub(super) fn failures(&self) -> watch::Receiver<Arc<str>> {
        self.unreachable.subscribe()
    }

    /// The master, once there is one.
    pub(super) async fn named(&self) -> Result<Master, RedisError> {
        let mut changes = self.master.subscribe();
        let named = tokio::time::timeout(CONNECT_WITHIN, changes.wait_for(Option::is_some)).await;
        let master = named.ok().and_then(Result::ok).and_then(|master| master.clone());
        master.ok_or_else(|| (redis::ErrorKind::Io, "no sentinel has named a master").into())
    }

    /// How to connect to it.
    pub(super) fn info(&self, master: &Master) -> Result<ConnectionInfo, RedisError> {
        master.addr.info(&self.password)
    }

    /// Waits until another server than `master` is the master.
    pub(super) async fn moved(&self, master: &Master) {
        let mut changes = self.master.subscribe();
        // The sender lives in `self`: there is always an answer.
        drop(changes.wait_for(|now| now.as_ref().is_some_and(|now| now.addr != master.addr)).await);
    }

    /// Commands go to `next` from now on, on new connections.
    pub(super) fn turn_to(&self, next: Master) {
        let (to, epoch) = (next.addr.to_string(), next.epoch);
        let before = self.master.send_replace(Some(next));
        if before.as_ref().is_some_and(|before| before.addr.to_string() == to) {
            return;
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
        metrics::counter!("daraa_redis_switches_total").increment(1);
        info!(master = to, epoch, "redis has a master");
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Connections of `generation` and older are not trusted again.
    pub(super) fn distrust(&self, generation: u64) {
        let next = generation.saturating_add(1);
        let _ = self.generation.compare_exchange(generation, next, Ordering::SeqCst, Ordering::SeqCst);
        self.doubt.notify_one();
    }

    /// Waits until somebody doubts that the master is still the one that is known.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    async fn open(&self, master: &Master, generation: u64) -> Result<Link, RedisError> {
        let client = redis::Client::open(self.info(master)?)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(COMMAND_DEADLINE));
        let mut conn = client.get_multiplexed_async_connection_with_config(&config).await?;
        // Not after the answer: a master may be demoted while it travels.
        let master_at = Instant::now();
        if !is_master(&mut conn).await? {
            return Err((redis::ErrorKind::Io, "the server is not the master").into());
        }
        Ok(Link { conn, generation, master_at })
    }
}

/// A replica answers PING as well, and reads; only its role tells it apart.
async fn is_master(conn: &mut MultiplexedConnection) -> Result<bool, RedisError> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(conn).await?;
    Ok(matches!(role.first(), Some(Value::BulkString(name)) if name == b"master"))
}

/// One pooled connection to a master.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) conn: MultiplexedConnection,
    generation: u64,
    /// When it was asked last whether it is the master, and was.
    master_at: Instant,
}

/// Opens connections to the master and lets go of those that lead to a former one.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) route: Arc<Route>,
}

impl bb8::ManageConnection for Manager {
    type Connection = Link;
    type Error = RedisError;

    async fn connect(&self) -> Result<Link, RedisError> {
        let opened = loop {
            let generation = self.route.generation();
            let master = match self.route.named().await {
                Ok(master) => master,
                Err(e) => break Err(e),
            };
            tokio::select! {
                opened = self.route.open(&master, generation) => break opened,
                // The one that is being connected to is of no use any more, and may never answer.
                () = self.route.moved(&master) => {}
            }
        };
        opened.inspect_err(|e| {
            // The pool itself tells nobody: who waits for a connection would wait until its deadline.
            self.route.unreachable.send_replace(e.to_string().into());
            self.route.doubt.notify_one();
        })
    }

    async fn is_valid(&self, link: &mut Link) -> Result<(), RedisError> {
        if self.has_broken(link) {
            return Err((redis::ErrorKind::Io, "connection of an older generation").into());
        }
        if link.master_at.elapsed() < ROLE_BELIEVED {
            return Ok(());
        }
        let asked = Instant::now();
        let master = tokio::time::timeout(ROLE_WITHIN, is_master(&mut link.conn))
            .await
            .map_err(|_| (redis::ErrorKind::Io, "no answer about the role in time"))??;
        if !master {
            warn!("a redis server was demoted; its connections are closed");
            self.route.distrust(link.generation);
            return Err((redis::ErrorKind::Io, "the server is no longer the master").into());
        }
        link.master_at = asked;
        Ok(())
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.generation != self.route.generation()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port() {
        let parse = |text: &str| text.parse::<Address>().map(|addr| (addr.host, addr.port));
        assert_eq!(parse("redis:6379").unwrap(), ("redis".to_owned(), 6379));
        assert_eq!(parse("[::1]:6379").unwrap(), ("::1".to_owned(), 6379));
        for wrong in ["redis", "redis:", ":1", "redis:99999", ""] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn another_master_makes_older_connections_stale_and_the_same_one_does_not() {
        let at = |port, epoch| Master { addr: Address { host: "h".to_owned(), port }, epoch };
        let route = Route::new(None, Secret::new("x"));
        let first = route.generation();
        route.turn_to(at(1, 1));
        let second = route.generation();
        assert_ne!(first, second);
        route.turn_to(at(1, 2));
        assert_eq!((route.generation(), route.master().unwrap().epoch), (second, 2));
        route.turn_to(at(2, 3));
        assert_ne!(route.generation(), second);
    }

    #[tokio::test]
    async fn a_failure_makes_only_its_own_generation_stale() {
        let route = Route::new(None, Secret::new("x"));
        let before = route.generation();
        route.distrust(before);
        let after = route.generation();
        assert_ne!(before, after);
        route.distrust(before);
        assert_eq!(route.generation(), after);
    }
}
