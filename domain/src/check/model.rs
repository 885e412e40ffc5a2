//! What a check finds.

use serde::{Deserialize, Serialize};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that is broken, `I1` to `I8`.
    pub rule: String,
    /// The object concerned.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

/// What was looked at and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Orders looked at.
    pub orders: i64,
    /// Purchases looked at.
    pub groups: i64,
    /// Deliveries looked at.
    pub deliveries: i64,
    /// Payments looked at.
    pub payments: i64,
    /// Stock items looked at.
    pub stock_items: i64,
    /// What must not be, sorted; empty when all is well. At most the first 1,000.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether all is well.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.findings.is_empty()
    }
}
