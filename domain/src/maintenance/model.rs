//! The report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a collection holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CollectionStats {
    /// The collection.
    pub collection: String,
    /// How many documents.
    pub documents: i64,
    /// Their size, uncompressed, in bytes.
    pub bytes: i64,
    /// The space they take on the disk, in bytes.
    pub storage_bytes: i64,
    /// The size of all its indexes, in bytes.
    pub index_bytes: i64,
    /// How many indexes, `_id_` included.
    pub indexes: i64,
    /// Declared indexes that no query has used for a week, on the member that was asked.
    pub unused: Vec<String>,
}

/// Slow operations of one shape, as the primary's log tells them. Shapes only: no value of a query is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowQueries {
    /// The collection.
    pub collection: String,
    /// The command, e.g. `find`.
    pub command: String,
    /// How it was planned, e.g. `IXSCAN { store_id: 1 }`; `COLLSCAN` is the one to look at first.
    pub plan: String,
    /// How often.
    pub count: i64,
    /// The longest, ms.
    pub max_ms: i64,
    /// All of them, ms.
    pub total_ms: i64,
    /// The most documents one of them looked at.
    pub max_docs_examined: i64,
}

/// A maintenance report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Every declared collection.
    pub collections: Vec<CollectionStats>,
    /// Differences between the declared and the found indexes, in words.
    pub drift: Vec<String>,
    /// Events that could not be delivered.
    pub dead_events: i64,
    /// Operations that took longer than the database's `slowms`, those with the most time first. Only the jobs service
    /// may read them.
    #[serde(default)]
    pub slow: Vec<SlowQueries>,
}
