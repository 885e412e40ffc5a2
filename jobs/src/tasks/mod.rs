//! What the scheduled jobs do: thin adapters over the rooms. Each is bounded, idempotent and takes no input but the
//! clock; a run that is cut short is simply begun anew.

mod cleanup;

use std::sync::Arc;

use daraa_domain::app::App;
use daraa_domain::{archive as files, check, maintenance as upkeep};
use daraa_platform::fault::Fault;
use daraa_platform::ports::blob::Blobs;
use futures_util::future::BoxFuture;
use mongodb::bson::{Document, doc};

pub(crate) use cleanup::cleanup;

/// What every task is given.
#[derive(Debug)]
pub struct Work {
    /// The rooms' shared parts.
    pub app: Arc<App>,
    /// Where archives are kept.
    pub archive: Blobs,
}

/// A task at work; it answers what it did, by name.
pub type TaskFuture<'a> = BoxFuture<'a, TaskResult>;
/// What a task answers.
pub type TaskResult = Result<Document, Box<dyn Fault>>;

/// Any room's error as a task's.
fn fault<E: Fault>(e: E) -> Box<dyn Fault> {
    Box::new(e)
}

/// A database failure as a task's error.
fn db(e: daraa_platform::mongo::DbError) -> Box<dyn Fault> {
    fault(daraa_platform::fault::Infra::from(e))
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// J3: audit entries over a year old move to files.
pub(crate) async fn archive(work: &Work) -> TaskResult {
    let moved = files::run(&work.app, &work.archive).await.map_err(fault)?;
    Ok(doc! { "files": moved.files, "entries": moved.entries, "bytes": moved.bytes })
}

/// What must hold holds: the ledger, stock, histories, references, the audit chain. A finding fails the run, and
/// failed runs are told to ops.
pub(crate) async fn integrity(work: &Work) -> TaskResult {
    let report = check::run(&work.app).await.map_err(fault)?;
    for finding in &report.findings {
        tracing::error!(
            rule = finding.code,
            subject = finding.subject,
            what = finding.what,
            "integrity is broken"
        );
    }
    if !report.sound() {
        let what = format!("{} findings; the first: {:?}", report.findings.len(), report.findings.first());
        return Err(fault(daraa_platform::fault::Infra::defect(what)));
    }
    Ok(doc! {
        "orders": report.orders,
        "deliveries": report.deliveries,
        "payments": report.payments,
        "stock_items": report.stock_items,
    })
}

/// J4: statistics, index validation, the report.
pub(crate) async fn maintenance(work: &Work) -> TaskResult {
    let report = upkeep::run(&work.app).await.map_err(db)?;
    let unused: usize = report.collections.iter().map(|c| c.unused.len()).sum();
    Ok(doc! {
        "collections": count(report.collections.len()),
        "drift": count(report.drift.len()),
        "unused_indexes": count(unused),
        "dead_events": report.dead_events,
        "slow_shapes": count(report.slow.len()),
    })
}
