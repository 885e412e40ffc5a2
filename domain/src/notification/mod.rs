//! What people were told in the app, in both languages of the market; read or unread, kept for 90 days.
//!
//! [`tell`] is idempotent per person and event. Who is told is decided above, by the reactions, for this room knows
//! neither stores nor couriers. Calls: outbox. Called by: reactions, transport, the cleanup job.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{NotificationError, NotificationErrorCode};
pub use model::{Audience, INDEXES, KEEP_SECS, Notification, Priority, Recipient};
pub use rules::{Facts, TEMPLATES, Template, template};
pub use service::{Marking, count_unread, list, mark_read, purge, tell};
