//! Live feeds: each topic (a customer, a store, a courier, ops) sees its events numbered 1, 2, 3, … without a gap,
//! so that a client resumes where it left off.
//!
//! The relay calls [`append`] for every outbox event; subscriptions read [`after`] and are woken by a [`Listener`] to
//! the database's own change stream. A wake-up may be lost, an event never: readers also look by themselves every
//! [`LOOK_EVERY`]. Calls: outbox. Called by: reactions, transport.

mod model;
mod service;
mod store;

pub use model::{FeedEvent, HEAD_INDEXES, INDEXES, KEEP_SECS};
pub use service::{Heads, LOOK_EVERY, Listener, MAX_READ, News, after, append, head, heads, purge};
