//! What customers say about completed orders: once per order, answered by the store, moderated by ops.
//!
//! A published review counts for its store (kept there), its courier and its products (kept here as scores).
//! Calls: order, store, audit, outbox. Called by: transport.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{ReviewError, ReviewErrorCode};
pub use model::{
    CreateReview, INDEXES, ItemStars, MAX_TEXT_CHARS, Reply, Review, ReviewStatus, ReviewText, SCORE_INDEXES,
    Score, Stars,
};
pub use service::{create, moderate, of_orders, of_store, reply, scores};
