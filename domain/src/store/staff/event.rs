//! What the staff room announces.

/// Somebody was asked to work for a store.
pub const INVITED: &str = "staff.invited";
/// Somebody began to work for a store.
pub const JOINED: &str = "staff.joined";
/// Somebody no longer works for a store.
pub const REMOVED: &str = "staff.removed";
