//! Transactions: one helper, bounded in time and tries, with work that runs after the commit.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use mongodb::ClientSession;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, warn};

use super::{DbError, Mongo};
use crate::fault::{Fault, FaultKind};

/// The first pause before a retry; doubles up to [`MAX_PAUSE`], each with random jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_millis(200);
/// Commit is repeated this often when its outcome is unknown: with the pauses between them this outlasts a fail-over,
/// which takes about two seconds.
const MAX_COMMIT_TRIES: u32 = 25;

type AfterCommit = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An open transaction. Store functions that write inside one take it first and end in `_in_tx`.
pub struct Tx {
    pub(super) session: ClientSession,
    after_commit: Vec<AfterCommit>,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    /// Registers work for after the commit: cache invalidations, wake-ups. It must be harmless when it
    /// never runs, for the process may die between the commit and it, and when it runs after a commit whose
    /// outcome was never learned. It runs also when the caller is gone meanwhile.
    pub fn after_commit(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.after_commit.push(Box::pin(work));
    }
}

/// The tries of one transaction; [`transact!`](crate::transact) drives it. In the metrics a transaction that was given
/// up is `refused` (by a rule of the room), `contended` (others kept changing the same, until the time was over) or
/// `failed`.
#[derive(Debug)]
pub struct Attempts<'m> {
    mongo: &'m Mongo,
    name: &'static str,
    begun: Instant,
    deadline: Instant,
    pause: Duration,
}

impl<'m> Attempts<'m> {
    /// No try yet; the deadline runs from here.
    #[must_use]
    pub fn new(mongo: &'m Mongo, name: &'static str) -> Self {
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(mongo.config().transaction_ms);
        Self { mongo, name, begun, deadline, pause: FIRST_PAUSE }
    }

    /// Opens the transaction of the next try.
    ///
    /// # Errors
    /// Database failure.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let session = bounded(self.name, self.deadline, self.mongo.client().start_session()).await?;
        let mut tx = Tx { session, after_commit: Vec::new() };
        bounded(self.name, self.deadline, tx.session.start_transaction()).await?;
        Ok(tx)
    }

    /// Runs the body of one try within what is left of the deadline.
    ///
    /// # Errors
    /// What the body returned, or the deadline.
    pub async fn within<T, E: From<DbError>>(
        &self,
        body: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::time::timeout_at(self.deadline, body)
            .await
            .unwrap_or_else(|_| Err(DbError::Deadline { op: self.name }.into()))
    }

    /// Commits or aborts a try; `Break` holds the final outcome, `Continue` asks for another try.
    pub async fn finish<T, E: Fault + From<DbError>>(
        &mut self,
        mut tx: Tx,
        outcome: Result<T, E>,
    ) -> ControlFlow<Result<T, E>> {
        let error = match outcome {
            // A caller who hangs up now must not leave a commit without what belongs after it.
            Ok(value) => match to_the_end(self.name, settle(self.name, self.deadline, tx)).await {
                Ok(()) => {
                    metrics::histogram!("daraa_db_transaction_seconds", "name" => self.name)
                        .record(self.begun.elapsed().as_secs_f64());
                    return ControlFlow::Break(Ok(value));
                }
                Err(e) => e.into(),
            },
            Err(e) => {
                abort(self.name, &mut tx).await;
                e
            }
        };
        if error.transient() && Instant::now() + self.pause < self.deadline {
            metrics::counter!("daraa_db_transaction_retries_total", "name" => self.name).increment(1);
            debug!(transaction = self.name, error = %error, "transaction runs again");
            rest(&mut self.pause).await;
            return ControlFlow::Continue(());
        }
        let why = match error.kind() {
            _ if error.transient() => "contended",
            FaultKind::Unavailable | FaultKind::Internal => "failed",
            _ => "refused",
        };
        metrics::counter!("daraa_db_transaction_aborts_total", "name" => self.name, "why" => why)
            .increment(1);
        ControlFlow::Break(Err(error))
    }
}

/// Commits, then does what was registered for after it: also when the commit may have happened.
async fn settle(name: &'static str, deadline: Instant, mut tx: Tx) -> Result<(), DbError> {
    let committed = commit(name, deadline, &mut tx).await;
    if committed.as_ref().err().is_none_or(DbError::unknown_commit) {
        for work in tx.after_commit {
            work.await;
        }
    }
    committed
}

async fn commit(name: &'static str, deadline: Instant, tx: &mut Tx) -> Result<(), DbError> {
    let mut pause = FIRST_PAUSE;
    for left in (0..MAX_COMMIT_TRIES).rev() {
        match bounded(name, deadline, tx.session.commit_transaction()).await {
            Ok(()) => break,
            Err(e) if e.unknown_commit() && left > 0 && Instant::now() < deadline => {
                metrics::counter!("daraa_db_transaction_commits_repeated_total", "name" => name).increment(1);
                warn!(transaction = name, error = %e, "commit outcome unknown, committing again");
                rest(&mut pause).await;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Sleeps for `pause` with jitter and lets it grow.
async fn rest(pause: &mut Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "spreads retries, decides nothing; tests need not repeat it"
    )]
    let spread = 0.5 + rand::random::<f64>();
    tokio::time::sleep(pause.mul_f64(spread)).await;
    *pause = (*pause * 2).min(MAX_PAUSE);
}

/// Carries `work` out as a task of its own, so that it ends also when whoever waits for it is dropped: an HTTP handler
/// is when its client hangs up. For a write and what must follow it; `work` bounds its own time.
///
/// # Errors
/// What `work` answers, or [`DbError::Deadline`] when the process ends before it does.
pub async fn to_the_end<T: Send + 'static>(
    op: &'static str,
    work: impl Future<Output = Result<T, DbError>> + Send + 'static,
) -> Result<T, DbError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "ends by itself within its deadline; cut at the end of the process it is a process that died"
    )]
    let task = tokio::spawn(work.in_current_span());
    match task.await {
        Ok(outcome) => outcome,
        Err(e) => match e.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DbError::Deadline { op }),
        },
    }
}

/// Runs a block in a transaction and commits: `transact!(&app.mongo, "order.place", OrderError, |tx| { … })`.
///
/// The block evaluates to `Result<T, OrderError>` and may use `?` and `return`. It may run several times, so
/// it holds database writes and outbox rows only: no mail, no Redis, no network, no spawned task. When it
/// fails nothing is written. It is a macro because an async closure that borrows its surroundings is not
/// provably `Send`.
#[macro_export]
macro_rules! transact {
    ($mongo:expr, $name:literal, $error:ty, |$tx:ident| $body:expr) => {{
        let mut attempts = $crate::mongo::Attempts::new($mongo, $name);
        loop {
            let mut open = match attempts.begin().await {
                Ok(open) => open,
                Err(e) => break Err(<$error>::from(e)),
            };
            let outcome = {
                let $tx = &mut open;
                attempts.within::<_, $error>(async { $body }).await
            };
            match attempts.finish(open, outcome).await {
                std::ops::ControlFlow::Break(outcome) => break outcome,
                std::ops::ControlFlow::Continue(()) => {}
            }
        }
    }};
}

async fn abort(name: &'static str, tx: &mut Tx) {
    // The server drops an abandoned transaction by itself; a failed abort only takes longer.
    let within = Instant::now() + Duration::from_millis(500);
    if let Err(e) = bounded(name, within, tx.session.abort_transaction()).await {
        debug!(transaction = name, error = %e, "abort failed");
    }
}

async fn bounded<T>(
    op: &'static str,
    deadline: Instant,
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, DbError> {
    Ok(tokio::time::timeout_at(deadline, work.into_future())
        .await
        .map_err(|_| DbError::Deadline { op })??)
}
