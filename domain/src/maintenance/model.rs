//! The report.

use serde::{Deserialize, Serialize};

/// What a collection holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A maintenance report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Every declared collection.
    pub collections: Vec<CollectionStats>,
    /// Differences between the declared and the found indexes, in words.
    pub drift: Vec<String>,
    /// Events that could not be delivered.
    pub dead_events: i64,
}
