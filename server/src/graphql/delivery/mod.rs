//! Deliveries and the offers that find a courier for them.

mod inputs;
mod loader;
mod mutation;
mod query;
mod subscription;
mod types;

pub use loader::OrderDeliveryLoader;
pub use mutation::DeliveryMutation;
pub use query::DeliveryQuery;
pub use subscription::DeliverySubscription;
pub use types::{DeliveryObject, OfferObject, PositionObject};
