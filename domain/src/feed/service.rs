//! Appending to and reading from feeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daraa_platform::mongo::DbError;
use daraa_platform::mongo::changes::{Changes, Token};
use futures_util::future::try_join_all;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{MutexGuard, oneshot};

use super::model::{FeedEvent, KEEP_SECS, TOPIC_EVENT};
use super::store;
use crate::app::App;
use crate::outbox::{EventRow, Topic};

/// One read returns at most so many events; readers ask again.
pub const MAX_READ: i64 = 200;
/// Readers who are woken by nobody look this often: the change stream begins again after a fail-over by itself.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// So many appends to one topic may meet; far above what one relay can cause.
const MAX_MEETINGS: u32 = 50;
/// So many rows go into one write: more than one relay works on at once.
const MAX_TOGETHER: usize = 100;
/// So many topics are remembered before the memory is emptied; a forgotten head is read again.
const MAX_REMEMBERED: usize = 50_000;

/// The last number of each topic as this process knows it, and the queue of those who append to a topic. Only
/// saves reads and collisions: the unique index keeps the numbers right between processes.
#[derive(Debug, Default)]
pub struct Heads(Mutex<HashMap<String, Arc<Line>>>);

/// Those who append to one topic: who has the lock takes the rows of all who wait for it along.
#[derive(Debug, Default)]
struct Line {
    last: tokio::sync::Mutex<Option<i64>>,
    waiting: Mutex<Vec<Waiting>>,
}

/// A row to be appended, and who wants to know of it.
#[derive(Debug)]
struct Waiting {
    row: FeedEvent,
    appended: oneshot::Sender<()>,
}

impl Heads {
    fn of(&self, topic: &str) -> Arc<Line> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= MAX_REMEMBERED {
            heads.retain(|_, head| Arc::strong_count(head) > 1);
        }
        Arc::clone(heads.entry(topic.to_owned()).or_default())
    }
}

impl Line {
    fn queue(&self, row: FeedEvent) -> oneshot::Receiver<()> {
        let (appended, told) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { row, appended });
        told
    }

    /// The rows that somebody still waits for, the oldest first, at most [`MAX_TOGETHER`].
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| !one.appended.is_closed());
        let some = waiting.len().min(MAX_TOGETHER);
        waiting.drain(..some).collect()
    }
}

/// What a topic has more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Whose feed.
    pub topic: String,
    /// Its last number.
    pub sequence: i64,
}

/// Tells of each committed event; one for all topics of a process.
#[derive(Debug)]
pub struct Listener(Changes);

impl Listener {
    /// Listens from a place on, or from now on.
    ///
    /// # Errors
    /// Database failure; [`DbError::history_lost`] when the place is too old: look at the [`heads`].
    pub async fn begin(app: &App, from: Option<&Token>) -> Result<Self, DbError> {
        store::follow(app, from).await.map(Self)
    }

    /// The next event's number; `None` when there was none for a moment. After an error begin anew.
    ///
    /// # Errors
    /// Database failure.
    pub async fn next(&mut self) -> Result<Option<News>, DbError> {
        Ok(self.0.next().await?.and_then(|change| store::news(&change.fields)))
    }

    /// Up to where everything was told.
    ///
    /// # Errors
    /// A token that is no document: not from a MongoDB we know.
    pub fn place(&self) -> Result<Option<Token>, DbError> {
        self.0.token()
    }
}

/// Appends an event to all its topics, once each however often it is called.
///
/// # Errors
/// Database failure.
pub async fn append(app: &App, event: &EventRow) -> Result<(), DbError> {
    let appends = event.topics.iter().map(|topic| append_to(app, topic, event));
    try_join_all(appends).await.map(|_| ())
}

async fn append_to(app: &App, topic: &str, event: &EventRow) -> Result<(), DbError> {
    let line = app.feed.of(topic);
    let mut told = line.queue(row_of(app, topic, event));
    // One at a time per topic: two that meet would take the same number, and one of them would have to try again.
    let mut last = line.last.lock().await;
    // Ends: who is told nothing has a row in the queue, and each turn takes the oldest ones out of it.
    loop {
        match told.try_recv() {
            // Somebody before us took our row along.
            Ok(()) => return Ok(()),
            // He did, and had no luck with it.
            Err(TryRecvError::Closed) => return append_alone(app, topic, event, last).await,
            Err(TryRecvError::Empty) => {}
        }
        let batch = line.take();
        if batch.len() < 2 {
            // Nobody else waits.
            return append_alone(app, topic, event, last).await;
        }
        match append_together(app, topic, &mut last, batch).await {
            Ok(()) => {}
            // One of them is in already, or another process took the numbers: each is seen to alone.
            Err(e) if e.duplicate_index().is_some() => {}
            Err(e) => return Err(e),
        }
    }
}

fn row_of(app: &App, topic: &str, event: &EventRow) -> FeedEvent {
    FeedEvent {
        id: app.ids.next_oid(),
        topic: topic.to_owned(),
        sequence: 0,
        event_id: event.id,
        kind: event.kind.clone(),
        subject_id: event.subject.clone(),
        at: event.at,
        data: event.data.clone(),
        created_at: app.clock.now(),
    }
}

/// Appends the rows of all who wait, in one write. When it fails, those who wait are not told and see to themselves.
async fn append_together(
    app: &App,
    topic: &str,
    last: &mut Option<i64>,
    batch: Vec<Waiting>,
) -> Result<(), DbError> {
    let known = match *last {
        Some(known) => known,
        None => last_of(app, topic).await?,
    };
    // Until the answer is there, which numbers are taken is not known.
    *last = None;
    let (mut rows, waiting): (Vec<FeedEvent>, Vec<oneshot::Sender<()>>) =
        batch.into_iter().map(|one| (one.row, one.appended)).unzip();
    let mut sequence = known;
    for row in &mut rows {
        sequence = sequence.saturating_add(1);
        row.sequence = sequence;
    }
    store::insert_many(app, &rows).await?;
    *last = Some(sequence);
    // Before anybody is told: an event whose append is known to be done is not appended again to put the head right.
    store::advance(app, topic, sequence).await?;
    for appended in waiting {
        // Who does not wait any more was cut short, and asks again.
        let _ = appended.send(());
    }
    Ok(())
}

async fn append_alone(
    app: &App,
    topic: &str,
    event: &EventRow,
    mut last: MutexGuard<'_, Option<i64>>,
) -> Result<(), DbError> {
    let mut known = match *last {
        Some(known) => known,
        None => last_of(app, topic).await?,
    };
    for _ in 0..MAX_MEETINGS {
        let row = FeedEvent { sequence: known.saturating_add(1), ..row_of(app, topic, event) };
        match store::insert(app, &row).await {
            Ok(()) => {
                *last = Some(row.sequence);
                // The next one need not wait for the head.
                drop(last);
                store::advance(app, topic, row.sequence).await?;
                return Ok(());
            }
            Err(e) if e.duplicate_index() == Some(TOPIC_EVENT) => {
                // Delivered before; the head is put right in case that delivery was cut short.
                if let Some(before) = store::find(app, topic, event.id).await? {
                    store::advance(app, topic, before.sequence).await?;
                }
                return Ok(());
            }
            Err(e) if e.duplicate_index().is_some() => {
                // The head lags behind what is being appended elsewhere or was cut short; the events do not.
                let taken = store::newest(app, topic).await?.max(row.sequence);
                known = last_of(app, topic).await?.max(taken);
            }
            Err(e) => {
                // Whether the number was taken is not known: ask the database next time.
                *last = None;
                return Err(e);
            }
        }
    }
    *last = None;
    Err(DbError::Deadline { op: "feed.append" })
}

/// The last number of a topic as the database has it.
async fn last_of(app: &App, topic: &str) -> Result<i64, DbError> {
    Ok(store::last(app, &[topic.to_owned()]).await?.get(topic).copied().unwrap_or(0))
}

/// The events of a topic after `sequence`, oldest first, at most [`MAX_READ`]. When the first one does not follow
/// `sequence` directly, the client was away for more than a day and has to read its objects anew.
///
/// # Errors
/// Database failure.
pub async fn after(app: &App, topic: &Topic, sequence: i64, limit: i64) -> Result<Vec<FeedEvent>, DbError> {
    store::after(app, &topic.to_string(), sequence, limit.min(MAX_READ)).await
}

/// The last number of a topic: where a client that wants only news begins. Zero for a topic without events.
///
/// # Errors
/// Database failure.
pub async fn head(app: &App, topic: &Topic) -> Result<i64, DbError> {
    last_of(app, &topic.to_string()).await
}

/// The last numbers of many topics at once; topics without events are missing.
///
/// # Errors
/// Database failure.
pub async fn heads(app: &App, topics: &[String]) -> Result<HashMap<String, i64>, DbError> {
    store::last(app, topics).await
}

/// Removes a batch of events over a day old; says how many, 0 when none is left. The numbers go on from the head.
///
/// # Errors
/// Database failure.
pub async fn purge(app: &App) -> Result<u64, DbError> {
    let keep = Duration::from_secs(KEEP_SECS.unsigned_abs());
    store::purge(app, app.clock.now().minus(keep)).await
}
