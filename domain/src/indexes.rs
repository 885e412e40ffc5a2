//! All declared indexes: one line a collection.

use daraa_platform::mongo::index::CollectionIndexes;

/// Every collection with its indexes.
pub const ALL: &[CollectionIndexes] = &[crate::idempotency::INDEXES, crate::outbox::INDEXES];
