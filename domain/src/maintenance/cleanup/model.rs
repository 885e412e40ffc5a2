//! What a cleanup did.

use daraa_platform::fault::Fault;

/// What was removed, and what could not be.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// How many rows of each kind, in the order they were removed.
    pub removed: Vec<(&'static str, u64)>,
    /// Kinds that failed, and why; what they removed before is counted.
    pub failures: Vec<(&'static str, Box<dyn Fault>)>,
}
