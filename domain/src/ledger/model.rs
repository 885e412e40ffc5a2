//! The stored books: transactions, entries, balances, commissions, earnings.

use std::fmt;
use std::str::FromStr;

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{
    AccountId, CommissionId, CourierId, EarningId, LedgerEntryId, LedgerTransactionId, OrderId, RefundId,
    StoreId,
};

pub(super) const TRANSACTIONS: &str = "ledger_transactions";
pub(super) const ENTRIES: &str = "ledger_entries";
pub(super) const BALANCES: &str = "ledger_balances";
pub(super) const COMMISSIONS: &str = "commissions";
pub(super) const EARNINGS: &str = "earnings";

pub(super) const REFERENCE_INDEX: &str = "ledger_transactions_reference";
pub(super) const COMMISSION_INDEX: &str = "commissions_order";

/// The indexes of the transactions.
pub const TRANSACTION_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: TRANSACTIONS,
    about: "A booking: its cause and how many entries it has; they sum to zero.",
    kept: Kept::ForGood("the books; no user may remove it"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("reference")],
        why: "one cause is booked once, and every booking looks for its reference first",
        beside: &[],
    },
    shape: Shape::of::<LedgerTransaction>(),
    indexes: &[
        IndexSpec::new(REFERENCE_INDEX, &[Key::Asc("reference")], "one cause is booked once").unique(),
        IndexSpec::new(
            "ledger_transactions_order",
            &[Key::Asc("order_id"), Key::Asc("_id")],
            "everything booked for an order",
        )
        .sparse(),
    ],
};

/// The indexes of the entries.
pub const ENTRY_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: ENTRIES,
    about: "One side of a booking: an account and an amount. Never changed.",
    kept: Kept::ForGood("the books; no user may remove it"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("transaction_id")],
        why: "the entries of a booking lie together and are written by one shard; by account, the \
            platform's own accounts would fill a shard. Folding an account asks every shard for \
            its part",
        beside: &[],
    },
    shape: Shape::of::<LedgerEntry>(),
    indexes: &[
        IndexSpec::new(
            "ledger_entries_account_at",
            &[Key::Asc("account"), Key::Asc("currency"), Key::Desc("at"), Key::Desc("_id")],
            "statement and rebuilt balance of an account",
        ),
        IndexSpec::new(
            "ledger_entries_transaction",
            &[Key::Asc("transaction_id")],
            "the entries of a transaction; zero-sum check",
        ),
    ],
};

/// The indexes of the balances.
pub const BALANCE_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: BALANCES,
    about: "The balance of a ledger account in one currency, moved with each entry.",
    kept: Kept::ForGood("the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by account and currency, which are its `_id`",
        beside: &[],
    },
    shape: Shape::of::<LedgerBalance>(),
    indexes: &[IndexSpec::new(
        "ledger_balances_account",
        &[Key::Asc("account"), Key::Asc("currency")],
        "the balances of one account",
    )],
};

/// The indexes of the commissions (D3).
pub const COMMISSION_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COMMISSIONS,
    about: "What the platform keeps of an order, frozen when it was completed.",
    kept: Kept::ForGood("the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("order_id")],
        why: "booked and reversed by order, one an order. The lists of stores and finance ask every shard",
        beside: &[],
    },
    shape: Shape::of::<Commission>(),
    indexes: &[
        IndexSpec::new(COMMISSION_INDEX, &[Key::Asc("order_id")], "one commission an order").unique(),
        IndexSpec::new(
            "commissions_store_account",
            &[Key::Asc("store_account_id")],
            "what a store has paid in all",
        ),
        IndexSpec::new(
            "commissions_courier_account",
            &[Key::Asc("courier_account_id")],
            "commissions of the orders a courier delivered",
        ),
        IndexSpec::new(
            "commissions_store_status_created",
            &[Key::Asc("store_account_id"), Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "a store's commissions of one status, newest first",
        ),
        IndexSpec::new(
            "commissions_status_created",
            &[Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "the ops list of commissions, newest first",
        ),
    ],
};

/// The indexes of the earnings.
pub const EARNING_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: EARNINGS,
    about: "What a store or courier gets for an order.",
    kept: Kept::ForGood("the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("order_id")],
        why: "earned once an order, payee and kind, and taken back by order. The lists of payees and \
            the job that makes them available ask every shard",
        beside: &[],
    },
    shape: Shape::of::<Earning>(),
    indexes: &[
        IndexSpec::new(
            "earnings_order_payee_kind",
            &[Key::Asc("order_id"), Key::Asc("payee"), Key::Asc("kind")],
            "an order is earned once by each payee",
        )
        .unique(),
        IndexSpec::new(
            "earnings_payee_created",
            &[Key::Asc("payee"), Key::Desc("created_at"), Key::Desc("_id")],
            "a payee's earnings, newest first",
        ),
        IndexSpec::new(
            "earnings_status_available",
            &[Key::Asc("status"), Key::Asc("available_at")],
            "the job that makes earnings available",
        ),
    ],
};

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    /// Cash to the courier, or at the counter for takeaway.
    Cash,
    /// The customer's wallet with us.
    Wallet,
    /// A card through the payment provider.
    Card,
}

/// Who pays for a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CostBearer {
    /// We do.
    Platform,
    /// The store does.
    Store,
}

/// Who pays for a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundLiability {
    /// We do; the store and the courier keep what they earned.
    Platform,
    /// The store does; its commission on the refunded part is given back to it.
    Store,
    /// The courier does.
    Courier,
}

/// An account of the books. A positive entry is a credit (we owe the holder more, or earned), a negative one a
/// debit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// What we owe a customer; its cached balance is the wallet, which never goes below zero.
    CustomerWallet(AccountId),
    /// What we owe a store; negative while the store owes us.
    StorePayable(StoreId),
    /// What we owe a courier.
    CourierPayable(CourierId),
    /// Cash a courier carries for us; negative: it is ours.
    CourierFloat(CourierId),
    /// Money received for orders that are not settled yet; zero for every finished order.
    OrderFunds,
    /// Commissions and fees earned.
    PlatformRevenue,
    /// Tax collected, to be passed on.
    Tax,
    /// Discounts and goodwill we paid for; negative.
    PromotionFunding,
    /// What the payment provider owes us; negative: it is ours. Mirrors the provider's own log.
    ProviderClearing,
    /// Our bank and cash box: settled cash, deposits by hand; negative: it is ours.
    BankClearing,
}

impl LedgerAccount {
    /// Whether one cached balance is kept for it. The platform's own accounts are part of every transaction;
    /// one balance document each would make all of them wait for one another, so theirs are folded when read.
    #[must_use]
    pub fn has_cached_balance(self) -> bool {
        matches!(
            self,
            Self::CustomerWallet(_) | Self::StorePayable(_) | Self::CourierPayable(_) | Self::CourierFloat(_)
        )
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CustomerWallet(id) => write!(f, "customer_wallet:{id}"),
            Self::StorePayable(id) => write!(f, "store_payable:{id}"),
            Self::CourierPayable(id) => write!(f, "courier_payable:{id}"),
            Self::CourierFloat(id) => write!(f, "courier_float:{id}"),
            Self::OrderFunds => f.write_str("order_funds"),
            Self::PlatformRevenue => f.write_str("platform_revenue"),
            Self::Tax => f.write_str("tax"),
            Self::PromotionFunding => f.write_str("promotion_funding"),
            Self::ProviderClearing => f.write_str("provider_clearing"),
            Self::BankClearing => f.write_str("bank_clearing"),
        }
    }
}

/// A text that names no account of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ledger account")]
pub struct UnknownAccount;

impl FromStr for LedgerAccount {
    type Err = UnknownAccount;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').unwrap_or((text, ""));
        Ok(match kind {
            "customer_wallet" => Self::CustomerWallet(id.parse().map_err(|_| UnknownAccount)?),
            "store_payable" => Self::StorePayable(id.parse().map_err(|_| UnknownAccount)?),
            "courier_payable" => Self::CourierPayable(id.parse().map_err(|_| UnknownAccount)?),
            "courier_float" => Self::CourierFloat(id.parse().map_err(|_| UnknownAccount)?),
            "order_funds" => Self::OrderFunds,
            "platform_revenue" => Self::PlatformRevenue,
            "tax" => Self::Tax,
            "promotion_funding" => Self::PromotionFunding,
            "provider_clearing" => Self::ProviderClearing,
            "bank_clearing" => Self::BankClearing,
            _ => return Err(UnknownAccount),
        })
    }
}

daraa_platform::stored_as!(LedgerAccount, daraa_platform::mongo::shape::text());

impl Serialize for LedgerAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LedgerAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of event was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransactionKind {
    /// Money was received for an order: card captured, wallet debited, cash taken.
    Capture,
    /// Money went back to a customer.
    Refund,
    /// A completed order was divided among its parties.
    Settlement,
    /// A refund was charged to its parties.
    RefundCharge,
    /// A courier handed cash in.
    CashSettlement,
    /// Finance credited a wallet by hand.
    ManualCredit,
}

/// A transaction to be booked. Its entries must sum to zero in every currency.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// Names the cause; one reference is booked once.
    pub reference: String,
    /// What kind of event it is.
    pub kind: TransactionKind,
    /// The order it belongs to.
    pub order_id: Option<OrderId>,
    /// Who caused it, as [`crate::actor::Actor::label`] says it.
    pub actor: String,
    /// Accounts and signed amounts.
    pub entries: Vec<(LedgerAccount, Money)>,
}

/// A booked transaction; never changed, corrections are transactions of their own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerTransaction {
    /// The id.
    #[serde(rename = "_id")]
    pub id: LedgerTransactionId,
    /// Names the cause.
    pub reference: String,
    /// What kind of event it is.
    pub kind: TransactionKind,
    /// The order it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_id: Option<OrderId>,
    /// Who caused it.
    pub actor: String,
    /// How many entries it has.
    pub entry_count: i64,
    /// When it was booked.
    pub at: Timestamp,
}

/// One line of a transaction; never changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// The id.
    #[serde(rename = "_id")]
    pub id: LedgerEntryId,
    /// Its transaction.
    pub transaction_id: LedgerTransactionId,
    /// The account.
    pub account: LedgerAccount,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Positive: credit, negative: debit.
    pub amount_minor: i64,
    /// The account's balance right after, where one is cached.
    pub balance_after_minor: Option<i64>,
    /// The kind of the transaction.
    pub kind: TransactionKind,
    /// The order it belongs to.
    pub order_id: Option<OrderId>,
    /// When it was booked.
    pub at: Timestamp,
}

/// The cached balance of an account in a currency: the fold of its entries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerBalance {
    /// `account:currency`.
    #[serde(rename = "_id")]
    pub id: String,
    /// The account.
    pub account: LedgerAccount,
    /// The currency.
    pub currency: Currency,
    /// The sum of all entries.
    pub balance_minor: i64,
    /// How many entries there are.
    pub entries: i64,
    /// When the last one was booked.
    pub updated_at: Timestamp,
}

/// How far a commission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommissionStatus {
    /// Charged.
    Final,
    /// A part was given back with a refund.
    PartiallyReversed,
    /// All of it was given back.
    Reversed,
}

/// What the platform took from a completed order, frozen with the rule that made it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Commission {
    /// The id.
    #[serde(rename = "_id")]
    pub id: CommissionId,
    /// The order.
    pub order_id: OrderId,
    /// The store charged.
    pub store_account_id: StoreId,
    /// The courier who delivered it.
    pub courier_account_id: Option<CourierId>,
    /// What it was computed from: items less what the store paid of the discount.
    pub base_minor: i64,
    /// The rate, basis points.
    pub bps: i64,
    /// What was charged.
    pub amount_minor: i64,
    /// How much of the base was refunded at the store's expense.
    pub refunded_base_minor: i64,
    /// What that is of the money the customer paid for the items: less than the base where we paid for a discount.
    #[serde(default)]
    pub refunded_items_minor: i64,
    /// How much of the amount was given back for it.
    pub reversed_minor: i64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// How far it is.
    pub status: CommissionStatus,
    /// When it was charged.
    pub created_at: Timestamp,
}

/// Who earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payee {
    /// A store.
    Store(StoreId),
    /// A courier.
    Courier(CourierId),
}

impl fmt::Display for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(id) => id.fmt(f),
            Self::Courier(id) => id.fmt(f),
        }
    }
}

daraa_platform::stored_as!(Payee, daraa_platform::mongo::shape::text());

impl Serialize for Payee {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Payee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<StoreId>()
            .map(Self::Store)
            .or_else(|_| text.parse::<CourierId>().map(Self::Courier))
            .map_err(serde::de::Error::custom)
    }
}

/// What an earning is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EarningKind {
    /// A store's items, less commission and its part of the discount.
    Sale,
    /// A courier's share of the delivery fee.
    Delivery,
    /// A tip.
    Tip,
}

/// How far an earning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EarningStatus {
    /// Held back until complaints are settled.
    Pending,
    /// May be paid out.
    Available,
    /// Part of a payout under way.
    InPayout,
    /// Paid.
    Paid,
}

/// What a store or courier earned with an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Earning {
    /// The id.
    #[serde(rename = "_id")]
    pub id: EarningId,
    /// The order.
    pub order_id: OrderId,
    /// Who earned.
    pub payee: Payee,
    /// What for.
    pub kind: EarningKind,
    /// How much; below zero when a store's discount exceeds its sale.
    pub amount_minor: i64,
    /// How much of it was taken back with refunds.
    pub reversed_minor: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// How far it is.
    pub status: EarningStatus,
    /// When it may be paid out.
    pub available_at: Timestamp,
    /// When the order was settled.
    pub created_at: Timestamp,
}

/// The money of a completed order, to be divided.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The order.
    pub order_id: OrderId,
    /// The store.
    pub store_id: StoreId,
    /// The courier; none for takeaway.
    pub courier_id: Option<CourierId>,
    /// How it was paid.
    pub method: PaymentMethod,
    /// Items at full price.
    pub items: Money,
    /// The discount, not negative.
    pub discount: Money,
    /// Who pays for the discount; none when there is none.
    pub discount_bearer: Option<CostBearer>,
    /// The delivery fee.
    pub delivery_fee: Money,
    /// The fee for paying in cash, and other fees of ours.
    pub cash_fee: Money,
    /// The courier's tip.
    pub courier_tip: Money,
    /// The store's tip.
    pub store_tip: Money,
    /// Tax contained in the store's part; we set it aside.
    pub tax: Money,
    /// What the customer paid.
    pub total: Money,
    /// The platform's share of the items, basis points.
    pub commission_bps: i64,
    /// The courier's share of the delivery fee, basis points.
    pub courier_share_bps: i64,
}

/// A refund to be charged to the parties of a settled order.
#[derive(Debug, Clone)]
pub struct RefundPosting {
    /// The refund.
    pub refund_id: RefundId,
    /// The order.
    pub order_id: OrderId,
    /// The store.
    pub store_id: StoreId,
    /// The courier who delivered.
    pub courier_id: Option<CourierId>,
    /// What the customer got back in all.
    pub amount: Money,
    /// How much of it is for items, without their tax; what is neither is fees and tips.
    pub of_items: Money,
    /// How much of it is tax.
    pub of_tax: Money,
    /// What the customer paid for the order's items in all: after their discount, tax included.
    pub items_paid: Money,
    /// Who pays for it.
    pub liability: RefundLiability,
}

/// The cash a courier carries for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CashFloat {
    /// The courier.
    pub courier_id: CourierId,
    /// What is to be handed in.
    pub owed: Money,
}

/// A finding of the check of the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerProblem {
    /// The transaction or account concerned.
    pub subject: String,
    /// What is wrong, in figures.
    pub what: String,
}
