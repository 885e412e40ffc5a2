//! Delivery: events of one subject strictly in order, different subjects side by side, each consumer retried
//! until it has done its part or the event is dead.
//!
//! An event stays `PENDING` until all its consumers are done, so a relay that dies at any point leaves it to the
//! next one; what its consumers did already they do not do again, for each is idempotent.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use daraa_platform::fault::Fault;
use daraa_platform::mongo::DbError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use mongodb::bson::doc;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, error, info_span, warn};

use super::model::{EventRow, NewEvent, Topic};
use super::store;
use crate::app::App;

/// So many subjects are worked on at once: enough to hide the latency of the database, few enough to leave its
/// pool to others.
const CONCURRENCY: usize = 16;
/// One look takes so many due events.
const BATCH: i64 = 64;
/// One look in so many begins with events that have failed before: new ones come first otherwise, and under a constant
/// stream of them the others would wait for ever.
const AGAIN_EVERY: u32 = 4;
/// Such a look begins with so many of them.
const AGAIN_BATCH: i64 = 4;
/// One look at a subject takes so many of its events.
const CHAIN: i64 = 50;
/// A consumer that refuses (a defect, a broken rule) is asked this often before the event is dead.
pub const MAX_TRIES: i64 = 8;
/// A consumer whose parts are away (database, provider) is asked this often: with [`LAST_PAUSE`] between tries this
/// is most of a day.
pub const MAX_TRIES_AWAY: i64 = 200;
/// A consumer may take this long; calls to other processes have shorter deadlines of their own.
const CONSUMER_DEADLINE: Duration = Duration::from_secs(60);
/// While the database is away the relay looks again after this (real time).
const AFTER_FAILURE: Duration = Duration::from_millis(250);
/// A consumer whose parts are away for a moment is asked so often at once, before the event waits.
const AT_ONCE: u32 = 2;
/// The real pause before it is asked again at once.
const BEFORE_AGAIN: Duration = Duration::from_millis(25);
/// The pause after the first failure; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two tries.
const LAST_PAUSE: Duration = Duration::from_secs(300);
/// Announces that an event could not be delivered.
const DEAD_LETTER: &str = "outbox.dead_letter";

/// The fencing number of a lease: whoever holds a newer one has the say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(i64);

impl Fence {
    /// The number of a lease.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number itself, for filters.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// What a consumer answers.
pub type ConsumerResult = Result<(), Box<dyn Fault>>;
/// A consumer at work.
pub type ConsumerFuture<'a> = BoxFuture<'a, ConsumerResult>;

/// Who reacts to which events, and how. The reaction must be idempotent: it may be asked twice.
#[derive(Clone, Copy)]
pub struct Consumer {
    /// The event kind, or `*` for all.
    pub kind: &'static str,
    /// The consumer's name, stored on the event when it is done; never reused for something else.
    pub name: &'static str,
    /// The reaction.
    pub run: for<'a> fn(&'a App, &'a EventRow) -> ConsumerFuture<'a>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.name, self.kind)
    }
}

impl Consumer {
    fn wants(&self, event: &EventRow) -> bool {
        (self.kind == "*" || self.kind == event.kind) && !event.done.iter().any(|name| name == self.name)
    }
}

/// The pause before try number `attempts` + 1.
#[must_use]
pub fn retry_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LAST_PAUSE)
}

/// One relay under one lease.
#[derive(Debug, Clone, Copy)]
pub struct Relay<'a> {
    app: &'a App,
    table: &'a [Consumer],
    fence: Fence,
}

/// How the delivery of one event ended.
enum Outcome {
    /// All consumers are done, or the event is dead: the next of its subject may go.
    Next,
    /// A consumer failed; the subject waits.
    Wait,
    /// A newer relay has taken over.
    Fenced,
}

impl<'a> Relay<'a> {
    /// A relay that runs the consumers of `table` and writes under `fence`.
    #[must_use]
    pub fn new(app: &'a App, table: &'a [Consumer], fence: Fence) -> Self {
        Self { app, table, fence }
    }

    /// Delivers what is due now, once; says how many events were completed. Zero means that nothing was due or
    /// that what is due failed.
    ///
    /// # Errors
    /// Database failure.
    pub async fn step(&self) -> Result<u64, DbError> {
        let due = store::due(self.app, self.app.clock.now(), Vec::new(), BATCH).await?;
        let subjects: HashSet<String> = due.into_iter().map(|row| row.subject).collect();
        let mut work = futures_util::stream::iter(subjects.into_iter().map(|subject| self.subject(subject)))
            .buffer_unordered(CONCURRENCY);
        let mut completed = 0_u64;
        while let Some((_, result)) = work.next().await {
            completed = completed.saturating_add(result?);
        }
        Ok(completed)
    }

    /// Delivers until `stop` is done, then finishes what was begun. `wake` completes when something may be new; it
    /// is asked again and again and must remember a call that came while nobody was listening (as
    /// `tokio::sync::Notify` does). A slow subject holds up nobody else; while the database is away the relay looks
    /// again every [`AFTER_FAILURE`]. Dropping the future stops at once.
    pub async fn run<W: Future<Output = ()>>(
        &self,
        stop: impl Future<Output = ()>,
        mut wake: impl FnMut() -> W,
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut busy: HashSet<String> = HashSet::new();
        let mut working = FuturesUnordered::new();
        // At most one: looking must not keep those at work from going on.
        let mut looking = FuturesUnordered::new();
        let mut looks = 0_u32;
        // Something may be new since the last look began.
        let mut stirred = true;
        let mut resting: Option<Instant> = None;
        loop {
            if stirred && resting.is_none() && looking.is_empty() && working.len() < CONCURRENCY {
                stirred = false;
                looks = looks.wrapping_add(1);
                looking.push(self.look(looks, busy.iter().cloned().collect()));
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some((subject, result)) = working.next() => {
                    busy.remove(&subject);
                    stirred = true;
                    if let Err(e) = result {
                        warn!(subject, cause = %e, "a subject's events wait");
                        resting = Some(Instant::now() + AFTER_FAILURE);
                    }
                }
                Some(looked) = looking.next() => match looked {
                    Ok(due) => {
                        for row in due {
                            if working.len() < CONCURRENCY && busy.insert(row.subject.clone()) {
                                working.push(self.subject(row.subject));
                            }
                        }
                    }
                    Err(e) => {
                        warn!(cause = %e, "events cannot be looked for");
                        stirred = true;
                        resting = Some(Instant::now() + AFTER_FAILURE);
                    }
                },
                () = until(resting), if resting.is_some() => resting = None,
                () = wake(), if !stirred => stirred = true,
            }
        }
        while let Some((subject, result)) = working.next().await {
            if let Err(e) = result {
                warn!(subject, cause = %e, "a subject's events wait");
            }
        }
    }

    async fn look(&self, number: u32, busy: Vec<String>) -> Result<Vec<EventRow>, DbError> {
        let now = self.app.clock.now();
        let mut due = Vec::new();
        if number.is_multiple_of(AGAIN_EVERY) {
            due = store::due_again(self.app, now, busy.clone(), AGAIN_BATCH).await?;
        }
        due.extend(store::due(self.app, now, busy, BATCH).await?);
        Ok(due)
    }

    /// Delivers the due events of one subject in order; says how many were completed.
    async fn subject(&self, subject: String) -> (String, Result<u64, DbError>) {
        let result = self.chain(&subject).await;
        (subject, result)
    }

    async fn chain(&self, subject: &str) -> Result<u64, DbError> {
        let mut completed = 0_u64;
        loop {
            let chain = store::of_subject(self.app, subject, CHAIN).await?;
            if chain.is_empty() {
                return Ok(completed);
            }
            for event in chain {
                if event.next_at > self.app.clock.now() {
                    store::hold_back(self.app, subject, event.next_at).await?;
                    return Ok(completed);
                }
                let span =
                    info_span!("svc.outbox.deliver", event.id = %event.id, event.kind = %event.kind, subject);
                match self.deliver(event).instrument(span).await? {
                    Outcome::Next => completed = completed.saturating_add(1),
                    Outcome::Wait | Outcome::Fenced => return Ok(completed),
                }
            }
        }
    }

    async fn deliver(&self, event: EventRow) -> Result<Outcome, DbError> {
        let mut done = event.done.clone();
        let mut failed: Option<(&'static str, Box<dyn Fault>)> = None;
        for consumer in self.table.iter().filter(|consumer| consumer.wants(&event)) {
            match self.insist(consumer, &event).await {
                Ok(()) => done.push(consumer.name.to_owned()),
                // The others do not have to wait for the one that fails.
                Err(fault) => {
                    warn!(consumer = consumer.name, error = %fault, code = fault.code(), "consumer failed");
                    metrics_failed(consumer.name);
                    failed.get_or_insert((consumer.name, fault));
                }
            }
        }
        let now = self.app.clock.now();
        let Some((consumer, fault)) = failed else {
            let set = doc! { "state": "DONE", "done": done, "done_at": now };
            return Ok(self.outcome(store::progress(self.app, event.id, self.fence, set).await?));
        };
        let attempts = event.attempts.saturating_add(1);
        let last_error = format!("{consumer}: {} {fault}", fault.code());
        let limit = if fault.retryable() { MAX_TRIES_AWAY } else { MAX_TRIES };
        if attempts >= limit {
            error!(consumer, error = %fault, attempts, "event could not be delivered");
            self.alert(&event, consumer).await?;
            let set = doc! { "state": "DEAD", "done": done, "attempts": attempts, "last_error": last_error };
            return Ok(self.outcome(store::progress(self.app, event.id, self.fence, set).await?));
        }
        let next_at = now.plus(retry_after(attempts));
        let set = doc! { "done": done, "attempts": attempts, "next_at": next_at, "last_error": last_error };
        if !store::progress(self.app, event.id, self.fence, set).await? {
            return Ok(Outcome::Fenced);
        }
        store::hold_back(self.app, &event.subject, next_at).await?;
        Ok(Outcome::Wait)
    }

    fn outcome(&self, written: bool) -> Outcome {
        if written { Outcome::Next } else { Outcome::Fenced }
    }

    /// Asks a consumer, and again at once when two writers met or the primary has just moved: that is over sooner than
    /// the event's next turn.
    async fn insist(&self, consumer: &Consumer, event: &EventRow) -> ConsumerResult {
        for _ in 0..AT_ONCE {
            match self.consume(consumer, event).await {
                Err(fault) if fault.retryable() => {
                    debug!(consumer = consumer.name, error = %fault, "consumer is asked again");
                    tokio::time::sleep(BEFORE_AGAIN).await;
                }
                other => return other,
            }
        }
        self.consume(consumer, event).await
    }

    async fn consume(&self, consumer: &Consumer, event: &EventRow) -> ConsumerResult {
        let work = AssertUnwindSafe((consumer.run)(self.app, event)).catch_unwind();
        match tokio::time::timeout(CONSUMER_DEADLINE, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Box::new(daraa_platform::fault::Infra::defect("the consumer panicked"))),
            Err(_) => Err(Box::new(daraa_platform::fault::Infra::Port {
                port: "consumer",
                cause: "passed its deadline".to_owned(),
            })),
        }
    }

    /// Tells ops of a dead event. Written before the event is marked: a crash in between alerts twice, not never.
    async fn alert(&self, event: &EventRow, consumer: &str) -> Result<(), DbError> {
        if event.kind == DEAD_LETTER {
            return Ok(());
        }
        let alert = NewEvent {
            kind: DEAD_LETTER,
            subject: event.id.to_string(),
            topics: vec![Topic::Ops],
            data: doc! { "kind": &event.kind, "subject": &event.subject, "consumer": consumer },
        };
        super::emit(self.app, alert).await.map(|_| ())
    }
}

async fn until(then: Option<Instant>) {
    if let Some(then) = then {
        tokio::time::sleep_until(then).await;
    }
}

fn metrics_failed(consumer: &'static str) {
    metrics::counter!("daraa_outbox_consumer_failures_total", "consumer" => consumer).increment(1);
}
