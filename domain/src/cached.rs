//! All collections whose documents are cached: one line each. Whoever follows the changes forgets by this table.

use daraa_platform::redis::CachedCollection;

/// Every cached collection; docs/CACHE.md says how long and where.
pub const ALL: &[CachedCollection] = &[
    crate::account::CACHED,
    crate::catalog::CACHED,
    crate::order::CACHED,
    crate::settings::CACHED,
    crate::store::CACHED,
    crate::store::category::CACHED,
];
