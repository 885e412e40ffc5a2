//! All declared indexes: one line a collection.

use daraa_platform::mongo::index::CollectionIndexes;

/// Every collection with its indexes.
pub const ALL: &[CollectionIndexes] = &[
    crate::account::INDEXES,
    crate::address::INDEXES,
    crate::audit::INDEXES,
    crate::audit::PENDING_INDEXES,
    crate::audit::SEAL_INDEXES,
    crate::cart::INDEXES,
    crate::feed::HEAD_INDEXES,
    crate::feed::INDEXES,
    crate::idempotency::INDEXES,
    crate::job::CONTROL_INDEXES,
    crate::job::LEASE_INDEXES,
    crate::job::REPORT_INDEXES,
    crate::job::RUN_INDEXES,
    crate::ledger::BALANCE_INDEXES,
    crate::ledger::COMMISSION_INDEXES,
    crate::ledger::EARNING_INDEXES,
    crate::ledger::ENTRY_INDEXES,
    crate::ledger::TRANSACTION_INDEXES,
    crate::ledger::wallet::MOVEMENT_INDEXES,
    crate::ledger::wallet::WALLET_INDEXES,
    crate::notification::INDEXES,
    crate::order::GROUP_INDEXES,
    crate::order::INDEXES,
    crate::outbox::INDEXES,
    crate::pricing::INDEXES,
    crate::session::CODE_INDEXES,
    crate::session::INDEXES,
    crate::settings::INDEXES,
];
