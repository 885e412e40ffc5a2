//! The stored payment: one a purchase, with a split for each order and every request to the provider.

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, KeptBeside, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::ports::pay::{DeclineCode, PayOperationKind};
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::ledger::PaymentMethod;

use crate::ids::{AccountId, CourierId, OrderGroupId, OrderId, PaymentId, RefundId};

pub(super) const PAYMENTS: &str = "payments";
pub(super) const WEBHOOKS: &str = "payment_webhooks";
/// The states of a webhook that was dealt with.
pub(super) const ENDED_WEBHOOKS: &[&str] = &["DONE", "IGNORED"];

/// The indexes of the payments.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: PAYMENTS,
    about: "The payment of a purchase: a share for each order, every request to the provider, its history.",
    kept: Kept::ForGood("the books' other side"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("group_id")],
        why: "one payment a purchase. By its `_id`, an order or a provider's reference it asks every shard",
        beside: &[KeptBeside {
            index: "payments_order",
            by: "the unique `_id` of the orders, which are inserted in the same transaction as \
                their payment",
        }],
    },
    shape: Shape::of::<PaymentIntent>(),
    indexes: &[
        IndexSpec::new("payments_group", &[Key::Asc("group_id")], "one payment a purchase").unique(),
        IndexSpec::new("payments_order", &[Key::Asc("splits.order_id")], "an order is in one payment only")
            .unique(),
        IndexSpec::new(
            "payments_operation",
            &[Key::Asc("operations.reference")],
            "the payment a webhook is about",
        ),
        IndexSpec::new(
            "payments_unresolved",
            &[Key::Asc("next_try_at")],
            "the job that resolves unanswered requests",
        )
        .partial(&[("unresolved", PartialValue::Flag(true))]),
        IndexSpec::new(
            "payments_cash",
            &[Key::Asc("splits.cash.courier_id"), Key::Asc("splits.cash.state"), Key::Asc("_id")],
            "the cash a courier carries, oldest first",
        ),
    ],
};

/// The indexes of the webhook inbox. No TTL index: a webhook that vanished by the machine's clock would be news again
/// when it is repeated, or be lost when it still waits.
pub const WEBHOOK_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: WEBHOOKS,
    about: "News of the card provider as it came, so that each piece has its effect once.",
    kept: Kept::ByJob {
        job: "cleanup",
        after: "30 days after it came, when it was dealt with; what is not, stays. Never by TTL: it \
            is what tells a repeat from news",
    },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "asked for by the provider's number of it, which is its `_id`",
        beside: &[],
    },
    shape: Shape::of::<StoredWebhook>(),
    indexes: &[
        IndexSpec::new(
            "payment_webhooks_due",
            &[Key::Asc("next_try_at")],
            "the job that processes what was only stored",
        )
        .partial(&[("state", PartialValue::Text("PENDING"))]),
        IndexSpec::new(
            "payment_webhooks_ended",
            &[Key::Asc("received_at")],
            "the cleanup job removes webhooks that were dealt with; the ledger keeps their effects",
        )
        .partial(&[("state", PartialValue::OneOf(ENDED_WEBHOOKS))]),
    ],
};

/// Where a payment stands; derived from its amounts and splits, stored for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Nothing is known of the provider's answer yet.
    Created,
    /// The customer has to confirm on the bank's page.
    RequiresAction,
    /// The money is reserved (cash: it is due at the door).
    Authorized,
    /// Some orders' shares are taken, others still reserved.
    PartiallyCaptured,
    /// Every order's share is taken or released.
    Captured,
    /// Some of what was taken has gone back.
    PartiallyRefunded,
    /// All of what was taken has gone back.
    Refunded,
    /// Nothing was taken, all is released.
    Voided,
    /// The bank said no.
    Failed,
    /// Nobody answered in time; what the bank still reserves is released when it shows up.
    Expired,
    /// The customer's bank took the money back.
    ChargedBack,
    /// We kept the money after a charge-back.
    Won,
    /// The customer's bank kept the money.
    Lost,
}

/// Whether the money is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Authorisation {
    /// No answer yet.
    Waiting,
    /// The customer has to confirm.
    RequiresAction,
    /// Reserved.
    Granted,
    /// Refused.
    Denied,
}

/// Where an order's share stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "PaymentSplitState"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SplitState {
    /// Reserved, or waiting to be.
    Reserved,
    /// Taken.
    Captured,
    /// Released without being taken.
    Released,
}

/// Where the cash of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CashState {
    /// To be paid at the door or the counter.
    Due,
    /// The courier has it.
    Collected,
    /// The courier says it is being handed in.
    Declared,
    /// We have it.
    Settled,
    /// Less was handed in than collected; the rest is the courier's debt.
    Short,
}

/// The cash of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CashDue {
    /// Where it is.
    pub state: CashState,
    /// The courier who took it; none before, and for takeaway.
    pub courier_id: Option<CourierId>,
    /// How much of it was handed in.
    pub settled_minor: i64,
}

/// An order's share of a payment. `captured + voided ≤ amount`, `refunded ≤ captured`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentSplit {
    /// The order.
    pub order_id: OrderId,
    /// Its share.
    pub amount_minor: i64,
    /// How much was taken.
    pub captured_minor: i64,
    /// How much was released.
    pub voided_minor: i64,
    /// How much went back.
    pub refunded_minor: i64,
    /// Where it stands.
    pub state: SplitState,
    /// Its cash, when paid in cash and not released.
    pub cash: Option<CashDue>,
}

/// How a request to the provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationState {
    /// Not known to have ended: asked again until it is.
    Pending,
    /// Done.
    Done,
    /// Refused for good.
    Failed,
}

/// A request to the provider. Written before it is sent, so that no answer can be lost for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Our idempotency key at the provider.
    pub reference: String,
    /// What is asked.
    pub kind: PayOperationKind,
    /// The order concerned; none for the authorisation of the whole.
    pub order_id: Option<OrderId>,
    /// The refund it belongs to.
    pub refund_id: Option<RefundId>,
    /// How much.
    pub amount_minor: i64,
    /// How it ended.
    pub state: OperationState,
    /// How often it was sent.
    pub attempts: i64,
    /// Why it failed, the provider's code.
    pub failure: Option<String>,
}

/// One step of a payment's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What happened.
    pub action: String,
    /// The status before.
    pub from: Option<PaymentStatus>,
    /// The status after.
    pub to: PaymentStatus,
    /// The order concerned.
    pub order_id: Option<OrderId>,
}

/// The payment of a purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentIntent {
    /// The id.
    #[serde(rename = "_id")]
    pub id: PaymentId,
    /// The purchase.
    pub group_id: OrderGroupId,
    /// Who pays.
    pub account_id: AccountId,
    /// How.
    pub method: PaymentMethod,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The whole.
    pub amount_minor: i64,
    /// The orders' shares; they sum to the whole.
    pub splits: Vec<PaymentSplit>,
    /// Whether the money is reserved.
    pub authorisation: Authorisation,
    /// Derived from the above.
    pub status: PaymentStatus,
    /// The provider's id of the payment.
    pub provider_id: Option<String>,
    /// The card token; worthless without our key at the provider.
    pub card_token: Option<String>,
    /// Where the customer confirms, while that is needed.
    pub action_url: Option<String>,
    /// Why the bank said no.
    pub decline: Option<DeclineCode>,
    /// Every request to the provider.
    pub operations: Vec<Operation>,
    /// Whether a request has no known end.
    pub unresolved: bool,
    /// When it is asked about again.
    pub next_try_at: Timestamp,
    /// What happened.
    pub history: Vec<PaymentStep>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl PaymentIntent {
    /// The whole.
    #[must_use]
    pub fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }

    /// An amount in the payment's currency.
    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// The share of an order.
    #[must_use]
    pub fn split(&self, order_id: OrderId) -> Option<&PaymentSplit> {
        self.splits.iter().find(|s| s.order_id == order_id)
    }

    /// A request by its reference.
    #[must_use]
    pub fn operation(&self, reference: &str) -> Option<&Operation> {
        self.operations.iter().find(|o| o.reference == reference)
    }
}

/// A payment to be created with its purchase.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// The id, chosen by the caller so that the purchase can refer to it.
    pub id: PaymentId,
    /// The purchase.
    pub group_id: OrderGroupId,
    /// Who pays.
    pub account_id: AccountId,
    /// How.
    pub method: PaymentMethod,
    /// Each order's share.
    pub splits: Vec<(OrderId, Money)>,
    /// The provider's token for the card; needed for cards.
    pub card_token: Option<String>,
}

/// How far a stored webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookState {
    /// Stored, not processed.
    Pending,
    /// Its effect is in the books (or was already).
    Done,
    /// It is about nothing we know.
    Ignored,
}

/// A webhook as it came, stored before anything is done with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StoredWebhook {
    /// `provider:event`, so that repeats are one.
    #[serde(rename = "_id")]
    pub id: String,
    /// The body.
    pub body: String,
    /// How far it is.
    pub state: WebhookState,
    /// How often processing failed.
    pub attempts: i64,
    /// Not processed again before.
    pub next_try_at: Timestamp,
    /// When it came first.
    pub received_at: Timestamp,
}
