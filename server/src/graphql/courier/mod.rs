//! Couriers: applying, working, being seen.

mod loader;
mod mutation;
mod query;
mod types;

pub use loader::CourierLoader;
pub use mutation::CourierMutation;
pub use query::CourierQuery;
pub use types::{CourierObject, DeliveryCourierObject};
