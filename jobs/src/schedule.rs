//! The schedule: when and in which time zone is declared in the domain (ops read it there, too); here stands how each
//! job is run.

use std::str::FromStr as _;
use std::time::Duration;

use chrono::TimeZone as _;
use chrono_tz::Tz;
use croner::Cron;
use daraa_domain::job::{CatchUp, DECLARATIONS, JobDeclaration};
use daraa_platform::time::Timestamp;

use crate::tasks::{self, TaskFuture, Work};

/// A lease that is not renewed for this long is free. Renewed five times as often, so that neither a slow fail-over of
/// the database nor a busy machine loses it, and short enough for a takeover within ten seconds.
pub const LEASE: Duration = Duration::from_secs(5);

const MINUTE: Duration = Duration::from_secs(60);

/// One job: its declaration and how it is run.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The name it is declared under.
    pub name: &'static str,
    /// What happens to ticks that passed while no runner was alive.
    pub catch_up: CatchUp,
    /// How long its lease lasts without a renewal.
    pub lease: Duration,
    /// It is stopped after this.
    pub timeout: Duration,
    /// What it does.
    pub run: for<'a> fn(&'a Work) -> TaskFuture<'a>,
}

/// The table.
pub const JOBS: &[Job] = &[
    Job {
        name: "archive",
        catch_up: CatchUp::Once,
        lease: LEASE,
        timeout: MINUTE.saturating_mul(60),
        run: |work| Box::pin(tasks::archive(work)),
    },
    Job {
        name: "cleanup",
        catch_up: CatchUp::Once,
        lease: LEASE,
        timeout: MINUTE.saturating_mul(30),
        run: |work| Box::pin(tasks::cleanup(work)),
    },
    Job {
        name: "integrity",
        catch_up: CatchUp::Once,
        lease: LEASE,
        timeout: MINUTE.saturating_mul(30),
        run: |work| Box::pin(tasks::integrity(work)),
    },
    Job {
        name: "maintenance",
        catch_up: CatchUp::Once,
        lease: LEASE,
        timeout: MINUTE.saturating_mul(15),
        run: |work| Box::pin(tasks::maintenance(work)),
    },
];

/// A schedule that cannot be read: a defect of the table, found by a test.
#[derive(Debug, thiserror::Error)]
#[error("the schedule of {job} cannot be read: {problem}")]
pub struct BadSchedule {
    /// Which job.
    pub job: &'static str,
    /// What is wrong.
    pub problem: String,
}

/// When a job is due.
#[derive(Debug, Clone)]
pub struct Times {
    cron: Cron,
    zone: Tz,
}

impl Times {
    /// Reads the declared schedule.
    ///
    /// # Errors
    /// The expression or the zone cannot be read.
    pub fn of(declaration: &JobDeclaration) -> Result<Self, BadSchedule> {
        let wrong = |problem: String| BadSchedule { job: declaration.name, problem };
        Ok(Self {
            cron: Cron::from_str(declaration.cron).map_err(|e| wrong(e.to_string()))?,
            zone: declaration.time_zone.parse().map_err(|e: chrono_tz::ParseError| wrong(e.to_string()))?,
        })
    }

    /// The newest instant of the schedule that is not after `now`.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let local = self.zone.from_utc_datetime(&now.to_chrono().naive_utc());
        let tick = self.cron.find_previous_occurrence(&local, true).ok()?;
        Some(Timestamp::from(tick.to_utc()))
    }

    /// The next instant of the schedule after `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let local = self.zone.from_utc_datetime(&now.to_chrono().naive_utc());
        let tick = self.cron.find_next_occurrence(&local, false).ok()?;
        Some(Timestamp::from(tick.to_utc()))
    }
}

/// The declaration of a job of the table.
#[must_use]
pub fn declaration(job: &Job) -> Option<&'static JobDeclaration> {
    DECLARATIONS.iter().find(|declared| declared.name == job.name)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("an instant")
    }

    #[test]
    fn every_declared_job_can_be_run_and_read() {
        let declared: Vec<_> = DECLARATIONS.iter().map(|job| job.name).collect();
        let table: Vec<_> = JOBS.iter().map(|job| job.name).collect();
        assert_eq!(declared, table);
        for job in DECLARATIONS {
            assert!(Times::of(job).expect("readable").next(at("2026-01-01T00:00:00Z")).is_some());
        }
    }

    #[test]
    fn times_are_local_to_damascus() {
        // Damascus is three hours ahead of UTC all year.
        let cleanup = DECLARATIONS.iter().find(|job| job.name == "cleanup").expect("declared");
        let times = Times::of(cleanup).expect("readable");
        assert_eq!(times.last(at("2026-01-05T00:00:00Z")), Some(at("2026-01-05T00:00:00Z")));
        assert_eq!(times.last(at("2026-01-04T23:59:59Z")), Some(at("2026-01-04T00:00:00Z")));
        assert_eq!(times.next(at("2026-01-05T00:00:00Z")), Some(at("2026-01-06T00:00:00Z")));
        let archive = DECLARATIONS.iter().find(|job| job.name == "maintenance").expect("declared");
        // 4 January 2026 is a Sunday.
        let times = Times::of(archive).expect("readable");
        assert_eq!(times.last(at("2026-01-05T00:00:00Z")), Some(at("2026-01-04T01:00:00Z")));
    }
}
