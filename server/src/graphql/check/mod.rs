//! What must hold, for ops people: the integrity check and the backlog of events.

mod query;
mod types;

pub use query::CheckQuery;
