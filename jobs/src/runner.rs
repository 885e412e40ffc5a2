//! Runs scheduled jobs: each tick by one replica, under a lease, timed, bounded, recorded.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use daraa_domain::app::App;
use daraa_domain::job::{self, Contender, Dueness, Ending, JobRun, RunStatus, RunTrigger};
use daraa_domain::outbox::{self, Fence, NewEvent, Topic};
use daraa_platform::fault::Fault;
use daraa_platform::mongo::DbError;
use daraa_platform::time::Timestamp;
use futures_util::FutureExt as _;
use mongodb::bson::{Document, doc};
use tokio::sync::Mutex;
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::lead::{give_back, keep};
use crate::schedule::{BadSchedule, Job, Times, declaration};
use crate::tasks::Work;

/// A job with what this process remembers of it.
struct Slot {
    job: &'static Job,
    times: Times,
    /// Ticks up to this were dealt with, by anybody.
    dealt_with: Option<Timestamp>,
    contender: Contender,
}

/// The runner of one process.
pub struct Runner {
    work: Arc<Work>,
    /// What holds leases and records runs: not the connections the jobs work with, or a job could cost its own lease.
    app: Arc<App>,
    holder: String,
    slots: Mutex<Vec<Slot>>,
    /// The jobs this process is running.
    active: StdMutex<HashMap<&'static str, Fence>>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// A run that was claimed and has to be [executed](Runner::execute).
#[derive(Debug)]
pub struct Begun {
    job: &'static Job,
    /// The run as it is recorded.
    pub run: JobRun,
    fence: Fence,
}

/// A run could not be asked for or was not free to begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such job.
    #[error("there is no job {0:?}; `daraa-jobs list` shows them")]
    Unknown(String),
    /// Another process is running it.
    #[error("the job is at work in another process")]
    Busy,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn lease_name(job: &str) -> String {
    format!("job:{job}")
}

impl Runner {
    /// A runner of `table` that calls itself `holder`.
    ///
    /// # Errors
    /// A schedule that cannot be read.
    pub fn new(work: Arc<Work>, holder: &str, table: &'static [Job]) -> Result<Self, BadSchedule> {
        let slots = table
            .iter()
            .map(|job| {
                let declared = declaration(job)
                    .ok_or_else(|| BadSchedule { job: job.name, problem: "it is not declared".to_owned() })?;
                Ok(Slot {
                    job,
                    times: Times::of(declared)?,
                    dealt_with: None,
                    contender: Contender::new(lease_name(job.name), holder, job.lease),
                })
            })
            .collect::<Result<_, BadSchedule>>()?;
        Ok(Self {
            app: Arc::clone(&work.app),
            work,
            holder: holder.to_owned(),
            slots: Mutex::new(slots),
            active: StdMutex::new(HashMap::new()),
        })
    }

    /// Leases and records go by the connections of `app`, the work by those it was made with.
    #[must_use]
    pub fn controlled_by(mut self, app: &Arc<App>) -> Self {
        self.app = Arc::clone(app);
        self
    }

    /// Looks for what is due, asked for or abandoned, and claims it; `at` is the steady clock's present. A job that
    /// cannot be looked at is passed over until the next look: what was claimed for others has to be executed.
    ///
    /// # Errors
    /// Database failure before anything was claimed.
    pub async fn look(&self, at: Instant) -> Result<Vec<Begun>, DbError> {
        let mut begun = Vec::new();
        let mut slots = self.slots.lock().await;
        let app = &self.app;
        let (requested, running) = tokio::try_join!(job::requested(app), job::running(app))?;
        for slot in slots.iter_mut() {
            if self.is_active(slot.job.name) {
                continue;
            }
            let asked = requested.iter().find(|run| run.job == slot.job.name);
            let open = running.iter().any(|run| run.job == slot.job.name);
            match self.look_at(slot, asked, open, at).await {
                Ok(one) => begun.extend(one),
                Err(e) => {
                    warn!(job = slot.job.name, cause = %e, "the job could not be looked at");
                    metrics::counter!("daraa_jobs_look_failures_total", "task" => slot.job.name).increment(1);
                }
            }
        }
        Ok(begun)
    }

    async fn look_at(
        &self,
        slot: &mut Slot,
        asked: Option<&JobRun>,
        open: bool,
        at: Instant,
    ) -> Result<Option<Begun>, DbError> {
        let app = &self.app;
        let now = app.clock.now();
        let due = match slot.times.last(now) {
            Some(tick) if slot.dealt_with.is_none_or(|last| tick > last) => {
                let control = job::control(app, slot.job.name).await?;
                slot.dealt_with = job::last_tick(app, slot.job.name).await?.max(slot.dealt_with);
                let policy = slot.job.catch_up;
                let due =
                    job::decide(tick, slot.dealt_with, control.known_since, control.paused, policy, now);
                Some((tick, due))
            }
            _ => None,
        };
        match due {
            Some((tick, Dueness::Nothing)) => slot.dealt_with = Some(tick),
            Some((tick, Dueness::Paused)) => {
                self.skip(slot, tick, "the job is paused").await?;
            }
            Some((tick, Dueness::Missed)) => {
                self.skip(slot, tick, "no runner was alive at its time").await?;
            }
            Some((tick, Dueness::OnTime | Dueness::Late)) => {
                let late = matches!(due, Some((_, Dueness::Late)));
                let trigger = if late { RunTrigger::CatchUp } else { RunTrigger::Schedule };
                return self.begin_tick(slot, tick, trigger, at).await;
            }
            None => {}
        }
        if let Some(run) = asked {
            return self.begin_asked(slot, run, at).await;
        }
        if open {
            return self.recover(slot, at).await;
        }
        Ok(None)
    }

    async fn skip(&self, slot: &mut Slot, tick: Timestamp, reason: &str) -> Result<(), DbError> {
        if job::skip_tick(&self.app, slot.job.name, tick, reason).await?.is_some() {
            info!(job = slot.job.name, tick = %tick, reason, "tick skipped");
        }
        slot.dealt_with = Some(tick);
        Ok(())
    }

    async fn begin_tick(
        &self,
        slot: &mut Slot,
        tick: Timestamp,
        trigger: RunTrigger,
        at: Instant,
    ) -> Result<Option<Begun>, DbError> {
        let app = &self.app;
        let Some(fence) = slot.contender.attempt(app, at).await? else { return Ok(None) };
        job::abandon_older(app, slot.job.name, fence).await?;
        let run = job::claim_tick(app, slot.job.name, tick, trigger, &self.holder, fence).await?;
        slot.dealt_with = Some(tick);
        self.begun(slot.job, run, fence).await
    }

    async fn begin_asked(
        &self,
        slot: &mut Slot,
        run: &JobRun,
        at: Instant,
    ) -> Result<Option<Begun>, DbError> {
        let app = &self.app;
        let Some(fence) = slot.contender.attempt(app, at).await? else { return Ok(None) };
        job::abandon_older(app, slot.job.name, fence).await?;
        let run = job::claim_manual(app, run.id, &self.holder, fence).await?;
        self.begun(slot.job, run, fence).await
    }

    /// Takes over a job whose holder is gone and begins it anew: tasks are idempotent.
    async fn recover(&self, slot: &mut Slot, at: Instant) -> Result<Option<Begun>, DbError> {
        let app = &self.app;
        let Some(fence) = slot.contender.attempt(app, at).await? else { return Ok(None) };
        if job::abandon_older(app, slot.job.name, fence).await? == 0 {
            return self.begun(slot.job, None, fence).await;
        }
        warn!(job = slot.job.name, "an abandoned run is begun anew");
        let run = job::start_recovery(app, slot.job.name, &self.holder, fence).await?;
        self.begun(slot.job, Some(run), fence).await
    }

    async fn begun(
        &self,
        job: &'static Job,
        run: Option<JobRun>,
        fence: Fence,
    ) -> Result<Option<Begun>, DbError> {
        let Some(run) = run else {
            give_back(&self.app, &lease_name(job.name), fence).await;
            return Ok(None);
        };
        self.set_active(job.name, Some(fence));
        Ok(Some(Begun { job, run, fence }))
    }

    /// Claims a run of `name` for this process right away: what the command line does.
    ///
    /// # Errors
    /// No such job, another process is at it, or database failure.
    pub async fn begin_now(&self, name: &str, by: &str) -> Result<Begun, RunError> {
        let mut slots = self.slots.lock().await;
        let slot = slots
            .iter_mut()
            .find(|slot| slot.job.name == name)
            .ok_or_else(|| RunError::Unknown(name.to_owned()))?;
        let app = &self.app;
        let fence = slot.contender.attempt(app, Instant::now()).await?.ok_or(RunError::Busy)?;
        job::abandon_older(app, slot.job.name, fence).await?;
        let run = job::start_manual(app, slot.job.name, by, &self.holder, fence).await?;
        self.set_active(slot.job.name, Some(fence));
        Ok(Begun { job: slot.job, run, fence })
    }

    /// Runs what was begun and records how it ended.
    pub async fn execute(&self, begun: Begun) -> RunStatus {
        let Begun { job, run, fence } = begun;
        let span = info_span!("job.run", job = job.name, run = %run.id, fence = fence.number());
        let status = self.execute_inner(job, &run, fence).instrument(span).await;
        self.set_active(job.name, None);
        status
    }

    async fn execute_inner(&self, job: &'static Job, run: &JobRun, fence: Fence) -> RunStatus {
        let app = &self.app;
        let name = lease_name(job.name);
        info!(trigger = ?run.trigger, "job begins");
        let started = Instant::now();
        let task = AssertUnwindSafe((job.run)(&self.work)).catch_unwind();
        let (status, counts, problem) = tokio::select! {
            result = tokio::time::timeout(job.timeout, task) => match result {
                Ok(Ok(Ok(counts))) => (RunStatus::Succeeded, counts, None),
                Ok(Ok(Err(e))) => (RunStatus::Failed, Document::new(), Some(chain(&*e))),
                Ok(Err(_)) => (RunStatus::Panicked, Document::new(), Some("it panicked; see the log".to_owned())),
                Err(_) => (RunStatus::TimedOut, Document::new(), Some(format!("not done after {:?}", job.timeout))),
            },
            () = keep(app, &name, fence, job.lease) => {
                (RunStatus::Abandoned, Document::new(), Some("the lease was lost".to_owned()))
            }
        };
        let took = started.elapsed();
        if status == RunStatus::Abandoned {
            // Left open on purpose: whoever gets the lease next finds it and begins anew.
            warn!("the lease was lost, the run is left to others");
            give_back(app, &name, fence).await;
            return status;
        }
        self.report(job, run, status, &counts, problem.as_deref(), took);
        let ending = Ending { status, counts, error: problem, took };
        match job::end(app, run.id, fence, ending).await {
            Ok(true) => {}
            Ok(false) => warn!("the run was ended by another process"),
            Err(e) => error!(cause = %e, "the run's end could not be recorded"),
        }
        if matches!(status, RunStatus::Failed | RunStatus::Panicked | RunStatus::TimedOut) {
            self.alert(job, run).await;
        }
        give_back(app, &name, fence).await;
        status
    }

    fn report(
        &self,
        job: &Job,
        run: &JobRun,
        status: RunStatus,
        counts: &Document,
        problem: Option<&str>,
        took: Duration,
    ) {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        metrics::counter!("daraa_jobs_runs_total", "job" => job.name, "status" => status.as_str())
            .increment(1);
        metrics::histogram!("daraa_jobs_run_seconds", "job" => job.name).record(took.as_secs_f64());
        let status = status.as_str();
        match problem {
            None => info!(status, duration_ms, %counts, trigger = ?run.trigger, "job ended"),
            Some(cause) => error!(status, duration_ms, cause, trigger = ?run.trigger, "job ended"),
        }
    }

    /// Tells ops of a failed run.
    async fn alert(&self, job: &Job, run: &JobRun) {
        let event = NewEvent {
            kind: "job.failed",
            subject: run.id.to_string(),
            topics: vec![Topic::Ops],
            data: doc! { "job": job.name },
        };
        if let Err(e) = outbox::emit(&self.app, event).await {
            error!(cause = %e, "ops could not be told");
        }
    }

    fn is_active(&self, job: &str) -> bool {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).contains_key(job)
    }

    fn set_active(&self, job: &'static str, fence: Option<Fence>) {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        match fence {
            Some(fence) => active.insert(job, fence),
            None => active.remove(job),
        };
    }
}

/// An error with its causes, one after another.
fn chain(e: &dyn Fault) -> String {
    let mut text = e.to_string();
    let mut source = std::error::Error::source(e);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
