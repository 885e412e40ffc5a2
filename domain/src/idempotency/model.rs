//! The stored record of a key.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ids::AccountId;

pub(super) const COLLECTION: &str = "idempotency_keys";

/// The longest key a client may choose.
pub const MAX_KEY_CHARS: usize = 64;

/// The declared indexes. No TTL: a key lost early could repeat an effect, so the cleanup job removes records, and
/// only after twice the promised day.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A request that was carried out, with its answer, by the key its client chose. Written in \
        the transaction of the effect.",
    kept: Kept::ByJob {
        job: "cleanup",
        after: "after 2 days, twice what clients are promised; never by TTL, whose clock is not ours: \
            a key lost early could repeat an effect",
    },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by key; unique by `_id` alone",
        beside: &[],
    },
    shape: Shape::of::<IdempotencyRecord>(),
    indexes: &[IndexSpec::new(
        "idempotency_keys_created",
        &[Key::Asc("created_at")],
        "the cleanup job removes records after their retention",
    )],
};

/// A request with a key, scoped to its account and operation.
#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    account_id: AccountId,
    operation: &'static str,
    key: String,
    pub(super) hash: String,
}

impl IdempotentRequest {
    /// Hashes the request's content (everything that changes the effect, as JSON). `None` when the key is empty or
    /// longer than [`MAX_KEY_CHARS`].
    #[must_use]
    pub fn new(
        account_id: AccountId,
        operation: &'static str,
        key: &str,
        content: &serde_json::Value,
    ) -> Option<Self> {
        let chars = key.chars().count();
        (1..=MAX_KEY_CHARS).contains(&chars).then(|| Self {
            account_id,
            operation,
            key: key.to_owned(),
            hash: hex::encode(Sha256::digest(content.to_string())),
        })
    }

    pub(super) fn record_id(&self) -> String {
        format!("{}:{}:{}", self.account_id, self.operation, self.key)
    }
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// Never seen.
    New,
    /// Done before, with this answer.
    Done(Document),
    /// The key was used for a request with another content.
    KeyReused,
}

/// The stored record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct IdempotencyRecord {
    /// `account:operation:key`.
    #[serde(rename = "_id")]
    pub id: String,
    /// SHA-256 of the request's content, hex.
    pub request_hash: String,
    /// What was answered (ids; the objects are read again on replay).
    #[schemars(schema_with = "daraa_platform::mongo::shape::document_field")]
    pub answer: Document,
    /// When the effect happened.
    pub created_at: Timestamp,
}
