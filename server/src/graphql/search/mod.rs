//! Search in the API.

mod query;
mod types;

pub use query::SearchRoot;
pub use types::SearchResultObject;
