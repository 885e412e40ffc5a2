//! Declared indexes and validators: each model lists its own; this module compares them with the database and applies
//! them.
//!
//! A starting production server never builds an index: it refuses to serve on drift.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{ValidationAction, ValidationLevel};
use serde::Serialize;

use super::shape::Shape;
use super::{DbError, Mongo};

/// Building an index may take long on a large collection.
const APPLY_DEADLINE: Duration = Duration::from_secs(3_600);
/// Reading the list of indexes is quick.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// One field of an index key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Key {
    /// Ascending.
    Asc(&'static str),
    /// Descending.
    Desc(&'static str),
    /// Points and areas on the sphere.
    Geo(&'static str),
}

impl Key {
    /// The field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Asc(field) | Self::Desc(field) | Self::Geo(field) => field,
        }
    }
}

/// One declared index. Its name is part of the contract: unique-index names are mapped to errors.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct IndexSpec {
    /// The name, unique within the collection.
    pub name: &'static str,
    /// The key, in order equality – sort – range.
    pub keys: &'static [Key],
    /// Which query it serves, or which rule it keeps.
    pub serves: &'static str,
    /// Refuses a second document with the same key.
    pub unique: bool,
    /// Leaves out documents without the field.
    pub sparse: bool,
    /// Documents expire this many seconds after the indexed date.
    pub ttl_secs: Option<i64>,
    /// Only documents that match `field == value` (for several: all of them).
    pub partial: &'static [(&'static str, PartialValue)],
}

/// What a partial index asks of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PartialValue {
    /// Equal to this text.
    Text(&'static str),
    /// Equal to this flag.
    Flag(bool),
    /// One of these texts. MongoDB 6.0 and later.
    OneOf(&'static [&'static str]),
    /// Present.
    Exists,
}

impl IndexSpec {
    /// A plain index.
    #[must_use]
    pub const fn new(name: &'static str, keys: &'static [Key], serves: &'static str) -> Self {
        Self { name, keys, serves, unique: false, sparse: false, ttl_secs: None, partial: &[] }
    }

    /// Makes it unique.
    #[must_use]
    pub const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// Makes it sparse.
    #[must_use]
    pub const fn sparse(self) -> Self {
        Self { sparse: true, ..self }
    }

    /// Makes it a TTL index.
    #[must_use]
    pub const fn ttl(self, secs: i64) -> Self {
        Self { ttl_secs: Some(secs), ..self }
    }

    /// Makes it partial.
    #[must_use]
    pub const fn partial(self, conditions: &'static [(&'static str, PartialValue)]) -> Self {
        Self { partial: conditions, ..self }
    }

    /// The key as the database knows it.
    #[must_use]
    pub fn key_document(&self) -> Document {
        let mut out = Document::new();
        for key in self.keys {
            match key {
                Key::Asc(field) => out.insert(*field, 1),
                Key::Desc(field) => out.insert(*field, -1),
                Key::Geo(field) => out.insert(*field, "2dsphere"),
            };
        }
        out
    }

    /// Whether every query this index serves is served by `other` as well: its keys are the first ones of the other,
    /// walked the same way (or all the other way), over the same documents. What an index keeps by its rule, that it is
    /// unique or forgets, is not looked at.
    #[must_use]
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        let same_documents = self.sparse == other.sparse && self.partial == other.partial;
        let pairs = || self.keys.iter().zip(other.keys);
        let turned = |(mine, theirs): (&Key, &Key)| match (*mine, *theirs) {
            (Key::Asc(a), Key::Desc(b)) | (Key::Desc(a), Key::Asc(b)) => a == b,
            _ => false,
        };
        same_documents
            && self.keys.len() <= other.keys.len()
            && (pairs().all(|(mine, theirs)| mine == theirs) || pairs().all(turned))
    }

    fn partial_document(&self) -> Option<Document> {
        if self.partial.is_empty() {
            return None;
        }
        let mut out = Document::new();
        for (field, value) in self.partial {
            match value {
                PartialValue::Text(text) => out.insert(*field, *text),
                PartialValue::Flag(flag) => out.insert(*field, *flag),
                PartialValue::OneOf(texts) => out.insert(*field, doc! { "$in": texts.to_vec() }),
                PartialValue::Exists => out.insert(*field, doc! { "$exists": true }),
            };
        }
        Some(out)
    }

    /// The whole definition as `createIndexes` takes it.
    #[must_use]
    pub fn definition(&self) -> Document {
        let mut out = doc! { "key": self.key_document(), "name": self.name };
        if self.unique {
            out.insert("unique", true);
        }
        if self.sparse {
            out.insert("sparse", true);
        }
        if let Some(secs) = self.ttl_secs {
            out.insert("expireAfterSeconds", secs);
        }
        if let Some(filter) = self.partial_document() {
            out.insert("partialFilterExpression", filter);
        }
        out
    }
}

/// How long documents stay, and who removes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kept {
    /// Nobody removes them; why.
    ForGood(&'static str),
    /// The database removes them by a TTL index, by its own clock: how long they stay. Only where losing one early is
    /// harmless.
    ByTtl(&'static str),
    /// A scheduled job removes them, by the platform's clock.
    ByJob {
        /// The job's name.
        job: &'static str,
        /// What is removed, and when.
        after: &'static str,
    },
    /// Whoever works with them removes them; when.
    ByUse(&'static str),
}

/// One field of a shard key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ShardField {
    /// Neighbouring values lie together.
    Range(&'static str),
    /// Values are spread by their hash.
    Hashed(&'static str),
}

impl ShardField {
    /// The field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range(field) | Self::Hashed(field) => field,
        }
    }
}

/// A unique index that the shards could not keep, and what keeps its rule instead. The index itself has to become a
/// plain one before the collection is sharded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeptBeside {
    /// The unique index.
    pub index: &'static str,
    /// What keeps the rule.
    pub by: &'static str,
}

/// Where documents would lie on a sharded cluster. Nothing is sharded by it today: it is the answer to "by what?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ShardKey {
    /// Spread over the shards.
    By {
        /// The key.
        keys: &'static [ShardField],
        /// Which hot paths name it, and what asking without it costs.
        why: &'static str,
        /// Unique indexes that do not begin with it.
        beside: &'static [KeptBeside],
    },
    /// The collection stays whole on one shard; why it may.
    Whole(&'static str),
}

/// One collection as it is declared: its name, what it is for, the shape of its documents, its indexes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CollectionIndexes {
    /// The collection.
    pub collection: &'static str,
    /// What a document is.
    pub about: &'static str,
    /// How long documents stay.
    pub kept: Kept,
    /// Where they would lie on a sharded cluster.
    pub shard_key: ShardKey,
    /// What they look like.
    #[serde(skip)]
    pub shape: Shape,
    /// Its indexes, without `_id_`.
    pub indexes: &'static [IndexSpec],
}

impl CollectionIndexes {
    /// What the shard key breaks: unique indexes that shards could not keep and nothing else does, exceptions nobody
    /// needs. A shard sees its own documents only, so an index is unique in the whole when it begins with the key; a
    /// hashed field counts like a plain one, for equal values lie together.
    #[must_use]
    pub fn broken_by_shard_key(&self) -> Vec<String> {
        let ShardKey::By { keys, beside, .. } = self.shard_key else { return Vec::new() };
        let kept = |spec: &IndexSpec| {
            keys.len() <= spec.keys.len()
                && keys.iter().zip(spec.keys).all(|(part, key)| part.name() == key.field())
        };
        let excused = |name: &str| beside.iter().any(|each| each.index == name);
        let lost: Vec<&str> =
            self.indexes.iter().filter(|spec| spec.unique && !kept(spec)).map(|spec| spec.name).collect();
        let broken =
            lost.iter().filter(|name| !excused(name)).map(|name| format!("{name} would not be unique"));
        let idle = beside
            .iter()
            .filter(|each| !lost.contains(&each.index))
            .map(|each| format!("{} needs no exception", each.index));
        broken.chain(idle).collect()
    }

    /// Whether an index found in the database is the one a sharded collection has for its key.
    fn is_shard_key_index(&self, found: &Document) -> bool {
        let ShardKey::By { keys, .. } = self.shard_key else { return false };
        let key: Document = keys
            .iter()
            .map(|part| match part {
                ShardField::Range(field) => ((*field).to_owned(), Bson::Int32(1)),
                ShardField::Hashed(field) => ((*field).to_owned(), Bson::from("hashed")),
            })
            .collect();
        comparable(found) == comparable(&doc! { "key": key })
    }
}

/// One difference between what is declared and what the database has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "drift", rename_all = "snake_case")]
pub enum Drift {
    /// Declared, but not there.
    Missing {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
    },
    /// There, but not declared.
    Extra {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
    },
    /// There under the same name with another definition.
    Different {
        /// The collection.
        collection: String,
        /// The index.
        index: String,
        /// As declared, JSON.
        declared: String,
        /// As found, JSON.
        found: String,
    },
    /// The collection takes documents of another shape than declared.
    Validator {
        /// The collection.
        collection: String,
    },
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { collection, index } => write!(f, "missing {collection}.{index}"),
            Self::Extra { collection, index } => write!(f, "extra {collection}.{index}"),
            Self::Different { collection, index, declared, found } => {
                write!(f, "different {collection}.{index}: declared {declared}, found {found}")
            }
            Self::Validator { collection } => write!(f, "validator of {collection} differs"),
        }
    }
}

/// Compares the database with the declaration.
///
/// # Errors
/// Database failure.
pub async fn diff(mongo: &Mongo, declared: &[CollectionIndexes]) -> Result<Vec<Drift>, DbError> {
    let work = async {
        let mut drifts = Vec::new();
        let validators = found_validators(mongo).await?;
        for collection in declared {
            // One that is not there at all shows by its missing indexes.
            if validators
                .get(collection.collection)
                .is_some_and(|found| !found.enforces(&collection.shape.validator()))
            {
                drifts.push(Drift::Validator { collection: collection.collection.to_owned() });
            }
            let mut found = found_indexes(mongo, collection.collection).await?;
            for spec in collection.indexes {
                match found.remove(spec.name) {
                    None => drifts.push(Drift::Missing {
                        collection: collection.collection.to_owned(),
                        index: spec.name.to_owned(),
                    }),
                    Some(actual) => {
                        let (want, have) = (comparable(&spec.definition()), comparable(&actual));
                        if want != have {
                            drifts.push(Drift::Different {
                                collection: collection.collection.to_owned(),
                                index: spec.name.to_owned(),
                                declared: want,
                                found: have,
                            });
                        }
                    }
                }
            }
            drifts.extend(
                found
                    .into_iter()
                    // A sharded collection cannot be without the index of its key.
                    .filter(|(name, found)| name != "_id_" && !collection.is_shard_key_index(found))
                    .map(|(index, _)| Drift::Extra { collection: collection.collection.to_owned(), index }),
            );
        }
        Ok(drifts)
    };
    tokio::time::timeout(READ_DEADLINE, work)
        .await
        .map_err(|_| DbError::Deadline { op: "db.indexes.diff" })?
}

/// Creates the missing collections and indexes and sets the validators; says which. Never drops or rebuilds: that is a
/// migration.
/// `progress` is told each collection before its indexes are built.
///
/// # Errors
/// Database failure; [`DbError::OtherIndex`] when an index with the same name and another definition exists: then
/// nothing was written.
pub async fn apply(
    mongo: &Mongo,
    declared: &[CollectionIndexes],
    progress: impl Fn(&str),
) -> Result<Vec<String>, DbError> {
    let other =
        diff(mongo, declared).await?.into_iter().find(|drift| matches!(drift, Drift::Different { .. }));
    if let Some(other) = other {
        return Err(DbError::OtherIndex { what: other.to_string() });
    }
    let validators = within_db(found_validators(mongo)).await?;
    let mut made = Vec::new();
    for collection in declared {
        progress(collection.collection);
        let validator = collection.shape.validator();
        match validators.get(collection.collection) {
            Some(found) if found.enforces(&validator) => {}
            known => {
                // Collections are created ahead: a transaction must not have to create one.
                let verb = if known.is_some() { "collMod" } else { "create" };
                let command = doc! {
                    verb: collection.collection,
                    "validator": validator,
                    "validationLevel": "strict",
                    "validationAction": "error",
                };
                within(mongo.db().run_command(command).into_future()).await?;
                made.push(format!("validator of {}", collection.collection));
            }
        }
        let found = within_db(found_indexes(mongo, collection.collection)).await?;
        let missing: Vec<&IndexSpec> =
            collection.indexes.iter().filter(|spec| !found.contains_key(spec.name)).collect();
        if missing.is_empty() {
            continue;
        }
        let definitions: Vec<Document> = missing.iter().map(|spec| spec.definition()).collect();
        let command = doc! { "createIndexes": collection.collection, "indexes": definitions };
        within(mongo.db().run_command(command).into_future()).await?;
        made.extend(missing.iter().map(|spec| format!("{}.{}", collection.collection, spec.name)));
    }
    Ok(made)
}

/// Drops an index; one that is not there any more is a success. For migrations only.
///
/// # Errors
/// Database failure.
pub async fn drop_if_there(mongo: &Mongo, collection: &str, name: &str) -> Result<(), DbError> {
    let rows = mongo.db().collection::<Document>(collection);
    match within(rows.drop_index(name).into_future()).await {
        Err(DbError::Driver(e)) if is_namespace_not_found(&e) || is_index_not_found(&e) => Ok(()),
        other => other,
    }
}

async fn within<T>(work: impl Future<Output = mongodb::error::Result<T>>) -> Result<T, DbError> {
    Ok(tokio::time::timeout(APPLY_DEADLINE, work)
        .await
        .map_err(|_| DbError::Deadline { op: "db.indexes.apply" })??)
}

async fn within_db<T>(work: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    tokio::time::timeout(READ_DEADLINE, work)
        .await
        .map_err(|_| DbError::Deadline { op: "db.indexes.read" })?
}

/// What a collection asks of its documents.
struct FoundValidator {
    validator: Document,
    /// Strict, and refusing: not switched off, not only warning.
    in_force: bool,
}

impl FoundValidator {
    fn enforces(&self, declared: &Document) -> bool {
        self.validator == *declared && (self.in_force || declared.is_empty())
    }
}

/// The validator of every collection there is; an empty one where it has none.
async fn found_validators(mongo: &Mongo) -> Result<BTreeMap<String, FoundValidator>, DbError> {
    let rows: Vec<_> = mongo.db().list_collections().await?.try_collect().await?;
    let found = rows.into_iter().map(|row| {
        let options = row.options;
        // What is not said is strict, and an error.
        let in_force = matches!(options.validation_level, None | Some(ValidationLevel::Strict))
            && matches!(options.validation_action, None | Some(ValidationAction::Error));
        (row.name, FoundValidator { validator: options.validator.unwrap_or_default(), in_force })
    });
    Ok(found.collect())
}

async fn found_indexes(mongo: &Mongo, collection: &str) -> Result<BTreeMap<String, Document>, DbError> {
    // Asked by command, not by the driver's typed list: unknown options must show up as a difference.
    let cursor = mongo.db().run_cursor_command(doc! { "listIndexes": collection }).await;
    let rows: Vec<Document> = match cursor {
        Ok(cursor) => cursor.try_collect().await?,
        Err(e) if is_namespace_not_found(&e) => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| row.get_str("name").ok().map(str::to_owned).map(|name| (name, row)))
        .collect())
}

fn is_namespace_not_found(e: &mongodb::error::Error) -> bool {
    matches!(&*e.kind, mongodb::error::ErrorKind::Command(c) if c.code == 26)
}

fn is_index_not_found(e: &mongodb::error::Error) -> bool {
    matches!(&*e.kind, mongodb::error::ErrorKind::Command(c) if c.code == 27)
}

/// What the server writes into a definition by itself: the version of its format and of its geographic keys, the place
/// it lies in, and how it was built. The name is what the two were matched by.
const NOT_COMPARED: &[&str] = &["v", "name", "ns", "2dsphereIndexVersion", "background"];

/// A definition as two of them are compared: every option counts, also those we never declare (hidden, a collation),
/// in any order, numbers made equal in type.
fn comparable(definition: &Document) -> String {
    let options: BTreeMap<&String, Bson> = definition
        .iter()
        .filter(|(option, _)| !NOT_COMPARED.contains(&option.as_str()))
        .map(|(option, value)| (option, plain(value)))
        .collect();
    let out: Document = options.into_iter().map(|(option, value)| (option.clone(), value)).collect();
    Bson::Document(out).to_string()
}

fn plain(value: &Bson) -> Bson {
    match value {
        Bson::Int32(n) => Bson::Int64(i64::from(*n)),
        #[expect(clippy::cast_possible_truncation, reason = "index options are small whole numbers")]
        Bson::Double(n) => Bson::Int64(*n as i64),
        Bson::Document(d) => Bson::Document(d.iter().map(|(k, v)| (k.clone(), plain(v))).collect()),
        Bson::Array(a) => Bson::Array(a.iter().map(plain).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: IndexSpec = IndexSpec::new("plain", &[Key::Asc("a")], "");
    const LONGER: IndexSpec = IndexSpec::new("longer", &[Key::Asc("a"), Key::Desc("b")], "");

    #[test]
    fn an_index_whose_keys_begin_another_is_its_prefix() {
        assert!(PLAIN.is_prefix_of(&LONGER));
        assert!(!LONGER.is_prefix_of(&PLAIN));
        // An index is walked either way, but all of it.
        let turned = IndexSpec::new("turned", &[Key::Desc("a"), Key::Asc("b"), Key::Asc("c")], "");
        assert!(LONGER.is_prefix_of(&turned));
        let half_turned = IndexSpec::new("half_turned", &[Key::Asc("a"), Key::Asc("b")], "");
        assert!(!LONGER.is_prefix_of(&half_turned));
        // Other documents, another index.
        assert!(!PLAIN.is_prefix_of(&LONGER.sparse()));
        assert!(!PLAIN.is_prefix_of(&LONGER.partial(&[("open", PartialValue::Flag(true))])));
    }

    #[test]
    fn a_unique_index_has_to_begin_with_the_shard_key_or_to_be_excused() {
        let broken = |keys: &'static [ShardField], beside: &'static [KeptBeside]| {
            const INDEXES: &[IndexSpec] = &[PLAIN, LONGER.unique()];
            let shard_key = ShardKey::By { keys, why: "", beside };
            let (about, kept, shape) = ("", Kept::ForGood(""), Shape::ANY);
            CollectionIndexes { collection: "rows", about, kept, shard_key, shape, indexes: INDEXES }
                .broken_by_shard_key()
        };
        assert!(broken(&[ShardField::Hashed("a")], &[]).is_empty());
        assert!(broken(&[ShardField::Hashed("a"), ShardField::Range("b")], &[]).is_empty());
        assert_eq!(broken(&[ShardField::Range("b")], &[]), ["longer would not be unique"]);
        assert_eq!(broken(&[ShardField::Hashed("_id")], &[]), ["longer would not be unique"]);
        let beside = &[KeptBeside { index: "longer", by: "something else" }];
        assert!(broken(&[ShardField::Hashed("_id")], beside).is_empty());
        assert_eq!(broken(&[ShardField::Hashed("a")], beside), ["longer needs no exception"]);
    }
}
