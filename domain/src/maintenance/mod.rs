//! The state of the collections and their indexes: gathered weekly, kept as a report, alerted on. And what is old is
//! removed ([`cleanup`]).
//!
//! Calls: cart, feed, idempotency, job, notification, outbox, payment, pricing. Called by: the jobs service, the
//! server's `db stats` and `db cleanup`.

pub mod cleanup;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{CollectionStats, Report, SlowQueries};
pub use service::{inspect, run};
