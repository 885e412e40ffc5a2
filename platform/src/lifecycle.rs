//! Start, drain, stop: one [`Lifecycle`] value is made first in `main` and handed to everything long-lived.
//!
//! SIGTERM or SIGINT: not ready → pause for balancers → soft token (stop taking work, close sockets) → wait
//! with a deadline → hard token (drop everything). A second signal is hard at once. A long-lived task that
//! ends by itself, with an error or a panic, stops the process with a non-zero exit code.

use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

/// How long tasks may take to notice the hard token.
const AFTER_HARD: Duration = Duration::from_secs(1);

/// The life of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    draining: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Alive, not stopping.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when no new work may be taken; finish what was begun.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when the time for finishing is over.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Whether the process has begun to stop; readiness must be red then.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst) || self.soft.is_cancelled()
    }

    /// Whether a long-lived task died.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Starts a long-lived task. It must run until [`Self::soft`] is cancelled; ending earlier, failing or
    /// panicking stops the whole process with a non-zero exit code. At the hard token it is dropped.
    pub fn spawn<E: Display + Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let life = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the tracked task below waits for it and sees it panic"
        )]
        let work = tokio::spawn(task);
        let stop = work.abort_handle();
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = work => outcome,
                () = life.hard.cancelled() => {
                    stop.abort();
                    warn!(task = name, "task dropped at the hard stop");
                    return;
                }
            };
            match outcome {
                Ok(Ok(())) if life.soft.is_cancelled() => info!(task = name, "task finished"),
                Ok(Ok(())) => life.fail(name, &"it ended before it was asked to"),
                Ok(Err(e)) => life.fail(name, &e),
                Err(e) => life.fail(name, &e),
            }
        });
    }

    /// Starts work that ends by itself (a refresh, a delivery). The stop waits for it, up to the deadline.
    pub fn track(&self, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = hard.cancelled() => {}
            }
        });
    }

    /// Stops the process with a non-zero exit code, saying why: it may not do what it was started for.
    pub fn refuse(&self, why: &str) {
        error!(why, "the process stops");
        self.failed.store(true, Ordering::SeqCst);
        self.soft.cancel();
    }

    fn fail(&self, name: &'static str, cause: &dyn Display) {
        error!(task = name, cause = %cause, "a long-lived task died, the process stops");
        self.failed.store(true, Ordering::SeqCst);
        self.soft.cancel();
    }

    /// Begins to stop, as a signal would; for tests and commands that end by themselves.
    pub fn stop(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.soft.cancel();
    }

    /// Waits for a signal or a dead task, then stops everything: `unready` lets balancers notice before work
    /// is refused, `drain` bounds the waiting for what was begun.
    pub async fn run(&self, unready: Duration, drain: Duration) -> ExitCode {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(e) => {
                error!(cause = %e, "signals cannot be listened to");
                return ExitCode::FAILURE;
            }
        };
        tokio::select! {
            name = signals.next() => {
                info!(signal = name, "stopping");
                self.draining.store(true, Ordering::SeqCst);
                tokio::select! {
                    () = tokio::time::sleep(unready) => {}
                    _ = signals.next() => self.hard.cancel(),
                    () = self.soft.cancelled() => {}
                }
            }
            () = self.soft.cancelled() => self.draining.store(true, Ordering::SeqCst),
        }
        self.soft.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(drain) => warn!("the drain deadline passed"),
            name = signals.next() => warn!(signal = name, "second signal"),
        }
        self.hard.cancel();
        if tokio::time::timeout(AFTER_HARD, self.tasks.wait()).await.is_err() {
            warn!(left = self.tasks.len(), "tasks did not end");
        }
        if self.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_task_that_ends_early_stops_the_process() {
        let life = Lifecycle::new();
        life.spawn("early", async { Ok::<(), String>(()) });
        let code = life.run(NOW, LONG).await;
        assert!(life.failed());
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    }

    #[tokio::test]
    async fn a_panic_stops_the_process() {
        let life = Lifecycle::new();
        life.spawn::<String>("panics", async { panic!("on purpose") });
        life.run(NOW, LONG).await;
        assert!(life.failed());
    }

    #[tokio::test]
    async fn a_stop_waits_for_what_was_begun() {
        let life = Lifecycle::new();
        let (soft, done) = (life.soft().clone(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&done);
        life.spawn("polite", async move {
            soft.cancelled().await;
            tokio::task::yield_now().await;
            flag.store(true, Ordering::SeqCst);
            Ok::<(), String>(())
        });
        life.stop();
        assert!(life.draining());
        life.run(NOW, LONG).await;
        assert!(done.load(Ordering::SeqCst) && !life.failed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_finish_is_dropped_at_the_deadline() {
        let life = Lifecycle::new();
        life.spawn("stubborn", async { std::future::pending::<Result<(), String>>().await });
        life.stop();
        life.run(NOW, LONG).await;
        assert!(life.hard().is_cancelled() && !life.failed());
    }
}
