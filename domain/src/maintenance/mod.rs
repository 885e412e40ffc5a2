//! The state of the collections and their indexes: gathered weekly, kept as a report, alerted on.
//!
//! Calls: job, outbox. Called by: the jobs service, the server's `db stats`.

mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{CollectionStats, Report, SlowQueries};
pub use service::{inspect, run};
