//! The platform's settings in the API.

mod mutation;
mod query;
mod types;

pub use mutation::SettingsMutation;
pub use query::SettingsQuery;
