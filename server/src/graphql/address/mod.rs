//! Saved addresses in the API.

mod mutation;
mod query;
mod types;

pub use mutation::AddressMutation;
pub use query::AddressQuery;
pub use types::AddressObject;
