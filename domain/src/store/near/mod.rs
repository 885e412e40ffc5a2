//! Finding stores by place: who delivers to a point, nearest or best first, perhaps only those open now.
//!
//! Calls: store. Called by: search.

mod service;

pub use service::{MAX_SERVING_COUNT, NearFilter, NearSort, NearStore, count_serving, find, serving};
