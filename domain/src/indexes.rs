//! All declared indexes: one line a collection.

use daraa_platform::mongo::index::CollectionIndexes;

/// Every collection with its indexes.
pub const ALL: &[CollectionIndexes] = &[
    crate::cart::INDEXES,
    crate::idempotency::INDEXES,
    crate::order::GROUP_INDEXES,
    crate::order::INDEXES,
    crate::outbox::INDEXES,
    crate::pricing::INDEXES,
];
