//! Runs: claimed once, ended once, asked for, listed.

use std::time::Duration;

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::DbError;
use daraa_platform::paging::{Cursor, Page, PageRequest};
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};

use super::error::JobError;
use super::model::{
    DECLARATIONS, JOB_TICK, JobControl, JobDeclaration, JobOverview, JobRun, RunStatus, RunTrigger,
};
use super::store;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};

use crate::ids::RunId;
use crate::outbox::Fence;

/// Runs and reports are kept this long.
const KEEP: Duration = Duration::from_secs(180 * 86_400);
/// The longest error text kept with a run.
const MAX_ERROR_CHARS: usize = 2_000;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The final status.
    pub status: RunStatus,
    /// What it did.
    pub counts: Document,
    /// Why it failed.
    pub error: Option<String>,
    /// How long it took, by the steady clock.
    pub took: Duration,
}

/// The declared job of this name.
///
/// # Errors
/// [`JobError::JobNotFound`].
pub fn declaration(name: &str) -> Result<&'static JobDeclaration, JobError> {
    DECLARATIONS.iter().find(|job| job.name == name).ok_or(JobError::JobNotFound)
}

fn new_run(app: &App, job: &str, trigger: RunTrigger, status: RunStatus, by: String) -> JobRun {
    JobRun {
        id: app.ids.next(),
        job: job.to_owned(),
        trigger,
        requested_by: by,
        tick: None,
        status,
        created_at: app.clock.now(),
        started_at: None,
        finished_at: None,
        duration_ms: None,
        counts: Document::new(),
        error: None,
        holder: None,
        fence: None,
    }
}

/// What people decided about a job; made at the first look, so that ticks before it are nobody's business.
///
/// # Errors
/// Database failure.
pub async fn control(app: &App, job: &str) -> Result<JobControl, DbError> {
    if let Some(control) = store::control(app, job).await? {
        return Ok(control);
    }
    let control = JobControl {
        job: job.to_owned(),
        known_since: app.clock.now(),
        paused: false,
        changed_by: None,
        changed_at: None,
    };
    match store::insert_control(app, &control).await {
        Ok(()) => Ok(control),
        Err(e) if e.duplicate_index().is_some() => Ok(store::control(app, job).await?.unwrap_or(control)),
        Err(e) => Err(e),
    }
}

/// The newest tick of a job that was dealt with, by anybody.
///
/// # Errors
/// Database failure.
pub async fn last_tick(app: &App, job: &str) -> Result<Option<Timestamp>, DbError> {
    store::last_tick(app, job).await
}

/// Claims a tick: exactly one caller gets the run, already begun. `None` when another has it.
///
/// # Errors
/// Database failure.
pub async fn claim_tick(
    app: &App,
    job: &str,
    tick: Timestamp,
    trigger: RunTrigger,
    holder: &str,
    fence: Fence,
) -> Result<Option<JobRun>, DbError> {
    let now = app.clock.now();
    let run = JobRun {
        tick: Some(tick),
        started_at: Some(now),
        holder: Some(holder.to_owned()),
        fence: Some(fence.number()),
        ..new_run(app, job, trigger, RunStatus::Running, "system:schedule".to_owned())
    };
    insert_once(app, run).await
}

/// Records that a tick is left out; `None` when another process has dealt with it.
///
/// # Errors
/// Database failure.
pub async fn skip_tick(
    app: &App,
    job: &str,
    tick: Timestamp,
    reason: &str,
) -> Result<Option<JobRun>, DbError> {
    let run = JobRun {
        tick: Some(tick),
        finished_at: Some(app.clock.now()),
        error: Some(reason.to_owned()),
        ..new_run(app, job, RunTrigger::Schedule, RunStatus::Skipped, "system:schedule".to_owned())
    };
    insert_once(app, run).await
}

async fn insert_once(app: &App, run: JobRun) -> Result<Option<JobRun>, DbError> {
    match store::insert_run(app, &run).await {
        Ok(()) => Ok(Some(run)),
        Err(e) if e.duplicate_index() == Some(JOB_TICK) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Begins a run in place of one that was abandoned. The caller holds the job's lease.
///
/// # Errors
/// Database failure.
pub async fn start_recovery(app: &App, job: &str, holder: &str, fence: Fence) -> Result<JobRun, DbError> {
    let now = app.clock.now();
    let run = JobRun {
        started_at: Some(now),
        holder: Some(holder.to_owned()),
        fence: Some(fence.number()),
        ..new_run(app, job, RunTrigger::Recovery, RunStatus::Running, "system:recovery".to_owned())
    };
    store::insert_run(app, &run).await?;
    Ok(run)
}

/// Begins a run that a person started at the command line. The caller holds the job's lease.
///
/// # Errors
/// Database failure.
pub async fn start_manual(
    app: &App,
    job: &str,
    by: &str,
    holder: &str,
    fence: Fence,
) -> Result<JobRun, DbError> {
    let run = JobRun {
        started_at: Some(app.clock.now()),
        holder: Some(holder.to_owned()),
        fence: Some(fence.number()),
        ..new_run(app, job, RunTrigger::Manual, RunStatus::Running, by.to_owned())
    };
    store::insert_run(app, &run).await?;
    Ok(run)
}

/// Ends the runs of dead holders. The caller holds the job's lease under `fence`; says how many there were.
///
/// # Errors
/// Database failure.
pub async fn abandon_older(app: &App, job: &str, fence: Fence) -> Result<u64, DbError> {
    store::abandon_runs(app, job, fence.number(), app.clock.now()).await
}

/// Runs that people asked for and nobody has begun, at most 100.
///
/// # Errors
/// Database failure.
pub async fn requested(app: &App) -> Result<Vec<JobRun>, DbError> {
    store::open_runs(app, RunStatus::Requested.as_str()).await
}

/// Runs at work, at most 100.
///
/// # Errors
/// Database failure.
pub async fn running(app: &App) -> Result<Vec<JobRun>, DbError> {
    store::open_runs(app, RunStatus::Running.as_str()).await
}

/// Claims a requested run; `None` when another has begun it. The caller holds the job's lease.
///
/// # Errors
/// Database failure.
pub async fn claim_manual(
    app: &App,
    id: RunId,
    holder: &str,
    fence: Fence,
) -> Result<Option<JobRun>, DbError> {
    store::start_run(app, id, holder, fence.number(), app.clock.now()).await
}

/// Records how a run ended; `false` when it was abandoned meanwhile, for its lease was lost.
///
/// # Errors
/// Database failure.
pub async fn end(app: &App, id: RunId, fence: Fence, ending: Ending) -> Result<bool, DbError> {
    let error = ending.error.map(|text| text.chars().take(MAX_ERROR_CHARS).collect::<String>());
    let set = doc! {
        "status": ending.status.as_str(),
        "finished_at": app.clock.now(),
        "duration_ms": i64::try_from(ending.took.as_millis()).unwrap_or(i64::MAX),
        "counts": ending.counts,
        "error": error.map_or(Bson::Null, Bson::String),
    };
    store::end_run(app, id, fence.number(), set).await
}

/// Asks for a run now. The next free runner begins it, usually within a second.
///
/// # Errors
/// Not an ops person of operations, no such job, or it is waiting or at work already.
pub async fn run_now(app: &App, actor: &Actor, name: &str) -> Result<JobRun, JobError> {
    actor.ops(&[OpsRole::Operations])?;
    let job = declaration(name)?;
    if store::open_run_of(app, job.name).await?.is_some() {
        return Err(JobError::JobBusy);
    }
    let run = new_run(app, job.name, RunTrigger::Manual, RunStatus::Requested, actor.label());
    transact!(&app.mongo, "job.run_now", JobError, |tx| {
        store::insert_run_in_tx(app, tx, &run).await?;
        note(app, tx, actor, "job.run", job.name).await?;
        Ok(())
    })?;
    Ok(run)
}

/// Stops the schedule of a job: its ticks are recorded as skipped. A run at work is not touched.
///
/// # Errors
/// Not an ops person of operations, or no such job.
pub async fn pause(app: &App, actor: &Actor, name: &str) -> Result<JobOverview, JobError> {
    set_paused(app, actor, name, true).await
}

/// Lets the schedule of a job go on.
///
/// # Errors
/// Not an ops person of operations, or no such job.
pub async fn resume(app: &App, actor: &Actor, name: &str) -> Result<JobOverview, JobError> {
    set_paused(app, actor, name, false).await
}

async fn set_paused(app: &App, actor: &Actor, name: &str, paused: bool) -> Result<JobOverview, JobError> {
    actor.ops(&[OpsRole::Operations])?;
    let job = declaration(name)?;
    transact!(&app.mongo, "job.set_paused", JobError, |tx| {
        store::set_paused(app, tx, job.name, paused, &actor.label(), app.clock.now()).await?;
        note(app, tx, actor, if paused { "job.pause" } else { "job.resume" }, job.name).await?;
        Ok(())
    })?;
    one(app, job).await.map_err(Into::into)
}

async fn note(
    app: &App,
    tx: &mut daraa_platform::mongo::Tx,
    actor: &Actor,
    action: &'static str,
    job: &str,
) -> Result<(), JobError> {
    let entry = NewAudit { actor, action, subject: format!("job:{job}"), details: Document::new() };
    audit::record_in_tx(app, tx, entry).await?;
    Ok(())
}

async fn one(app: &App, job: &'static JobDeclaration) -> Result<JobOverview, DbError> {
    Ok(JobOverview {
        declaration: job,
        paused: store::control(app, job.name).await?.is_some_and(|control| control.paused),
        last_run: store::last_run(app, job.name).await?,
    })
}

/// All jobs with their newest run.
///
/// # Errors
/// Not an ops person (or the system itself), or database failure.
pub async fn overview(app: &App, actor: &Actor) -> Result<Vec<JobOverview>, JobError> {
    may_look(actor)?;
    let jobs = DECLARATIONS.iter().map(|job| one(app, job));
    Ok(futures_util::future::try_join_all(jobs).await?)
}

/// The history of one job or of all, newest first.
///
/// # Errors
/// Not an ops person (or the system itself), no such job, or database failure.
pub async fn history(
    app: &App,
    actor: &Actor,
    name: Option<&str>,
    page: &PageRequest,
) -> Result<Page<JobRun>, JobError> {
    may_look(actor)?;
    let job = name.map(declaration).transpose()?.map(|job| job.name);
    let rows = store::history(app, job, page).await?;
    Ok(Page::build(page, rows, |run| Cursor { key: run.created_at.millis(), id: run.id.oid() }))
}

/// One run.
///
/// # Errors
/// Not an ops person (or the system itself), or database failure.
pub async fn get(app: &App, actor: &Actor, id: RunId) -> Result<Option<JobRun>, JobError> {
    may_look(actor)?;
    Ok(store::run(app, id).await?)
}

fn may_look(actor: &Actor) -> Result<(), JobError> {
    if !actor.is_system() {
        actor.ops(&[OpsRole::Operations, OpsRole::Support, OpsRole::Finance])?;
    }
    Ok(())
}

/// Keeps a maintenance report; `at` is added.
///
/// # Errors
/// Database failure.
pub async fn keep_report(app: &App, mut report: Document) -> Result<(), DbError> {
    report.insert("_id", app.ids.next_oid());
    report.insert("at", app.clock.now());
    store::insert_report(app, &report).await
}

/// The newest maintenance report.
///
/// # Errors
/// Database failure.
pub async fn newest_report(app: &App) -> Result<Option<Document>, DbError> {
    store::newest_report(app).await
}

/// Removes a batch of old runs and all old reports; says how many, 0 when none is left.
///
/// # Errors
/// Database failure.
pub async fn purge(app: &App) -> Result<u64, DbError> {
    let before = app.clock.now().minus(KEEP);
    let reports = store::purge_reports(app, before).await?;
    Ok(store::purge_runs(app, before).await?.saturating_add(reports))
}
