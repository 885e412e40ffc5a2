//! What customers say about completed orders: once per order, answered by the store, moderated by ops.
//!
//! A published review counts for its store and products (kept there) and its courier (kept here as a score).
//! Calls: order, catalog, store, audit, outbox. Called by: transport.

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
pub use service::{create, moderate, of_orders, of_store, ratings, reply};
