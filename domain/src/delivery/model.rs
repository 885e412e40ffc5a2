//! The stored delivery.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, KeptBeside, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId, DeliveryId, OfferId, OrderGroupId, OrderId, StoreId};
use crate::place::Point;

pub(super) const COLLECTION: &str = "deliveries";
pub(super) const SHARDS: &str = "dispatch_shards";

/// The declared indexes of the deliveries.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "The way of an order to its customer: stops, courier, offer, proof, history.",
    kept: Kept::ForGood("says who brought what and took which cash"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "every step names the delivery. Asked for by order, courier or status, every shard answers",
        beside: &[KeptBeside {
            index: "delivery_order",
            by: "`orders.delivery_id`, set in the transaction that makes the delivery and only \
                where there is none",
        }],
    },
    shape: Shape::of::<Delivery>(),
    indexes: &[
        IndexSpec::new("delivery_order", &[Key::Asc("order_ids")], "one delivery per order, found by it")
            .unique(),
        IndexSpec::new(
            "delivery_courier_created",
            &[Key::Asc("courier_id"), Key::Desc("created_at"), Key::Desc("_id")],
            "a courier's deliveries, newest first",
        ),
        IndexSpec::new(
            "delivery_courier_status",
            &[Key::Asc("courier_id"), Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "a courier's deliveries under way",
        ),
        IndexSpec::new(
            "delivery_created",
            &[Key::Desc("created_at"), Key::Desc("_id")],
            "ops list all deliveries, newest first",
        ),
        IndexSpec::new(
            "delivery_status_created",
            &[Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "ops list deliveries by status, newest first; dispatch reads what is open or under way, oldest first",
        ),
        IndexSpec::new(
            "delivery_wait_until",
            &[Key::Asc("wait_until")],
            "the no-show job finds couriers who wait at the door",
        )
        .partial(&[("status", PartialValue::Text("AT_DROPOFF"))]),
    ],
};

/// The declared indexes of the dispatch shards: read by `_id` only.
pub const SHARD_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: SHARDS,
    about: "A part of the dispatcher's work: its epoch and the fencing number of who leads it.",
    kept: Kept::ForGood("its numbers only grow"),
    shard_key: ShardKey::Whole("a handful of rows"),
    shape: Shape::of::<Shard>(),
    indexes: &[],
};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// Needs a courier.
    Pending,
    /// One courier is being asked.
    Offered,
    /// A courier has taken it.
    Assigned,
    /// The courier is on his way to the store.
    EnRouteToPickup,
    /// The courier stands in the store.
    AtPickup,
    /// The courier carries it.
    PickedUp,
    /// The courier is on his way to the customer.
    EnRouteToDropoff,
    /// The courier stands at the door.
    AtDropoff,
    /// Handed to the customer. Final.
    Delivered,
    /// Nobody took it at the door.
    Undeliverable,
    /// On its way back to the store.
    Returning,
    /// Back in the store. Final.
    Returned,
    /// Lost. Final.
    Failed,
    /// Not needed any more. Final.
    Cancelled,
}

impl DeliveryStatus {
    /// Every status, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Offered,
        Self::Assigned,
        Self::EnRouteToPickup,
        Self::AtPickup,
        Self::PickedUp,
        Self::EnRouteToDropoff,
        Self::AtDropoff,
        Self::Delivered,
        Self::Undeliverable,
        Self::Returning,
        Self::Returned,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Offered => "OFFERED",
            Self::Assigned => "ASSIGNED",
            Self::EnRouteToPickup => "EN_ROUTE_TO_PICKUP",
            Self::AtPickup => "AT_PICKUP",
            Self::PickedUp => "PICKED_UP",
            Self::EnRouteToDropoff => "EN_ROUTE_TO_DROPOFF",
            Self::AtDropoff => "AT_DROPOFF",
            Self::Delivered => "DELIVERED",
            Self::Undeliverable => "UNDELIVERABLE",
            Self::Returning => "RETURNING",
            Self::Returned => "RETURNED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Nothing happens any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Failed | Self::Cancelled)
    }

    /// A courier has it: his position is shown to the parties, and it counts against his capacity.
    #[must_use]
    pub fn is_with_courier(self) -> bool {
        Self::WITH_COURIER.contains(&self)
    }

    /// The statuses of [`Self::is_with_courier`].
    pub const WITH_COURIER: &'static [Self] = &[
        Self::Assigned,
        Self::EnRouteToPickup,
        Self::AtPickup,
        Self::PickedUp,
        Self::EnRouteToDropoff,
        Self::AtDropoff,
        Self::Undeliverable,
        Self::Returning,
    ];
}

/// What can be done about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryAction {
    /// Ask one courier.
    Offer,
    /// The courier takes the offer.
    Accept,
    /// The courier does not want the offer.
    Decline,
    /// The offer's time is over.
    Expire,
    /// The offer is taken back: the courier went off, or ops took it back.
    Revoke,
    /// Ops give it to a courier by hand.
    Assign,
    /// It is taken away from its courier before pickup.
    Unassign,
    /// The courier sets off, to the store or to the customer.
    Depart,
    /// The courier is there, in the store or at the door.
    Arrive,
    /// The courier takes the order with the store's code.
    PickUp,
    /// The customer has it; proof by policy.
    Complete,
    /// Nobody takes it at the door.
    Fail,
    /// Try the door again.
    Retry,
    /// Bring it back to the store.
    Return,
    /// It is back in the store.
    ConfirmReturn,
    /// It is lost.
    Lose,
    /// The order was cancelled.
    Cancel,
}

/// Why a delivery could not be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureReason {
    /// Nobody came to the door in time.
    CustomerNoShow,
    /// The customer does not want it.
    CustomerRefused,
    /// The place does not exist or cannot be reached.
    AddressUnreachable,
    /// The cash was not there.
    NoCash,
    /// The food is spoiled or broken.
    Damaged,
    /// Something else.
    Other,
}

/// What happens at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StopKind {
    /// Take the order from the store.
    Pickup,
    /// Hand it to the customer.
    Dropoff,
    /// Bring it back.
    Return,
}

/// A place the courier goes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// What happens there.
    pub kind: StopKind,
    /// For which order.
    pub order_id: OrderId,
    /// Where.
    pub point: Point,
    /// When the courier came.
    pub arrived_at: Option<Timestamp>,
    /// When he was done there.
    pub done_at: Option<Timestamp>,
}

/// The one live offer of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveOffer {
    /// The offer.
    pub offer_id: OfferId,
    /// Who is asked.
    pub courier_id: CourierId,
    /// Until when.
    pub expires_at: Timestamp,
    /// The dispatch command that made it.
    pub command: CommandRef,
}

/// The identity of a dispatch command: unique and ordered within its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandRef {
    /// Which engine.
    pub shard: i64,
    /// Which tick.
    pub epoch: i64,
    /// Which command of the tick.
    pub number: i64,
}

/// A courier who let offers of this delivery pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passed {
    /// Who.
    pub courier_id: CourierId,
    /// How often.
    pub times: i64,
}

/// How offers of a delivery failed so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusals {
    /// Who said no, or was taken off it; not asked again.
    pub declined: Vec<CourierId>,
    /// Who did not answer; asked again after everybody else.
    pub expired: Vec<Passed>,
    /// All failed offers.
    pub failures: i64,
}

/// Why ops should look at a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EscalationReason {
    /// No courier is online.
    NoCourierOnline,
    /// No courier online has the room, the load or the cash limit for it.
    NoSuitableCourier,
    /// Every suitable courier has declined.
    EverybodyDeclined,
    /// No suitable courier reaches the store before the end of his shift.
    NobodyInTime,
    /// Too many offers failed; the search goes on.
    TooManyFailures,
}

/// When pickup and drop-off are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryEta {
    /// Pickup in half of the cases.
    pub pickup_p50: Timestamp,
    /// Pickup in nine of ten cases.
    pub pickup_p90: Timestamp,
    /// Drop-off in half of the cases.
    pub dropoff_p50: Timestamp,
    /// Drop-off in nine of ten cases.
    pub dropoff_p90: Timestamp,
}

/// How the handing over was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProofKind {
    /// The customer told the PIN.
    Pin,
}

/// The proof of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// By what.
    pub kind: ProofKind,
    /// When.
    pub at: Timestamp,
}

/// Wrong codes so far at one stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempts {
    /// Tries since the last success or the end of the last lock.
    pub used: i64,
    /// No try before this.
    pub locked_until: Option<Timestamp>,
}

/// A step in a delivery's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: DeliveryAction,
    /// The status before.
    pub from: DeliveryStatus,
    /// The status afterwards.
    pub to: DeliveryStatus,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// The version afterwards.
    pub version: i64,
}

/// A delivery: what one courier brings. Today one order; the shape holds several of one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The id.
    #[serde(rename = "_id")]
    pub id: DeliveryId,
    /// The orders.
    pub order_ids: Vec<OrderId>,
    /// The purchase they belong to.
    pub group_id: OrderGroupId,
    /// The customer.
    pub account_id: AccountId,
    /// The store.
    pub store_id: StoreId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Where the courier goes, in order.
    pub stops: Vec<Stop>,
    /// Who has it.
    pub courier_id: Option<CourierId>,
    /// When he took it.
    pub assigned_at: Option<Timestamp>,
    /// Who is being asked.
    pub offer: Option<LiveOffer>,
    /// Failed offers.
    pub refusals: Refusals,
    /// What ops were told.
    pub escalated: Vec<EscalationReason>,
    /// When the store promised it.
    pub ready_expected_at: Timestamp,
    /// When the store said it is ready.
    pub ready_at: Option<Timestamp>,
    /// Cash to collect at the door; zero when paid otherwise.
    pub cash_due: Money,
    /// Cash that was collected.
    pub cash_collected: Option<Money>,
    /// Size in load units.
    pub load: i64,
    /// When pickup and drop-off are expected.
    pub eta: Option<DeliveryEta>,
    /// Wrong store codes.
    pub store_code_attempts: Attempts,
    /// Wrong customer PINs.
    pub pin_attempts: Attempts,
    /// The courier waits at the door until then before he may give up.
    pub wait_until: Option<Timestamp>,
    /// How the handing over was proven.
    pub proof: Option<Proof>,
    /// Why it could not be handed over.
    pub failure: Option<FailureReason>,
    /// When the customer ordered.
    pub placed_at: Timestamp,
    /// What happened, oldest first.
    pub history: Vec<DeliveryStep>,
    /// When the store accepted.
    pub created_at: Timestamp,
    /// Counts transitions.
    pub version: i64,
}

impl Delivery {
    /// The stop of this kind that comes next or was last.
    #[must_use]
    pub fn stop(&self, kind: StopKind) -> Option<&Stop> {
        self.stops.iter().find(|s| s.kind == kind)
    }
}

/// The state of one dispatcher: its lease's fencing number and its tick counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Shard {
    /// Its number.
    #[serde(rename = "_id")]
    pub(super) id: i64,
    /// The highest fencing number seen; lower ones are stale leaders.
    pub(super) fence: i64,
    /// Ticks so far.
    pub(super) epoch: i64,
}
