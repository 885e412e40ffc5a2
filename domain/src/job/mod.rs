//! Scheduled work: leases with fencing numbers, the record of runs, what people decided about jobs, and reports.
//!
//! The jobs service binds names to functions and runs them; ops read the history, pause, resume and ask for runs.
//! Calls: audit, outbox. Called by: the jobs service, transport.

mod error;
mod lease;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{JobError, JobErrorCode};
pub use lease::{Contender, leases, release, renew};
pub use model::{
    CONTROL_INDEXES, DECLARATIONS, JobControl, JobDeclaration, JobOverview, JobRun, LEASE_INDEXES, Lease,
    REPORT_INDEXES, RUN_INDEXES, RunStatus, RunTrigger, TIME_ZONE,
};
pub use rules::{CatchUp, Dueness, decide};
pub use service::{
    Ending, abandon_older, claim_manual, claim_tick, control, declaration, end, get, history, keep_report,
    last_tick, newest_report, overview, pause, purge, requested, resume, run_now, running, skip_tick,
    start_manual, start_recovery,
};
