//! Scheduled jobs, for ops.

mod mutation;
mod query;
mod types;

pub use mutation::JobMutation;
pub use query::JobQuery;
