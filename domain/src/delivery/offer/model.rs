//! The stored offer of a delivery to one courier.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::model::CommandRef;
use crate::ids::{AccountId, CourierId, DeliveryId, OfferId, OrderId, StoreId};
use crate::place::Point;

pub(crate) const COLLECTION: &str = "courier_offers";

/// Answered offers are kept this long for statistics and complaints.
const OFFER_TTL_SECS: i64 = 180 * 24 * 3_600;

/// The declared indexes of the offers.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A delivery offered to a courier, and the answer.",
    kept: Kept::ByTtl("180 days; it is over after a minute, the delivery keeps what came of it"),
    shard_key: ShardKey::Whole(
        "one live offer a delivery, one a courier, one effect a command: \
        three unique rules, and no key heads two of them. It loses its old rows every day",
    ),
    shape: Shape::of::<CourierOffer>(),
    indexes: &[
        IndexSpec::new("offer_live_delivery", &[Key::Asc("delivery_id")], "one live offer per delivery")
            .unique()
            .partial(&[("status", PartialValue::Text("OFFERED"))]),
        IndexSpec::new("offer_live_courier", &[Key::Asc("courier_id")], "one live offer per courier")
            .unique()
            .partial(&[("status", PartialValue::Text("OFFERED"))]),
        IndexSpec::new(
            "offer_command",
            &[Key::Asc("command.shard"), Key::Asc("command.epoch"), Key::Asc("command.number")],
            "a dispatch command takes effect once",
        )
        .unique(),
        IndexSpec::new(
            "offer_delivery_made",
            &[Key::Asc("delivery_id"), Key::Asc("made_at")],
            "who was asked about a delivery, in order",
        ),
        IndexSpec::new("offer_expires", &[Key::Asc("expires_at")], "the expiry job finds overdue offers")
            .partial(&[("status", PartialValue::Text("OFFERED"))]),
        IndexSpec::new("offer_made_ttl", &[Key::Asc("made_at")], "old offers are forgotten")
            .ttl(OFFER_TTL_SECS),
    ],
};

/// Where an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfferStatus {
    /// The courier may answer.
    Offered,
    /// He took it. Final.
    Accepted,
    /// He did not want it. Final.
    Declined,
    /// He did not answer in time. Final.
    Expired,
    /// It was taken back. Final.
    Revoked,
}

impl OfferStatus {
    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "OFFERED",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
        }
    }
}

/// What can be done about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfferAction {
    /// The courier takes it.
    Accept,
    /// The courier does not want it.
    Decline,
    /// Its time is over.
    Expire,
    /// It is taken back.
    Revoke,
}

/// Why a courier does not want an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeclineReason {
    /// The store or the customer is too far away.
    TooFar,
    /// It pays too little.
    TooLittlePay,
    /// Too large or heavy for the vehicle.
    TooLarge,
    /// The vehicle broke down.
    VehicleTrouble,
    /// The courier takes a break or ends his shift.
    OnBreak,
    /// Something else.
    Other,
}

/// An offer of a delivery to one courier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CourierOffer {
    /// The id.
    #[serde(rename = "_id")]
    pub id: OfferId,
    /// What is offered.
    pub delivery_id: DeliveryId,
    /// Its orders.
    pub order_ids: Vec<OrderId>,
    /// The store.
    pub store_id: StoreId,
    /// The customer, for the event's feed; never shown to the courier.
    pub account_id: AccountId,
    /// Who is asked.
    pub courier_id: CourierId,
    /// Where it stands.
    pub status: OfferStatus,
    /// Until when he may answer.
    pub expires_at: Timestamp,
    /// When he should set off, at the earliest.
    pub depart_at: Timestamp,
    /// How long the way to the store takes him, seconds.
    pub travel_to_pickup_s: i64,
    /// Where to pick up.
    pub pickup: Point,
    /// Where to drop off.
    pub dropoff: Point,
    /// Cash to collect at the door.
    pub cash_due: Money,
    /// The dispatch command that made it.
    pub command: CommandRef,
    /// Why it was declined.
    pub decline_reason: Option<DeclineReason>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was answered, or ended.
    pub ended_at: Option<Timestamp>,
}
