//! What the database can answer instead of a result.

use mongodb::error::{ErrorKind, WriteFailure};

/// A failed database operation.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique index refused the write; rooms map the index name to an error of their own.
    #[error("duplicate key on index {index}")]
    Duplicate {
        /// The name of the index.
        index: String,
    },
    /// The operation's own deadline passed.
    #[error("{op} passed its deadline")]
    Deadline {
        /// Which operation.
        op: &'static str,
    },
    /// The connection string cannot be read.
    #[error("connection string: {problem}")]
    Address {
        /// What is wrong with it.
        problem: String,
    },
    /// A newer version migrated the database: this program knows less of it than is needed to write to it.
    #[error("the database was migrated to {found}, this program knows migrations up to {known}")]
    Newer {
        /// The newest migration the database has.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// An index with the declared name and another definition exists.
    #[error("{what}")]
    OtherIndex {
        /// Which, and how they differ.
        what: String,
    },
    /// Migrations are at work in another process.
    #[error("another process holds the lock of the migrations")]
    Locked,
    /// Anything else the driver said. Shown without the server's reply, and not as a source: both hold values of
    /// documents.
    #[error("database: {}", said(.0))]
    Driver(Box<mongodb::error::Error>),
}

/// What the driver says, without values: of an answer of the server its code, of a failed write not the document.
fn said(e: &mongodb::error::Error) -> String {
    match &*e.kind {
        ErrorKind::Command(c) => format!("{} ({}): {}", c.code_name, c.code, without_values(&c.message)),
        ErrorKind::Write(WriteFailure::WriteError(w)) => {
            format!("write refused ({}): {}", w.code, without_values(&w.message))
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(w)) => {
            format!("{} ({}): {}", w.code_name, w.code, without_values(&w.message))
        }
        ErrorKind::InsertMany(many) => {
            let codes: Vec<i32> = many.write_errors.iter().flatten().map(|w| w.code).collect();
            format!("{} inserts refused, codes {codes:?}", codes.len())
        }
        ErrorKind::BulkWrite(bulk) => {
            let codes: Vec<i32> = bulk.write_errors.values().map(|w| w.code).collect();
            format!("{} writes refused, codes {codes:?}", codes.len())
        }
        other => other.to_string(),
    }
}

/// The server names the values of a duplicate key behind these words.
const VALUES_FOLLOW: &str = " dup key:";

fn without_values(message: &str) -> &str {
    message.split(VALUES_FOLLOW).next().unwrap_or_default()
}

const WRITE_CONFLICT: i32 = 112;
const DUPLICATE_KEY: i32 = 11_000;
const TIME_LIMIT: i32 = 50;
pub(super) const UNAUTHORIZED: i32 = 13;
pub(super) const AUTHENTICATION_FAILED: i32 = 18;

impl From<mongodb::error::Error> for DbError {
    fn from(e: mongodb::error::Error) -> Self {
        duplicate_index(&e).map_or_else(|| Self::Driver(Box::new(e)), |index| Self::Duplicate { index })
    }
}

impl From<mongodb::bson::error::Error> for DbError {
    fn from(e: mongodb::bson::error::Error) -> Self {
        Self::Driver(Box::new(mongodb::error::Error::custom(e)))
    }
}

impl DbError {
    /// The name of the unique index that refused the write.
    #[must_use]
    pub fn duplicate_index(&self) -> Option<&str> {
        match self {
            Self::Duplicate { index } => Some(index),
            _ => None,
        }
    }

    /// Whether the transaction may simply be run again.
    #[must_use]
    pub fn transient(&self) -> bool {
        match self {
            Self::Driver(e) => e.contains_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR),
            _ => false,
        }
    }

    /// Whether the commit may or may not have happened; committing again is safe.
    #[must_use]
    pub fn unknown_commit(&self) -> bool {
        match self {
            Self::Driver(e) => e.contains_label(mongodb::error::UNKNOWN_TRANSACTION_COMMIT_RESULT),
            Self::Deadline { .. } => true,
            Self::Duplicate { .. }
            | Self::Newer { .. }
            | Self::Address { .. }
            | Self::OtherIndex { .. }
            | Self::Locked => false,
        }
    }

    /// Whether two writers met and this one lost.
    #[must_use]
    pub fn write_conflict(&self) -> bool {
        matches!(self, Self::Driver(e) if matches!(&*e.kind, ErrorKind::Command(c) if c.code == WRITE_CONFLICT))
            || self.transient()
    }

    /// Whether a place in the history of changes is no longer known, so that changes were missed.
    #[must_use]
    pub fn history_lost(&self) -> bool {
        matches!(self, Self::Driver(e) if matches!(&*e.kind, ErrorKind::Command(c) if HISTORY_LOST.contains(&c.code)))
    }

    /// Whether the database is away or too slow, so that asking again later may help.
    #[must_use]
    pub fn unavailable(&self) -> bool {
        match self {
            Self::Deadline { .. } => true,
            Self::Driver(e) => {
                e.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR)
                    || matches!(
                        &*e.kind,
                        ErrorKind::Io(_)
                            | ErrorKind::ServerSelection { .. }
                            | ErrorKind::ConnectionPoolCleared { .. }
                            | ErrorKind::DnsResolve { .. }
                    )
                    || no_primary(e)
            }
            Self::Duplicate { .. }
            | Self::Newer { .. }
            | Self::Address { .. }
            | Self::OtherIndex { .. }
            | Self::Locked => false,
        }
    }
}

/// Whether a member said that it is no primary now.
pub(super) fn no_primary(e: &mongodb::error::Error) -> bool {
    matches!(&*e.kind, ErrorKind::Command(c) if NOT_PRIMARY_OR_RECOVERING.contains(&c.code))
}

/// CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost.
const HISTORY_LOST: &[i32] = &[136, 260, 280, 286];

/// The kind of a failure of a command: one of few words, for a metric's label.
pub(super) fn reason(e: &mongodb::error::Error) -> &'static str {
    match &*e.kind {
        _ if no_primary(e) => "no_primary",
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => "network",
        ErrorKind::Authentication { .. } => "denied",
        ErrorKind::Command(c) => match c.code {
            WRITE_CONFLICT => "conflict",
            DUPLICATE_KEY => "duplicate",
            UNAUTHORIZED | AUTHENTICATION_FAILED => "denied",
            TIME_LIMIT => "time_limit",
            _ => "command",
        },
        _ => "other",
    }
}

/// Server codes that mean "no usable primary right now": not primary, recovering, shutting down, interrupted by a
/// step-down (the SDAM specification's), no majority yet (133, 134), the keys that sign cluster times not read yet
/// after all members were restarted (211), out of time (262).
const NOT_PRIMARY_OR_RECOVERING: &[i32] =
    &[91, 133, 134, 189, 211, 262, 10_107, 10_058, 11_600, 11_602, 13_435, 13_436];

fn duplicate_index(e: &mongodb::error::Error) -> Option<String> {
    let message = match &*e.kind {
        ErrorKind::Write(WriteFailure::WriteError(w)) if w.code == DUPLICATE_KEY => &w.message,
        ErrorKind::Command(c) if c.code == DUPLICATE_KEY => &c.message,
        ErrorKind::InsertMany(many) => {
            &many.write_errors.as_ref()?.iter().find(|w| w.code == DUPLICATE_KEY)?.message
        }
        ErrorKind::BulkWrite(bulk) => &bulk.write_errors.values().find(|w| w.code == DUPLICATE_KEY)?.message,
        _ => return None,
    };
    // "E11000 duplicate key error collection: daraa.orders index: orders_key_unique dup key: { … }"
    let after = message.split(" index: ").nth(1)?;
    after.split_whitespace().next().map(str::to_owned)
}
