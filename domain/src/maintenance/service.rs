//! Gathering, keeping and alerting.

use daraa_platform::mongo::{DbError, index};
use mongodb::bson::doc;

use super::model::Report;
use super::rules::slow_queries;
use super::store::{recent_log, stats};
use crate::app::App;
use crate::outbox::{self, NewEvent, Topic};
use crate::{indexes, job};

/// Gathers the report; changes nothing.
///
/// # Errors
/// Database failure.
pub async fn inspect(app: &App) -> Result<Report, DbError> {
    let mut collections = Vec::with_capacity(indexes::ALL.len());
    for declared in indexes::ALL {
        collections.push(stats(app, declared.collection).await?);
    }
    let drift = index::diff(&app.mongo, indexes::ALL).await?.iter().map(ToString::to_string).collect();
    let dead = outbox::dead(app, 100).await?.len();
    Ok(Report { collections, drift, dead_events: i64::try_from(dead).unwrap_or(i64::MAX), slow: Vec::new() })
}

/// Gathers the report with the slow operations, keeps it and tells ops of drift.
///
/// # Errors
/// Database failure.
pub async fn run(app: &App) -> Result<Report, DbError> {
    let mut report = inspect(app).await?;
    let log = recent_log(app).await?;
    report.slow = slow_queries(log.iter().map(String::as_str), app.mongo.db().name());
    let stored = mongodb::bson::serialize_to_document(&report)?;
    job::keep_report(app, stored).await?;
    if !report.drift.is_empty() {
        let alert = NewEvent {
            kind: "maintenance.drift",
            subject: "indexes".to_owned(),
            topics: vec![Topic::Ops],
            data: doc! { "drift": report.drift.clone() },
        };
        outbox::emit(app, alert).await?;
    }
    Ok(report)
}
