//! What is past its time and may go: each room knows its own, here stands the list.
//!
//! Calls: cart, feed, idempotency, job, notification, outbox, payment, pricing. Called by: the jobs service (daily), the
//! server's `db cleanup`.

mod model;
mod service;

pub use model::Cleaned;
pub use service::clean_up;
