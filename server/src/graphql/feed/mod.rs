//! Live feeds: what happens, told to those it concerns, numbered so that a client resumes without a gap.
//!
//! A subscriber reads its topic from the database and is woken by the [`Hub`], one per process, which follows the
//! database's change stream, from its place after an interruption, and now and then looks at the heads of all watched
//! topics by itself. A subscriber that does not read holds nothing but its place: events wait in the database, not in memory.

mod subscription;
mod types;

pub use subscription::FeedSubscription;
pub use types::FeedEventObject;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daraa_domain::app::App;
use daraa_domain::feed::{self, FeedEvent, Listener};
use daraa_domain::outbox::Topic;
use daraa_platform::lifecycle::Lifecycle;
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tracing::{debug, warn};

/// After a database failure a subscriber waits this long before it reads again.
const READ_AGAIN: Duration = Duration::from_millis(500);
/// After an interruption the change stream is opened again after this.
const LISTEN_AGAIN: Duration = Duration::from_millis(250);
/// Topics looked at in one query.
const TOPICS_A_LOOK: usize = 500;

/// Wakes subscribers. One per process.
#[derive(Debug)]
pub struct Hub {
    app: Arc<App>,
    /// The last known number of every watched topic.
    topics: Mutex<HashMap<String, watch::Sender<i64>>>,
}

/// An event on its way to one subscriber.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The event.
    pub event: FeedEvent,
    /// Earlier events are no longer kept: the client reads its objects anew.
    pub missed: bool,
}

impl Hub {
    /// Starts listening, until the process stops.
    #[must_use]
    pub fn start(app: Arc<App>, life: &Lifecycle) -> Arc<Self> {
        let hub = Arc::new(Self { app, topics: Mutex::default() });
        let (listener, soft) = (Arc::clone(&hub), life.soft().clone());
        life.spawn("feed.hub", async move {
            tokio::select! {
                never = listener.listen() => match never {},
                () = soft.cancelled() => Ok::<(), Infallible>(()),
            }
        });
        hub
    }

    async fn listen(&self) -> Infallible {
        let mut look = tokio::time::interval(feed::LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let looking = async {
            loop {
                look.tick().await;
                self.look().await;
            }
        };
        tokio::select! {
            never = self.follow() => never,
            never = looking => never,
        }
    }

    /// Wakes whom the database's change stream tells of, and begins again where it was interrupted.
    async fn follow(&self) -> Infallible {
        let mut place = None;
        loop {
            match Listener::begin(&self.app, place.as_ref()).await {
                Ok(mut news) => {
                    if place.is_none() {
                        // Whatever happened before is not told.
                        self.look().await;
                    }
                    let interrupted = loop {
                        match news.next().await {
                            Ok(Some(news)) => self.wake(&news.topic, news.sequence),
                            Ok(None) => {}
                            Err(e) => break e,
                        }
                    };
                    debug!(cause = %interrupted, "listening to the feeds was interrupted");
                    place = if interrupted.history_lost() { None } else { news.place().ok().flatten() };
                }
                Err(e) if e.history_lost() => place = None,
                Err(e) => debug!(cause = %e, "the feeds cannot be listened to for the moment"),
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    fn wake(&self, topic: &str, sequence: i64) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic) {
            sender.send_if_modified(|last| {
                let news = sequence > *last;
                *last = sequence.max(*last);
                news
            });
        }
    }

    /// Looks at the heads of all watched topics; forgets topics that nobody watches.
    async fn look(&self) {
        let watched: Vec<String> = {
            let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            topics.retain(|_, sender| sender.receiver_count() > 0);
            topics.keys().cloned().collect()
        };
        for batch in watched.chunks(TOPICS_A_LOOK) {
            match feed::heads(&self.app, batch).await {
                Ok(heads) => heads.into_iter().for_each(|(topic, last)| self.wake(&topic, last)),
                Err(e) => {
                    debug!(cause = %e, "the heads of the feeds cannot be read");
                    return;
                }
            }
        }
    }

    fn watch(&self, topic: &str) -> watch::Receiver<i64> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// The events of a topic after a number, or from now on. Does not end by itself.
    pub fn events(
        self: &Arc<Self>,
        topic: Topic,
        after: Option<i64>,
    ) -> impl Stream<Item = Delivered> + use<> {
        let news = self.watch(&topic.to_string());
        let (hub, at) = (Arc::clone(self), after.map(|n| n.max(0)));
        let place = Place { hub, topic, at, missed: false, news, read: VecDeque::new() };
        stream::unfold(place, |mut place| async move {
            let event = place.next().await;
            Some((event, place))
        })
    }
}

/// Where one subscriber stands in its topic.
struct Place {
    hub: Arc<Hub>,
    topic: Topic,
    /// The last number that was delivered; `None` before the head was read.
    at: Option<i64>,
    /// Events after the last delivered one are no longer kept.
    missed: bool,
    news: watch::Receiver<i64>,
    read: VecDeque<FeedEvent>,
}

impl Place {
    async fn next(&mut self) -> Delivered {
        loop {
            let Some(at) = self.at else {
                self.at = self.head().await;
                continue;
            };
            if let Some(event) = self.read.pop_front() {
                let missed = std::mem::take(&mut self.missed) || event.sequence > at.saturating_add(1);
                self.at = Some(event.sequence);
                return Delivered { event, missed };
            }
            // Seen before the read: what is appended during it wakes again.
            let known = *self.news.borrow_and_update();
            match feed::after(&self.hub.app, &self.topic, at, feed::MAX_READ).await {
                Ok(events) if events.is_empty() && known > at => {
                    // There were some, and they are no longer kept.
                    self.at = Some(known);
                    self.missed = true;
                }
                Ok(events) if events.is_empty() => self.wait(at).await,
                Ok(events) => self.read = events.into(),
                Err(e) => {
                    warn!(cause = %e, "a feed cannot be read for the moment");
                    tokio::time::sleep(READ_AGAIN).await;
                }
            }
        }
    }

    async fn head(&self) -> Option<i64> {
        match feed::head(&self.hub.app, &self.topic).await {
            Ok(head) => Some(head),
            Err(e) => {
                warn!(cause = %e, "a feed cannot be read for the moment");
                tokio::time::sleep(READ_AGAIN).await;
                None
            }
        }
    }

    /// Until the topic has something after `at`.
    async fn wait(&mut self, at: i64) {
        // The sender lives in the hub as long as somebody receives.
        drop(self.news.wait_for(|last| *last > at).await);
    }
}
