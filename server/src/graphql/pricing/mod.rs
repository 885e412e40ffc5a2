//! Quotes in the API.

mod mutation;
mod query;
mod types;

pub use mutation::PricingMutation;
pub use query::PricingQuery;
pub use types::QuoteObject;
