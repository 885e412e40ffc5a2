//! The collections of the jobs.

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS};
use daraa_platform::paging::{PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::model::{CONTROLS, JobControl, JobRun, LEASES, Lease, REPORTS, RUNS};
use crate::app::App;
use crate::ids::RunId;

fn leases(app: &App) -> Coll<Lease> {
    app.mongo.coll(LEASES)
}

fn runs(app: &App) -> Coll<JobRun> {
    app.mongo.coll(RUNS)
}

fn controls(app: &App) -> Coll<JobControl> {
    app.mongo.coll(CONTROLS)
}

pub(in crate::job) async fn lease(app: &App, name: &str) -> Result<Option<Lease>, DbError> {
    leases(app).find_one("db.job.lease", doc! { "_id": name }).await
}

pub(in crate::job) async fn all_leases(app: &App) -> Result<Vec<Lease>, DbError> {
    leases(app).find_many("db.job.leases", doc! {}, doc! { "_id": 1 }, MAX_ROWS).await
}

pub(in crate::job) async fn insert_lease(app: &App, lease: &Lease) -> Result<(), DbError> {
    leases(app).insert("db.job.lease_insert", lease).await
}

/// Takes a lease over exactly as it was seen; `None` when it has changed since.
pub(in crate::job) async fn take_lease(
    app: &App,
    seen: &Lease,
    holder: &str,
    now: Timestamp,
) -> Result<Option<Lease>, DbError> {
    leases(app)
        .find_one_and_update(
            "db.job.lease_take",
            doc! { "_id": &seen.name, "fence": seen.fence, "beat": seen.beat },
            doc! { "$set": { "holder": holder, "renewed_at": now }, "$inc": { "fence": 1_i64, "beat": 1_i64 } },
        )
        .await
}

pub(in crate::job) async fn renew_lease(
    app: &App,
    name: &str,
    fence: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    leases(app)
        .update_one(
            "db.job.lease_renew",
            doc! { "_id": name, "fence": fence, "holder": { "$ne": Bson::Null } },
            doc! { "$set": { "renewed_at": now }, "$inc": { "beat": 1_i64 } },
        )
        .await
}

pub(in crate::job) async fn release_lease(app: &App, name: &str, fence: i64) -> Result<bool, DbError> {
    leases(app)
        .update_one(
            "db.job.lease_release",
            doc! { "_id": name, "fence": fence },
            doc! { "$set": { "holder": Bson::Null }, "$inc": { "beat": 1_i64 } },
        )
        .await
}

pub(super) async fn insert_run(app: &App, run: &JobRun) -> Result<(), DbError> {
    runs(app).insert("db.job.run_insert", run).await
}

pub(super) async fn insert_run_in_tx(
    app: &App,
    tx: &mut daraa_platform::mongo::Tx,
    run: &JobRun,
) -> Result<(), DbError> {
    runs(app).insert_in_tx(tx, "db.job.run_insert_in_tx", run).await
}

pub(super) async fn start_run(
    app: &App,
    id: RunId,
    holder: &str,
    fence: i64,
    now: Timestamp,
) -> Result<Option<JobRun>, DbError> {
    runs(app)
        .find_one_and_update(
            "db.job.run_start",
            doc! { "_id": id, "status": "REQUESTED" },
            doc! { "$set": { "status": "RUNNING", "started_at": now, "holder": holder, "fence": fence } },
        )
        .await
}

/// Ends an open run that belongs to `fence`; says whether there was one.
pub(super) async fn end_run(app: &App, id: RunId, fence: i64, set: Document) -> Result<bool, DbError> {
    runs(app)
        .update_one(
            "db.job.run_end",
            doc! { "_id": id, "status": "RUNNING", "fence": fence },
            doc! { "$set": set },
        )
        .await
}

/// Ends the runs of a job whose holder is gone: those under an older fence. Says how many.
pub(super) async fn abandon_runs(app: &App, job: &str, fence: i64, now: Timestamp) -> Result<u64, DbError> {
    runs(app)
        .update_many(
            "db.job.run_abandon",
            doc! { "status": "RUNNING", "job": job, "fence": { "$lt": fence } },
            doc! { "$set": { "status": "ABANDONED", "finished_at": now, "error": "its process was gone" } },
        )
        .await
}

pub(super) async fn open_runs(app: &App, status: &str) -> Result<Vec<JobRun>, DbError> {
    runs(app)
        .find_many("db.job.run_open", doc! { "status": status }, doc! { "job": 1, "created_at": 1 }, 100)
        .await
}

pub(super) async fn open_run_of(app: &App, job: &str) -> Result<Option<JobRun>, DbError> {
    runs(app)
        .find_one("db.job.run_open_of", doc! { "status": { "$in": ["REQUESTED", "RUNNING"] }, "job": job })
        .await
}

/// The newest scheduled tick of a job that was dealt with.
pub(super) async fn last_tick(app: &App, job: &str) -> Result<Option<Timestamp>, DbError> {
    let rows = runs(app)
        .find_many(
            "db.job.last_tick",
            doc! { "job": job, "tick": { "$exists": true } },
            doc! { "tick": -1 },
            1,
        )
        .await?;
    Ok(rows.first().and_then(|run| run.tick))
}

pub(super) async fn last_run(app: &App, job: &str) -> Result<Option<JobRun>, DbError> {
    let rows = runs(app)
        .find_many("db.job.last_run", doc! { "job": job }, doc! { "created_at": -1, "_id": -1 }, 1)
        .await?;
    Ok(rows.into_iter().next())
}

pub(super) async fn run(app: &App, id: RunId) -> Result<Option<JobRun>, DbError> {
    runs(app).find_one("db.job.run", doc! { "_id": id }).await
}

pub(super) async fn history(
    app: &App,
    job: Option<&str>,
    page: &PageRequest,
) -> Result<Vec<JobRun>, DbError> {
    let mut filter = page.after_filter("created_at", SortOrder::Descending, date_key);
    if let Some(job) = job {
        filter.insert("job", job);
    }
    let sort = page.sort("created_at", SortOrder::Descending);
    runs(app).find_many("db.job.history", filter, sort, page.fetch_limit()).await
}

pub(super) async fn purge_runs(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let ids = runs(app).ids("db.job.purge_ids", doc! { "created_at": { "$lt": before } }, MAX_ROWS).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    runs(app).delete_many("db.job.purge", doc! { "_id": { "$in": ids } }).await
}

pub(super) async fn control(app: &App, job: &str) -> Result<Option<JobControl>, DbError> {
    controls(app).find_one("db.job.control", doc! { "_id": job }).await
}

pub(super) async fn insert_control(app: &App, control: &JobControl) -> Result<(), DbError> {
    controls(app).insert("db.job.control_insert", control).await
}

pub(super) async fn set_paused(
    app: &App,
    tx: &mut daraa_platform::mongo::Tx,
    job: &str,
    paused: bool,
    by: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    controls(app)
        .upsert_in_tx(
            tx,
            "db.job.set_paused",
            doc! { "_id": job },
            doc! {
                "$set": { "paused": paused, "changed_by": by, "changed_at": now },
                "$setOnInsert": { "known_since": now },
            },
        )
        .await
        .map(|_| ())
}

pub(super) async fn insert_report(app: &App, report: &Document) -> Result<(), DbError> {
    app.mongo.coll::<Document>(REPORTS).insert("db.job.report_insert", report).await
}

pub(super) async fn newest_report(app: &App) -> Result<Option<Document>, DbError> {
    let rows = app
        .mongo
        .coll::<Document>(REPORTS)
        .find_many("db.job.report_newest", doc! {}, doc! { "at": -1 }, 1)
        .await?;
    Ok(rows.into_iter().next())
}

pub(super) async fn purge_reports(app: &App, before: Timestamp) -> Result<u64, DbError> {
    app.mongo
        .coll::<Document>(REPORTS)
        .delete_many("db.job.report_purge", doc! { "at": { "$lt": before } })
        .await
}
