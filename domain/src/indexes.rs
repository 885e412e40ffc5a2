//! All declared indexes: one line a collection; and whether a database is as declared.

use daraa_platform::mongo::index::{self, CollectionIndexes};
use daraa_platform::mongo::{DbError, Mongo, Unfit, migrate};

use crate::migrations;

/// What helps a database that is not as declared.
pub const MEND_DRIFT: &str =
    "run `daraa-server db migrate` and `daraa-server indexes apply`, then start again";

/// How the database differs from what this program was made for; empty when it does not. Looked at before anything is
/// served or written.
///
/// # Errors
/// The database is away or none to work with.
pub async fn drift(mongo: &Mongo) -> Result<Vec<String>, Unfit> {
    mongo.fit().await?;
    let explained = |e: DbError| Unfit::from_db(mongo.config(), &e);
    let pending = migrate::pending(mongo, migrations::ALL).await.map_err(explained)?;
    let pending = pending.iter().map(|m| format!("pending migration {} {}", m.number, m.name));
    let drifts = index::diff(mongo, ALL).await.map_err(explained)?;
    Ok(pending.chain(drifts.iter().map(|d| format!("index {d}"))).collect())
}

/// Every collection with its indexes.
pub const ALL: &[CollectionIndexes] = &[
    crate::account::INDEXES,
    crate::address::INDEXES,
    crate::archive::INDEXES,
    crate::audit::INDEXES,
    crate::audit::PENDING_INDEXES,
    crate::audit::SEAL_INDEXES,
    crate::cart::INDEXES,
    crate::change::INDEXES,
    crate::catalog::PRODUCT_INDEXES,
    crate::catalog::SECTION_INDEXES,
    crate::catalog::stock::ADJUSTMENT_INDEXES,
    crate::catalog::stock::INDEXES,
    crate::courier::INDEXES,
    crate::courier::POSITION_INDEXES,
    crate::delivery::INDEXES,
    crate::delivery::SHARD_INDEXES,
    crate::delivery::offer::INDEXES,
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
    crate::order::refund::INDEXES,
    crate::outbox::INDEXES,
    crate::payment::INDEXES,
    crate::payment::WEBHOOK_INDEXES,
    crate::pricing::INDEXES,
    crate::promotion::INDEXES,
    crate::promotion::USE_INDEXES,
    crate::review::INDEXES,
    crate::review::SCORE_INDEXES,
    crate::session::CODE_INDEXES,
    crate::session::INDEXES,
    crate::settings::INDEXES,
    crate::store::INDEXES,
    crate::store::category::INDEXES,
    crate::store::staff::INDEXES,
    crate::store::staff::INVITATION_INDEXES,
];
