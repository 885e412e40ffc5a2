//! What the database itself tells of committed changes: whatever is cached of a changed document is forgotten, also
//! when the process that changed it died before it could say so.
//!
//! One jobs process follows at a time. Its place is kept, so that the next one goes on from there; where the database
//! no longer knows the place, everything cached is forgotten instead. Calls: outbox. The table of what is cached is
//! handed in ([`CachedCollection`](daraa_platform::redis::CachedCollection)), for the rooms that cache lie above this one.

mod error;
mod model;
mod service;
mod store;

pub use error::ChangeError;
pub use model::INDEXES;
pub use service::{Follower, Step};
