//! The tree of store categories: restaurants, groceries, pharmacies and what is below them.
//!
//! Calls: audit. Called by: store, search.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::CACHED;
pub use error::{CategoryError, CategoryErrorCode};
pub use model::{INDEXES, MAX_CATEGORIES, StoreCategory, with_descendants};
pub use service::{CreateCategory, UpdateCategory, all, create, update};
