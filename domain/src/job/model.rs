//! Leases, runs and controls as they are stored.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;

pub(super) const LEASES: &str = "job_leases";
pub(super) const RUNS: &str = "job_runs";
pub(super) const CONTROLS: &str = "job_controls";
pub(super) const REPORTS: &str = "maintenance_reports";
/// A tick of a job is run once, by whoever inserts its run first.
pub(super) const JOB_TICK: &str = "job_runs_tick";

/// The declared indexes of the runs.
pub const RUN_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: RUNS,
    about: "A run of a scheduled job: when, how it ended, what it did.",
    kept: Kept::ByJob { job: "cleanup", after: "after 180 days" },
    shard_key: ShardKey::Whole("a few rows a day"),
    shape: Shape::of::<JobRun>(),
    indexes: &[
        IndexSpec::new(
            JOB_TICK,
            &[Key::Asc("job"), Key::Asc("tick")],
            "a tick is run once; the newest tick of a job",
        )
        .unique()
        .partial(&[("tick", PartialValue::Exists)]),
        IndexSpec::new(
            "job_runs_job",
            &[Key::Asc("job"), Key::Desc("created_at"), Key::Desc("_id")],
            "the history of one job, newest first",
        ),
        IndexSpec::new(
            "job_runs_all",
            &[Key::Desc("created_at"), Key::Desc("_id")],
            "the history of all jobs, newest first; the cleanup removes old runs",
        ),
        IndexSpec::new(
            "job_runs_open",
            &[Key::Asc("status"), Key::Asc("job"), Key::Asc("created_at")],
            "runners look for requested and abandoned runs",
        )
        .partial(&[("status", PartialValue::OneOf(&["REQUESTED", "RUNNING"]))]),
    ],
};

/// The declared indexes of the leases: `_id` (the name) is enough.
pub const LEASE_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: LEASES,
    about: "Who holds a job or loop, with the fencing number.",
    kept: Kept::ForGood("its numbers only grow"),
    shard_key: ShardKey::Whole("a handful of rows, compared and set all the time"),
    shape: Shape::of::<Lease>(),
    indexes: &[],
};

/// The declared indexes of the controls: `_id` (the job) is enough.
pub const CONTROL_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: CONTROLS,
    about: "Whether a scheduled job is paused.",
    kept: Kept::ForGood("a row a job"),
    shard_key: ShardKey::Whole("a handful of rows"),
    shape: Shape::of::<JobControl>(),
    indexes: &[],
};

/// The declared indexes of the maintenance reports.
pub const REPORT_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: REPORTS,
    about: "What the weekly maintenance found.",
    kept: Kept::ByJob { job: "cleanup", after: "after 180 days" },
    shard_key: ShardKey::Whole("one row a week"),
    shape: Shape::ANY,
    indexes: &[IndexSpec::new(
        "maintenance_reports_at",
        &[Key::Desc("at")],
        "ops read the newest report; the cleanup removes old ones",
    )],
};

/// Who may act, and since when: a lease on a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// What is leased: a job or a loop.
    #[serde(rename = "_id")]
    pub name: String,
    /// The process that holds it; `None` when it was given back.
    pub holder: Option<String>,
    /// Grows with every change of holder. Effects carry it, and a smaller one is refused.
    pub fence: i64,
    /// Grows with every renewal. A lease whose beat stands still for its whole length is free: this is judged by
    /// the contender's own steady clock, so wrong wall clocks do no harm.
    pub beat: i64,
    /// When it was last renewed, by the holder's clock; for people only.
    pub renewed_at: Timestamp,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// Asked for by a person, not begun.
    Requested,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Stopped because it took too long.
    TimedOut,
    /// Ended by a defect.
    Panicked,
    /// Its process died or lost the lease.
    Abandoned,
    /// Not run, by policy: the job is paused, the tick was missed, or the run before is still at work.
    Skipped,
}

impl RunStatus {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Panicked => "PANICKED",
            Self::Abandoned => "ABANDONED",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// Why a run exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunTrigger {
    /// Its time had come.
    Schedule,
    /// Its time had come while no runner was alive.
    CatchUp,
    /// A person asked for it.
    Manual,
    /// The run before was abandoned.
    Recovery,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobRun {
    /// The id.
    #[serde(rename = "_id")]
    pub id: RunId,
    /// The job's name.
    pub job: String,
    /// Why it exists.
    pub trigger: RunTrigger,
    /// Who asked, as a label: `system:schedule` or an account.
    pub requested_by: String,
    /// The scheduled instant; only for scheduled runs, unique per job.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<Timestamp>,
    /// How far it is.
    pub status: RunStatus,
    /// When it was scheduled or asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long it took, by the steady clock, in ms.
    pub duration_ms: Option<i64>,
    /// What it did, by name, e.g. `{notifications: 12}`.
    #[schemars(schema_with = "daraa_platform::mongo::shape::document_field")]
    pub counts: Document,
    /// Why it failed or was skipped; never personal data.
    pub error: Option<String>,
    /// The process that ran it.
    pub holder: Option<String>,
    /// The fencing number it ran under.
    pub fence: Option<i64>,
}

/// What people decided about a job, and since when it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobControl {
    /// The job's name.
    #[serde(rename = "_id")]
    pub job: String,
    /// Ticks before this are nobody's business: the job did not exist yet.
    pub known_since: Timestamp,
    /// Whether its ticks are skipped.
    pub paused: bool,
    /// Who paused or resumed it last, as a label.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
}

/// A job as the schedule table declares it, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDeclaration {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The cron expression (five fields), in [`JobDeclaration::time_zone`].
    pub cron: &'static str,
    /// The IANA time zone of the expression.
    pub time_zone: &'static str,
}

/// The names, times and purposes of all scheduled jobs: one table for the runner, the API and the command line.
/// What each one does is bound to its name in the jobs service.
pub const DECLARATIONS: &[JobDeclaration] = &[
    JobDeclaration {
        name: "archive",
        about: "Moves audit entries over 365 days old into compressed, checksummed files, verified before they go.",
        cron: "0 2 * * 0",
        time_zone: TIME_ZONE,
    },
    JobDeclaration {
        name: "cleanup",
        about: "Removes old notifications, carts, quotes, idempotency keys, webhooks, events, job runs and reports.",
        cron: "0 3 * * *",
        time_zone: TIME_ZONE,
    },
    JobDeclaration {
        name: "integrity",
        about: "Checks ledger, stock, payments, histories and references against each other.",
        cron: "30 3 * * *",
        time_zone: TIME_ZONE,
    },
    JobDeclaration {
        name: "maintenance",
        about: "Collects collection statistics, compares indexes with their declaration, keeps the report.",
        cron: "0 4 * * 0",
        time_zone: TIME_ZONE,
    },
];

/// The time zone of the schedule.
pub const TIME_ZONE: &str = "Asia/Damascus";

/// A job with what is known of it, for ops.
#[derive(Debug, Clone)]
pub struct JobOverview {
    /// As declared.
    pub declaration: &'static JobDeclaration,
    /// Whether its ticks are skipped.
    pub paused: bool,
    /// Its newest run.
    pub last_run: Option<JobRun>,
}
