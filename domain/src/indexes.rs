//! All declared collections: one line each, under its room; and whether a database is as declared.

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

/// The list, flat and by room.
macro_rules! declared {
    ($($room:ident { $($collection:path),+ $(,)? })+) => {
        /// Every collection with its indexes.
        pub const ALL: &[CollectionIndexes] = &[$($($collection),+),+];

        /// The collections of each room.
        pub const BY_ROOM: &[(&str, &[CollectionIndexes])] = &[$((stringify!($room), &[$($collection),+])),+];
    };
}

declared! {
    account {
        crate::account::INDEXES,
    }
    address {
        crate::address::INDEXES,
    }
    archive {
        crate::archive::INDEXES,
    }
    audit {
        crate::audit::INDEXES,
        crate::audit::PENDING_INDEXES,
        crate::audit::SEAL_INDEXES,
    }
    cart {
        crate::cart::INDEXES,
    }
    catalog {
        crate::catalog::PRODUCT_INDEXES,
        crate::catalog::SECTION_INDEXES,
        crate::catalog::stock::ADJUSTMENT_INDEXES,
        crate::catalog::stock::INDEXES,
    }
    change {
        crate::change::INDEXES,
    }
    courier {
        crate::courier::INDEXES,
        crate::courier::POSITION_INDEXES,
    }
    delivery {
        crate::delivery::INDEXES,
        crate::delivery::SHARD_INDEXES,
        crate::delivery::offer::INDEXES,
    }
    feed {
        crate::feed::HEAD_INDEXES,
        crate::feed::INDEXES,
    }
    idempotency {
        crate::idempotency::INDEXES,
    }
    job {
        crate::job::CONTROL_INDEXES,
        crate::job::LEASE_INDEXES,
        crate::job::REPORT_INDEXES,
        crate::job::RUN_INDEXES,
    }
    ledger {
        crate::ledger::BALANCE_INDEXES,
        crate::ledger::COMMISSION_INDEXES,
        crate::ledger::EARNING_INDEXES,
        crate::ledger::ENTRY_INDEXES,
        crate::ledger::TRANSACTION_INDEXES,
        crate::ledger::wallet::MOVEMENT_INDEXES,
        crate::ledger::wallet::WALLET_INDEXES,
    }
    notification {
        crate::notification::INDEXES,
    }
    order {
        crate::order::GROUP_INDEXES,
        crate::order::INDEXES,
        crate::order::refund::INDEXES,
    }
    outbox {
        crate::outbox::INDEXES,
    }
    payment {
        crate::payment::INDEXES,
        crate::payment::WEBHOOK_INDEXES,
    }
    pricing {
        crate::pricing::INDEXES,
    }
    promotion {
        crate::promotion::INDEXES,
        crate::promotion::USE_INDEXES,
    }
    review {
        crate::review::INDEXES,
        crate::review::SCORE_INDEXES,
    }
    session {
        crate::session::CODE_INDEXES,
        crate::session::INDEXES,
    }
    settings {
        crate::settings::INDEXES,
    }
    store {
        crate::store::INDEXES,
        crate::store::category::INDEXES,
        crate::store::staff::INDEXES,
        crate::store::staff::INVITATION_INDEXES,
    }
}

#[cfg(test)]
mod tests {
    use daraa_platform::mongo::index::{CollectionIndexes, Kept, ShardKey};
    use daraa_platform::mongo::shape::Field;

    use super::{ALL, BY_ROOM};

    /// Collections that may have a TTL index, and why losing a document early is harmless there. The database removes by
    /// its own clock, which may be wrong and knows no rule: money, orders, stock and what keeps an effect from happening
    /// twice are removed by the cleanup job or never.
    const MAY_FORGET: &[(&str, &str)] = &[
        ("courier_offers", "over after a minute; the delivery keeps what came of it"),
        ("courier_positions", "a sampled track, for questions afterwards"),
        ("notifications", "told and read or stale; what it tells of is kept elsewhere"),
        ("sessions", "whoever is signed out signs in again"),
        ("sign_in_codes", "a new one is asked for"),
        ("store_invitations", "it opens nothing after its end"),
    ];

    fn forgets(collection: &CollectionIndexes) -> bool {
        collection.indexes.iter().any(|spec| spec.ttl_secs.is_some())
    }

    #[test]
    fn only_what_may_vanish_has_a_ttl_index() {
        for collection in ALL {
            let name = collection.collection;
            let allowed = MAY_FORGET.iter().any(|(may, _)| *may == name);
            assert_eq!(
                forgets(collection),
                allowed,
                "{name}: the TTL index and MAY_FORGET say different things"
            );
            let said = matches!(collection.kept, Kept::ByTtl(_));
            assert_eq!(forgets(collection), said, "{name}: the TTL index and `kept` say different things");
        }
    }

    #[test]
    fn what_a_job_removes_is_removed_by_a_job_there_is() {
        for collection in ALL {
            if let Kept::ByJob { job, .. } = collection.kept {
                let there = crate::job::DECLARATIONS.iter().any(|known| known.name == job);
                assert!(there, "{}: no job {job}", collection.collection);
            }
        }
    }

    #[test]
    fn a_shard_key_keeps_what_is_unique() {
        for collection in ALL {
            let broken = collection.broken_by_shard_key();
            assert!(broken.is_empty(), "{}: {}", collection.collection, broken.join("; "));
        }
    }

    /// A document without the key would lie with all others of its kind, and a list cannot be a key. Ids we draw are
    /// unique anyway; an `_id` that means something is unique only as the key.
    #[test]
    fn every_document_has_its_shard_key() {
        for collection in ALL {
            let ShardKey::By { keys, .. } = collection.shard_key else { continue };
            let fields = collection.shape.fields();
            let field = |name: &str| fields.iter().find(|field| field.path == name);
            for key in keys {
                let fits = |field: &Field| {
                    field.required && ["objectId", "string", "long"].contains(&field.ty.as_str())
                };
                assert!(field(key.name()).is_some_and(fits), "{}: {}", collection.collection, key.name());
            }
            let drawn = field("_id").is_some_and(|id| id.ty == "objectId");
            let by_id = keys.first().is_some_and(|key| key.name() == "_id");
            assert!(drawn || by_id, "{}: its `_id` would not be unique", collection.collection);
        }
    }

    #[test]
    fn every_collection_says_what_it_is() {
        assert_eq!(BY_ROOM.iter().map(|(_, all)| all.len()).sum::<usize>(), ALL.len());
        for collection in ALL {
            assert!(collection.about.ends_with('.'), "{}: a sentence", collection.collection);
            let validator = collection.shape.validator();
            let described = collection.shape.fields();
            let Ok(asked) = validator.get_document("$jsonSchema").and_then(|s| s.get_document("properties"))
            else {
                assert!(described.is_empty(), "{}", collection.collection);
                continue;
            };
            for name in asked.keys() {
                let there = described.iter().any(|field| field.path.trim_end_matches("[]") == name);
                assert!(there, "{}.{name} is not described", collection.collection);
            }
        }
    }
}
