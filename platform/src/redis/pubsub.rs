//! Listening to a channel: an own connection that is opened again by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::broadcast;
use tracing::{debug, warn};

use super::{CacheError, RedisPool};

/// So many messages are kept for a slow listener before it is told that it missed some.
const BACKLOG: usize = 1_024;
/// The wait before connecting again.
const RECONNECT: Duration = Duration::from_millis(250);
/// A silent connection is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long connecting, subscribing and the sign of life may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text that was published.
    Text(Arc<str>),
    /// The connection was (re)made: texts may have been missed before this.
    Gap,
}

/// A channel that is listened to. The connection is closed when this is dropped.
#[derive(Debug)]
pub struct Channel {
    sender: broadcast::Sender<Heard>,
    task: tokio::task::JoinHandle<()>,
}

impl Channel {
    /// A new listener; it hears what is published from now on. A listener that falls more than
    /// [`BACKLOG`] behind gets `Lagged` from its receiver.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Heard> {
        self.sender.subscribe()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RedisPool {
    /// Listens to a channel on a connection of its own, as long as the answer lives. While Redis is away
    /// nothing is heard; after every (re)connection listeners hear [`Heard::Gap`].
    #[must_use]
    pub fn subscribe(&self, channel: &str) -> Channel {
        let (sender, _) = broadcast::channel(BACKLOG);
        let (pool, name, out) = (self.clone(), self.key(channel), sender.clone());
        #[expect(clippy::disallowed_methods, reason = "lives as long as the channel that holds it")]
        let task = tokio::spawn(async move {
            let mut missed = false;
            loop {
                let Err(e) = listen(&pool, &name, &out, &mut missed).await;
                // Said once an absence, not at every try.
                if !std::mem::replace(&mut missed, true) {
                    warn!(cause = %e, "listening to redis is interrupted");
                }
                tokio::time::sleep(RECONNECT).await;
            }
        });
        Channel { sender, task }
    }
}

async fn listen(
    pool: &RedisPool,
    channel: &str,
    out: &broadcast::Sender<Heard>,
    missed: &mut bool,
) -> Result<std::convert::Infallible, CacheError> {
    let master = pool.named().await.map_err(broken)?;
    let client = redis::Client::open(pool.info(&master).map_err(broken)?).map_err(broken)?;
    let pubsub = in_time(client.get_async_pubsub()).await?;
    let (mut sink, mut stream) = pubsub.split();
    in_time(sink.subscribe(channel)).await?;
    debug!(channel, "listening to redis");
    *missed = false;
    drop(out.send(Heard::Gap));
    loop {
        let heard = tokio::select! {
            heard = tokio::time::timeout(PING_EVERY, stream.next()) => heard,
            () = pool.moved(&master) => {
                return Err(CacheError::Away("another server is the master".to_owned()));
            }
        };
        match heard {
            Ok(Some(message)) => {
                let text: String = message.get_payload().map_err(broken)?;
                // Nobody listening is fine.
                drop(out.send(Heard::Text(text.into())));
            }
            Ok(None) => return Err(CacheError::Away("the connection was closed".to_owned())),
            Err(_) => {
                in_time(sink.ping::<redis::Value>()).await?;
            }
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, redis::RedisError>>) -> Result<T, CacheError> {
    tokio::time::timeout(ANSWER_WITHIN, work)
        .await
        .map_err(|_| CacheError::Away("no answer in time".to_owned()))?
        .map_err(broken)
}

fn broken(e: impl std::fmt::Display) -> CacheError {
    CacheError::Away(e.to_string())
}
