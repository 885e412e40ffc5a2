//! Finding stores and products by the beginnings of words, in Arabic and English, spelling folded away.
//!
//! Owns no data: stores and products keep their folded prefixes themselves.
//!
//! Calls: store, catalog. Called by: nobody.

mod error;
mod model;
mod rules;
mod service;

pub use crate::fold::{fold, prefixes, query_prefixes};
pub use error::{SearchError, SearchErrorCode};
pub use model::{FoundProduct, FoundStore, MAX_TEXT_CHARS, SearchQuery, SearchResult};
pub use service::stores_and_products;
