//! Carts in the API.

mod mutation;
mod query;
mod types;

pub use mutation::CartMutation;
pub use query::CartQuery;
pub use types::{CartObject, CartProblemObject};
