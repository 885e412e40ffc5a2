//! Reviews of completed orders.

mod loader;
mod mutation;
mod query;
mod types;

pub use loader::{CourierRatingLoader, OrderReviewLoader, of_courier, of_order};
pub use mutation::ReviewMutation;
pub use query::ReviewQuery;
pub use types::ReviewObject;
