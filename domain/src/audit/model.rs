//! The stored entries, the seals over them, and the entries still waiting for a seal.

use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::ids::AuditId;

pub(super) const COLLECTION: &str = "audit_log";
pub(super) const SEALS: &str = "audit_seals";
pub(super) const PENDING: &str = "audit_pending";

/// The declared indexes of the entries.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A privileged act or security event: who did what to what, when.",
    kept: Kept::ByJob {
        job: "archive",
        after: "after 365 days, into files that were read back and compared; the seals stay",
    },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "written all the time and evenly spread so; sealing and archiving go by `_id`. The lists \
            of ops ask every shard",
        beside: &[],
    },
    shape: Shape::of::<AuditEntry>(),
    indexes: &[
        IndexSpec::new(
            "audit_log_at",
            &[Key::Desc("at"), Key::Desc("_id")],
            "ops read the newest entries; the archive takes the oldest",
        ),
        IndexSpec::new(
            "audit_log_actor",
            &[Key::Asc("actor"), Key::Desc("at"), Key::Desc("_id")],
            "what one person did",
        ),
        IndexSpec::new(
            "audit_log_subject",
            &[Key::Asc("subject"), Key::Desc("at"), Key::Desc("_id")],
            "what was done to one object",
        ),
        IndexSpec::new(
            "audit_log_action",
            &[Key::Asc("action"), Key::Desc("at"), Key::Desc("_id")],
            "every act of one kind",
        ),
        IndexSpec::new(
            "audit_log_archived",
            &[Key::Desc("details.until")],
            "until which seal the log is archived",
        )
        .partial(&[("action", PartialValue::Text(ARCHIVE_ACTION))]),
    ],
};

/// The declared indexes of the seals.
pub const SEAL_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: SEALS,
    about: "A link of the audit chain: the hash over some entries and over the link before.",
    kept: Kept::ForGood("without its links the chain proves nothing"),
    shard_key: ShardKey::Whole(
        "one row for hundreds of entries, written in sequence by one process; \
        no entry may be sealed twice, which another key could not keep",
    ),
    shape: Shape::of::<AuditSeal>(),
    indexes: &[IndexSpec::new(
        "audit_seals_entry",
        &[Key::Asc("entries")],
        "the seal over an entry; no entry is sealed twice",
    )
    .unique()],
};

/// The waiting entries are read by `_id` only.
pub const PENDING_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: PENDING,
    about: "An audit entry that no seal covers yet.",
    kept: Kept::ByUse("removed when the entry is sealed, within seconds"),
    shard_key: ShardKey::Whole("a queue that is read in the order of its ids and mostly empty"),
    shape: Shape::of::<PendingEntry>(),
    indexes: &[],
};

/// An act to be recorded.
#[derive(Debug, Clone)]
pub struct NewAudit<'a> {
    /// Who acted.
    pub actor: &'a Actor,
    /// `room.verb`, e.g. `store.approve`.
    pub action: &'static str,
    /// The prefixed id of what was acted on.
    pub subject: String,
    /// What a reader needs to understand the act; no personal data beyond ids.
    pub details: Document,
}

/// A recorded act. Never changed, never deleted outside the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// The id; sorts by time.
    #[serde(rename = "_id")]
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor::label`] says it.
    pub actor: String,
    /// `room.verb`.
    pub action: String,
    /// What was acted on.
    pub subject: String,
    /// What a reader needs to understand the act.
    #[schemars(schema_with = "daraa_platform::mongo::shape::document_field")]
    pub details: Document,
}

impl AuditEntry {
    /// The details as a JSON object.
    #[must_use]
    pub fn details_json(&self) -> String {
        serde_json::to_string(&self.details).unwrap_or_default()
    }
}

/// The row that says an entry is not sealed yet.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct PendingEntry {
    /// The entry.
    #[serde(rename = "_id")]
    pub(super) id: AuditId,
    /// When it was made.
    pub(super) at: Timestamp,
}

/// One link of the chain: it fixes the content and order of some entries and of everything before them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditSeal {
    /// 1, 2, 3, … without a gap.
    #[serde(rename = "_id")]
    pub sequence: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The entries it covers, in order.
    pub entries: Vec<AuditId>,
    /// The hash of the seal before, hex; empty for the first.
    pub previous: String,
    /// HMAC-SHA256 over all of the above and the contents of the entries, hex.
    pub hash: String,
}

/// The action of the entries that say until which seal the log is archived.
pub(super) const ARCHIVE_ACTION: &str = "audit.archive";

/// The entries of one seal, on their way to the archive.
#[derive(Debug, Clone)]
pub struct ArchiveBatch {
    /// The seal over them; it stays in the database.
    pub seal: AuditSeal,
    /// The entries as they are stored, in order.
    pub entries: Vec<Document>,
}

/// Which entries to list; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who, as [`Actor::label`] says it.
    pub actor: Option<String>,
    /// `room.verb`.
    pub action: Option<String>,
    /// The prefixed id of what was acted on.
    pub subject: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

/// What a sealing run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealReport {
    /// Seals written.
    pub seals: u64,
    /// Entries covered by them.
    pub entries: u64,
}

/// What does not fit in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tampering {
    /// The chain lacks this seal.
    SealMissing {
        /// Its sequence.
        sequence: i64,
    },
    /// A seal's hash is not what its content says: the seal or one of its entries was altered.
    SealBroken {
        /// Its sequence.
        sequence: i64,
    },
    /// A seal covers an entry that is gone.
    EntryMissing {
        /// The seal.
        sequence: i64,
        /// The entry.
        id: AuditId,
    },
    /// An entry that neither waits for a seal nor has one: it was slipped in.
    EntryUnsealed {
        /// The entry.
        id: AuditId,
    },
    /// An entry waits for its seal, but is gone.
    PendingMissing {
        /// The entry.
        id: AuditId,
    },
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Seals walked.
    pub seals: u64,
    /// Entries whose content was compared.
    pub entries: u64,
    /// Entries not sealed yet.
    pub pending: u64,
    /// The hash of the last seal, hex: noted elsewhere it also proves that the end was not cut off.
    pub head: String,
    /// What does not fit; empty when all is well. At most the first 100.
    pub tampering: Vec<Tampering>,
}

/// How many findings a report lists.
pub(super) const MAX_FINDINGS: usize = 100;

impl VerifyReport {
    pub(super) fn find(&mut self, what: Tampering) {
        if self.tampering.len() < MAX_FINDINGS {
            self.tampering.push(what);
        }
    }

    /// Whether all is well.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.tampering.is_empty()
    }
}
