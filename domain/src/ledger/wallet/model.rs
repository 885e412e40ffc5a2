//! The stored wallet and its movements.

use daraa_platform::money::{Currency, Money, MoneyError};
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, KeptBeside, Key, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, LedgerTransactionId, OrderId, WalletId, WalletTransactionId};

pub(super) const WALLETS: &str = "wallets";
pub(super) const MOVEMENTS: &str = "wallet_transactions";
pub(super) const REF_INDEX: &str = "wallet_transactions_ref";

/// The indexes of the wallets.
pub const WALLET_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: WALLETS,
    about: "A customer's money with us in one currency: balance and holds.",
    kept: Kept::ForGood("the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("account_id")],
        why: "one wallet a person and currency, debited by both. The release of a hold asks every shard",
        beside: &[],
    },
    shape: Shape::of::<Wallet>(),
    indexes: &[
        IndexSpec::new(
            "wallets_account_currency",
            &[Key::Asc("account_id"), Key::Asc("currency")],
            "one wallet a person and currency",
        )
        .unique(),
        IndexSpec::new("wallets_hold", &[Key::Asc("holds.order_id")], "the hold of an order"),
    ],
};

/// The indexes of the movements (D3).
pub const MOVEMENT_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: MOVEMENTS,
    about: "A movement of a customer's wallet as its owner reads it.",
    kept: Kept::ForGood("the readable side of the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("wallet_id")],
        why: "a wallet's page is what is read. The end of a hold asks every shard for its reference",
        beside: &[KeptBeside {
            index: "wallet_transactions_ref",
            by: "the wallet's own conditional write (one hold an order) and the unique reference \
                of `ledger_transactions`, both in the movement's transaction",
        }],
    },
    shape: Shape::of::<WalletTransaction>(),
    indexes: &[
        IndexSpec::new(
            "wallet_transactions_wallet_created",
            &[Key::Asc("wallet_id"), Key::Desc("created_at"), Key::Desc("_id")],
            "a wallet's movements, newest first",
        ),
        IndexSpec::new(
            "wallet_transactions_account_created",
            &[Key::Asc("account_id"), Key::Desc("created_at")],
            "a person's movements in all currencies, newest first",
        ),
        IndexSpec::new(
            "wallet_transactions_type_status",
            &[Key::Asc("type"), Key::Asc("status")],
            "reconciliation counts movements of a type and status",
        ),
        IndexSpec::new("wallet_transactions_order", &[Key::Asc("order_id")], "the movements of an order"),
        IndexSpec::new(REF_INDEX, &[Key::Asc("transaction_ref")], "one cause moves a wallet once")
            .unique()
            .sparse(),
        IndexSpec::new(
            "wallet_transactions_created",
            &[Key::Desc("created_at")],
            "the ops list of movements, newest first",
        ),
    ],
};

/// An amount set aside for an order that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalletHold {
    /// The order.
    pub order_id: OrderId,
    /// How much.
    pub amount_minor: i64,
    /// Since when.
    pub at: Timestamp,
}

/// A customer's money with us, in one currency. `available_minor` is always the balance less all holds and never
/// below zero: a debit states that in its filter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Wallet {
    /// The id.
    #[serde(rename = "_id")]
    pub id: WalletId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The currency.
    pub currency: Currency,
    /// The fold of the ledger's entries.
    pub balance_minor: i64,
    /// The balance less the holds.
    pub available_minor: i64,
    /// Set aside for unfinished orders.
    pub holds: Vec<WalletHold>,
    /// How many ledger entries it has.
    pub entries: i64,
    /// Counts the changes.
    pub version: i64,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl Wallet {
    /// What it holds in all.
    #[must_use]
    pub fn balance(&self) -> Money {
        Money::new(self.balance_minor, self.currency)
    }

    /// What may be spent.
    #[must_use]
    pub fn available(&self) -> Money {
        Money::new(self.available_minor, self.currency)
    }

    /// What is set aside.
    ///
    /// # Errors
    /// Overflow.
    pub fn held(&self) -> Result<Money, MoneyError> {
        self.balance().sub(self.available())
    }
}

/// Why a wallet moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "WalletTransactionType"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementType {
    /// Credited by finance.
    Credit,
    /// An order was paid.
    Payment,
    /// An order's money came back.
    Refund,
}

/// How far a movement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "WalletTransactionStatus"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementStatus {
    /// Set aside; the balance has not changed yet.
    Pending,
    /// Booked.
    Completed,
    /// Set free again; the balance never changed.
    Cancelled,
}

/// One movement of a wallet, as its owner reads it. The ledger is the book; this is its readable side.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WalletTransaction {
    /// The id.
    #[serde(rename = "_id")]
    pub id: WalletTransactionId,
    /// The wallet.
    pub wallet_id: WalletId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Why.
    #[serde(rename = "type")]
    pub kind: MovementType,
    /// How far.
    pub status: MovementStatus,
    /// Positive: in, negative: out.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// The balance right after; none while pending.
    pub balance_after_minor: Option<i64>,
    /// The order it belongs to.
    pub order_id: Option<OrderId>,
    /// The cause; one cause moves a wallet once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction_ref: Option<String>,
    /// The ledger's transaction, once booked.
    pub ledger_transaction_id: Option<LedgerTransactionId>,
    /// The reason finance gave.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}
