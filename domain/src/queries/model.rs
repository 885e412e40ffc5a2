//! The list of shapes, the size of the data, and what an explanation says.

use daraa_platform::mongo::DbError;
use daraa_platform::mongo::record::QueryShape;
use serde::Serialize;

/// Every shape the code can issue.
///
/// # Errors
/// The committed list cannot be read: a defect.
pub fn all() -> Result<Vec<QueryShape>, serde_json::Error> {
    serde_json::from_str(include_str!("../queries.json"))
}

/// How many documents each collection gets at scale 1: a city after a few months.
const DOCUMENTS: &[(&str, u64)] = &[
    ("accounts", 20_000),
    ("addresses", 20_000),
    ("archives", 1_000),
    ("audit_pending", 1_000),
    ("audit_seals", 10_000),
    ("commissions", 100_000),
    ("couriers", 20_000),
    ("deliveries", 100_000),
    ("dispatch_shards", 1),
    ("job_controls", 4),
    ("job_leases", 10),
    ("job_runs", 10_000),
    ("ledger_entries", 1_000_000),
    ("ledger_transactions", 200_000),
    ("maintenance_reports", 10),
    ("order_groups", 100_000),
    ("orders", 100_000),
    ("payments", 100_000),
    ("platform_settings", 1),
    ("products", 50_000),
    ("store_categories", 100),
    ("stores", 500),
    ("wallet_transactions", 200_000),
];
/// Documents of every other collection.
const OTHERS: u64 = 50_000;
/// However small the scale, an index is only chosen where reading everything would cost more.
const LEAST: u64 = 200;

/// A share of the full size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale(pub f64);

impl Scale {
    /// How many documents the collection gets.
    #[must_use]
    pub fn documents(self, collection: &str) -> u64 {
        let full = DOCUMENTS.iter().find(|(name, _)| *name == collection).map_or(OTHERS, |(_, n)| *n);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "millions at most"
        )]
        let scaled = (full as f64 * self.0).ceil() as u64;
        scaled.max(LEAST.min(full))
    }
}

/// What the database says about one query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The operation.
    pub op: String,
    /// The collection.
    pub collection: String,
    /// The shape of the filter.
    pub filter: String,
    /// The order.
    pub sort: String,
    /// The indexes used; empty for a walk through the collection.
    pub indexes: Vec<String>,
    /// Keys looked at.
    pub keys: i64,
    /// Documents looked at.
    pub documents: i64,
    /// Documents found.
    pub found: i64,
    /// Whether it sorts in memory.
    pub sorts: bool,
    /// Milliseconds.
    pub millis: i64,
    /// Why it is a breach; `None` when it is not.
    pub breach: Option<String>,
    /// Why it may be as it is, where that is said beforehand.
    pub excused: Option<&'static str>,
}

/// Why a check came to no end.
#[derive(Debug, thiserror::Error)]
pub enum QueriesError {
    /// The committed list.
    #[error("queries.json: {0}")]
    List(#[from] serde_json::Error),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A shape for which no values could be made.
    #[error("{op}: no values can be made for {filter}")]
    Unfillable {
        /// The operation.
        op: String,
        /// The filter.
        filter: String,
    },
}

/// Of a search by area.
const BY_AREA: &str =
    "an area is kept as the cells that cover it: a place near its edge meets a cell and not the area";

/// What may be as it is, by operation, and why.
pub(super) const EXCUSED: &[(&str, &str)] = &[
    ("db.courier.finishing", "couriers who are off and still carry something: a handful, and all are wanted"),
    ("db.job.run_abandon", "a job has one run in progress; a second one is what this ends"),
    ("db.ledger.incomplete", "the nightly check counts every entry"),
    ("db.ledger.unbalanced", "the nightly check adds every entry up"),
    ("db.ledger.wrong_balances", "the nightly check adds every entry up"),
    ("db.ledger.wrong_wallets", "the nightly check adds every entry up"),
    ("db.store.count_serving", BY_AREA),
    ("db.store.serving", BY_AREA),
    ("db.store.near", "a search by distance walks outward over cells, a bounded batch at a time"),
];
