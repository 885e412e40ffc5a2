//! Stores in the API.

mod input;
mod loader;
mod mutation;
mod query;
pub mod staff;
mod types;

pub use loader::{CategoryLoader, StoreLoader};
pub use mutation::StoreMutation;
pub use query::StoreQuery;
pub use types::{RatingObject, StoreCategoryObject, StoreObject, StoreUserError};
