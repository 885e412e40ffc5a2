//! The tree of store categories: restaurants, groceries, pharmacies and what is below them.
//!
//! Calls: nothing. Called by: store, search.

mod error;
mod model;
mod service;
mod store;

pub use error::{CategoryError, CategoryErrorCode};
pub use model::{INDEXES, MAX_CATEGORIES, StoreCategory, with_descendants};
pub use service::{CreateCategory, all, create};
