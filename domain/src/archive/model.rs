//! The index of the archive.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const COLLECTION: &str = "archives";

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A file of archived audit entries: where it is, what it holds, its checksum.",
    kept: Kept::ForGood("the only index of the files"),
    shard_key: ShardKey::Whole("one small row a file"),
    shape: Shape::of::<Archive>(),
    indexes: &[IndexSpec::new(
        "archives_newest",
        &[Key::Desc("to"), Key::Desc("_id"), Key::Asc("from")],
        "a search walks the files whose time range overlaps, newest first",
    )],
};

/// One file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Archive {
    /// The file's name.
    #[serde(rename = "_id")]
    pub name: String,
    /// The audit seal its entries are under.
    pub seal: i64,
    /// How many entries.
    pub entries: i64,
    /// When the oldest entry was made.
    pub from: Timestamp,
    /// When the newest entry was made.
    pub to: Timestamp,
    /// The size of the file, in bytes.
    pub bytes: i64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// When the file was read back and compared with the database.
    pub verified_at: Timestamp,
    /// When the entries left the database; `None` while they are in both.
    pub moved_at: Option<Timestamp>,
}

/// What a run moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Files written.
    pub files: i64,
    /// Entries in them.
    pub entries: i64,
    /// Their size, in bytes.
    pub bytes: i64,
}

/// Which archived entries are looked for; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Who acted, as a label.
    pub actor: Option<String>,
    /// `room.verb`.
    pub action: Option<String>,
    /// What was acted on.
    pub subject: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}
