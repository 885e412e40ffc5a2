//! What people are told in the app.

mod mutation;
mod query;
mod types;

pub use mutation::NotificationMutation;
pub use query::NotificationQuery;
pub use types::NotificationObject;
