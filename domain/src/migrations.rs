//! All migrations: numbered, applied once each by `daraa-server db migrate`, never renumbered or changed.
//!
//! Collections and missing indexes need none (`daraa-server indexes apply`). Here belongs what changes
//! documents that exist, and what drops or rebuilds an index.

use daraa_platform::mongo::migrate::Migration;
use daraa_platform::mongo::{DbError, Mongo, index};

/// Every migration, by number.
pub const ALL: &[Migration] = &[
    Migration {
        number: 1,
        name: "drop the indexes whose keys changed or that nobody uses",
        apply: |mongo| Box::pin(drop_changed_indexes(mongo)),
    },
    Migration {
        number: 2,
        name: "drop the indexes that looked at more than they found",
        apply: |mongo| Box::pin(drop_loose_indexes(mongo)),
    },
];

/// Lists are ordered by the id within an instant, and their indexes with them; the others were replaced under another
/// name or were the reverse of one that exists. `indexes apply` builds the new ones.
async fn drop_changed_indexes(mongo: &Mongo) -> Result<(), DbError> {
    const CHANGED: &[(&str, &str)] = &[
        ("archives", "archives_range"),
        ("commissions", "commissions_status_created"),
        ("commissions", "commissions_store_status_created"),
        ("deliveries", "delivery_live"),
        ("notifications", "notifications_recipient_event"),
        ("payments", "payments_account_created"),
        ("payments", "payments_status_created"),
        ("wallet_transactions", "wallet_transactions_wallet_created"),
        ("wallet_transactions", "wallet_transactions_wallet_page"),
    ];
    drop_all(mongo, CHANGED).await
}

/// A condition that the index did not hold was judged on the document; the new indexes of the same purpose hold it.
async fn drop_loose_indexes(mongo: &Mongo) -> Result<(), DbError> {
    const CHANGED: &[(&str, &str)] = &[
        ("orders", "orders_store"),
        ("products", "products_store"),
        ("sessions", "sessions_account"),
        ("store_invitations", "store_invitations_phone"),
        ("store_invitations", "store_invitations_store"),
    ];
    drop_all(mongo, CHANGED).await
}

async fn drop_all(mongo: &Mongo, indexes: &[(&str, &str)]) -> Result<(), DbError> {
    for (collection, name) in indexes {
        index::drop_if_there(mongo, collection, name).await?;
    }
    Ok(())
}
