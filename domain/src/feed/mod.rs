//! Live feeds: each topic (a customer, a store, a courier, ops) sees its events numbered 1, 2, 3, … without a gap,
//! so that a client resumes where it left off.
//!
//! The relay calls [`append`] for every outbox event; subscriptions read [`after`] and are woken through the Redis
//! channel [`CHANNEL`]. Redis may lose a wake-up, never an event: readers also look by themselves every
//! [`LOOK_EVERY`]. Calls: outbox. Called by: reactions, transport.

mod model;
mod service;
mod store;

pub use model::{FeedEvent, HEAD_INDEXES, INDEXES, KEEP_SECS};
pub use service::{CHANNEL, Heads, LOOK_EVERY, MAX_READ, News, after, append, head, heads, purge};
