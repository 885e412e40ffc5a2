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
        name: "drop the indexes that looked at more than they found, that no query uses, and a TTL",
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
/// Webhooks are removed by the cleanup job instead of by a TTL index. The rest served no query the code can issue: each
/// cost every write of its collection a little.
async fn drop_loose_indexes(mongo: &Mongo) -> Result<(), DbError> {
    const CHANGED: &[(&str, &str)] = &[
        ("courier_offers", "offer_courier_made"),
        ("couriers", "courier_point"),
        ("earnings", "earnings_payee_status"),
        ("ledger_transactions", "ledger_transactions_kind_at"),
        ("order_groups", "order_groups_account"),
        ("orders", "orders_courier"),
        ("orders", "orders_store"),
        ("payment_webhooks", "payment_webhooks_received"),
        ("payments", "payments_account_created"),
        ("payments", "payments_status_created"),
        ("products", "products_store"),
        ("reviews", "reviews_courier"),
        ("sessions", "sessions_account"),
        ("stock_adjustments", "stock_adjustments_store"),
        ("stock_items", "stock_items_reservation_order"),
        ("stock_items", "stock_items_store"),
        ("store_invitations", "store_invitations_phone"),
        ("store_invitations", "store_invitations_store"),
        ("store_staff", "store_staff_account"),
        ("store_staff", "store_staff_role"),
        ("stores", "stores_category"),
        ("stores", "stores_status_rating"),
    ];
    drop_all(mongo, CHANGED).await
}

async fn drop_all(mongo: &Mongo, indexes: &[(&str, &str)]) -> Result<(), DbError> {
    for (collection, name) in indexes {
        index::drop_if_there(mongo, collection, name).await?;
    }
    Ok(())
}
