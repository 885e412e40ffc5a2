//! The audit log in the API.

mod query;
mod types;

pub use query::AuditQuery;
