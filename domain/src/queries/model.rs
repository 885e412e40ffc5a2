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

/// A declared index that serves nothing another one does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleIndex {
    /// The collection.
    pub collection: &'static str,
    /// The index.
    pub index: &'static str,
    /// What is wrong with it.
    pub breach: String,
    /// Why it may be there all the same, where that is said beforehand.
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

/// Of what is excused, what may also walk through its collection or sort in memory: sums over everything, and the order of a
/// handful.
pub(super) const WALKS_OR_SORTS: &[&str] = &[
    "db.courier.finishing",
    "db.ledger.incomplete",
    "db.ledger.unbalanced",
    "db.ledger.wrong_balances",
    "db.ledger.wrong_wallets",
];

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

/// Indexes that no query of the code uses, or that another one contains, and that are there all the same; by name, and
/// why.
pub(super) const EXCUSED_INDEXES: &[(&str, &str)] = &[
    ("addresses_point", "required (D3): addresses are searched by place"),
    ("commissions_courier_account", "required (D3): commissions by courier, for settlement by hand"),
    ("commissions_store_account", "required (D3) by its own name beside the longer one"),
    ("coupon_uses_account", "a person's data is exported and erased on request (S6), until then by hand"),
    (
        "delivery_courier_status",
        "a courier with thousands of deliveries has two under way; the made-up ones have a handful each",
    ),
    ("ledger_transactions_order", "a dispute begins with what was booked for the order, looked up by hand"),
    ("notifications_recipient_type", "required (D3): a person's notifications of one type"),
    ("notifications_type_priority", "required (D3): counts by type and priority"),
    ("quotes_account", "a person's data is exported and erased on request (S6), until then by hand"),
    ("reviews_account", "a person's data is exported and erased on request (S6), until then by hand"),
    ("stock_adjustments_variant", "what the remedy of wrong stock says is compared by hand"),
    ("wallet_transactions_account_created", "required (D3): a person's movements in all currencies"),
    ("wallet_transactions_created", "required (D3): all movements, newest first"),
    ("wallet_transactions_order", "required (D3): the movements of an order, looked up in a dispute"),
    (
        "wallet_transactions_type_status",
        "required (D3): movements by type and status, for reconciliation by hand",
    ),
];
