//! Jobs and their runs.

use async_graphql::{ID, InputObject, Object, SimpleObject};
use daraa_domain::job::{JobError, JobErrorCode, JobOverview, JobRun, RunStatus, RunTrigger};
use daraa_platform::time::Timestamp;
use mongodb::bson::Bson;

use crate::graphql::scalars::BigInt;

crate::user_errors!(
    /// What was wrong with a request about a job.
    JobUserError, JobError, JobErrorCode
);

/// A scheduled job.
#[derive(Debug, Clone)]
pub struct JobObject(pub JobOverview);

/// A scheduled job of the jobs service.
#[Object(name = "Job")]
impl JobObject {
    /// Its name.
    async fn name(&self) -> &str {
        self.0.declaration.name
    }

    /// What it does.
    async fn about(&self) -> &str {
        self.0.declaration.about
    }

    /// When it is run: a cron expression (minute, hour, day, month, weekday) in `timeZone`.
    async fn cron(&self) -> &str {
        self.0.declaration.cron
    }

    /// The IANA time zone of `cron`.
    async fn time_zone(&self) -> &str {
        self.0.declaration.time_zone
    }

    /// Whether its schedule stands still; it can still be run by hand.
    async fn paused(&self) -> bool {
        self.0.paused
    }

    /// Its newest run.
    async fn last_run(&self) -> Option<JobRunObject> {
        self.0.last_run.clone().map(JobRunObject)
    }
}

/// A run of a job.
#[derive(Debug, Clone)]
pub struct JobRunObject(pub JobRun);

/// What a run did, e.g. `notifications: 12`.
#[derive(Debug, SimpleObject)]
pub struct JobCount {
    /// What was counted.
    pub name: String,
    /// How many.
    pub count: BigInt,
}

/// A run of a job.
#[Object(name = "JobRun")]
impl JobRunObject {
    /// The id, `run_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The job's name.
    async fn job(&self) -> &str {
        &self.0.job
    }

    /// Why it exists.
    async fn trigger(&self) -> RunTrigger {
        self.0.trigger
    }

    /// Who asked for it: `acc_…` or `system:<name>`.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// How far it is.
    async fn status(&self) -> RunStatus {
        self.0.status
    }

    /// The scheduled instant; null for runs asked for by hand.
    async fn tick(&self) -> Option<Timestamp> {
        self.0.tick
    }

    /// When it was scheduled or asked for.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it began.
    async fn started_at(&self) -> Option<Timestamp> {
        self.0.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<Timestamp> {
        self.0.finished_at
    }

    /// How long it took, in milliseconds.
    async fn duration_ms(&self) -> Option<BigInt> {
        self.0.duration_ms.map(BigInt)
    }

    /// What it did.
    async fn counts(&self) -> Vec<JobCount> {
        let number = |value: &Bson| value.as_i64().or_else(|| value.as_i32().map(i64::from));
        let counted = self.0.counts.iter().filter_map(|(name, value)| Some((name, number(value)?)));
        counted.map(|(name, count)| JobCount { name: name.clone(), count: BigInt(count) }).collect()
    }

    /// Why it failed or was skipped.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}

/// Runs a job now.
#[derive(InputObject)]
pub struct JobRunInput {
    /// The job's name.
    pub name: String,
}

crate::payload!(
    /// What `jobRun` answers.
    JobRunPayload, JobError, {
        /// The run, waiting to be begun; null when there are `userErrors`.
        run: JobRunObject
    }
);

/// Stops the schedule of a job.
#[derive(InputObject)]
pub struct JobPauseInput {
    /// The job's name.
    pub name: String,
}

crate::payload!(
    /// What `jobPause` answers.
    JobPausePayload, JobError, {
        /// The job as it is now; null when there are `userErrors`.
        job: JobObject
    }
);

/// Lets the schedule of a job go on.
#[derive(InputObject)]
pub struct JobResumeInput {
    /// The job's name.
    pub name: String,
}

crate::payload!(
    /// What `jobResume` answers.
    JobResumePayload, JobError, {
        /// The job as it is now; null when there are `userErrors`.
        job: JobObject
    }
);
