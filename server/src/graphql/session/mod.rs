//! Sign-in in the API.

mod mutation;
mod query;
mod types;

pub use mutation::SessionMutation;
pub use query::SessionQuery;
