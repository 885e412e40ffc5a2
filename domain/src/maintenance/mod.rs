//! The state of the collections and their indexes: gathered weekly, kept as a report, alerted on.
//!
//! Calls: job, outbox. Called by: the jobs service, the server's `db stats`.

mod model;
mod service;
mod store;

pub use model::{CollectionStats, Report};
pub use service::{inspect, run};
