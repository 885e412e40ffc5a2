//! The stored courier and his sampled positions.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId};
use crate::place::Point;

pub(super) const COLLECTION: &str = "couriers";
pub(super) const POSITIONS: &str = "courier_positions";

/// How long a courier's track is kept: long enough to settle a complaint.
const TRACK_TTL_SECS: i64 = 30 * 24 * 3_600;

/// The declared indexes of the couriers.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A courier: vehicle, approval, shift, how much is carried.",
    kept: Kept::ForGood("deliveries and the books name them"),
    shard_key: ShardKey::Whole(
        "dispatch reads all who are on; one courier an account, which a key \
        by `_id` could not keep; 20,000 rows",
    ),
    shape: Shape::of::<Courier>(),
    indexes: &[
        IndexSpec::new("courier_account", &[Key::Asc("account_id")], "one courier per account").unique(),
        IndexSpec::new(
            "courier_status_created",
            &[Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "ops list couriers by status, newest first",
        ),
        IndexSpec::new(
            "courier_created",
            &[Key::Desc("created_at"), Key::Desc("_id")],
            "ops list all couriers, newest first",
        ),
        IndexSpec::new("courier_online", &[Key::Asc("online"), Key::Asc("_id")], "dispatch reads who is on")
            .partial(&[("online", PartialValue::Flag(true))]),
        IndexSpec::new(
            "courier_shift_end",
            &[Key::Asc("shift_until")],
            "the shift job finds couriers whose shift has ended",
        )
        .partial(&[("online", PartialValue::Flag(true))]),
        IndexSpec::new(
            "courier_silent",
            &[Key::Asc("active_deliveries"), Key::Asc("seen_at")],
            "who has something to bring and gives no sign; who is off and still has something to bring",
        ),
    ],
};

/// The declared indexes of the sampled positions.
pub const POSITION_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: POSITIONS,
    about: "Where a courier was, sampled; the live position is in Redis.",
    kept: Kept::ByTtl("30 days; a track that ends early answers a question less"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("courier_id")],
        why: "the busiest inserts there are, and a track is asked for by its courier",
        beside: &[],
    },
    shape: Shape::of::<PositionRow>(),
    indexes: &[
        IndexSpec::new(
            "courier_position_track",
            &[Key::Asc("courier_id"), Key::Desc("at")],
            "the track of a courier, newest first",
        ),
        IndexSpec::new("courier_position_ttl", &[Key::Asc("at")], "tracks are forgotten").ttl(TRACK_TTL_SECS),
    ],
};

/// What a courier rides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Vehicle {
    /// On foot.
    Foot,
    /// A bicycle.
    Bicycle,
    /// A motorcycle.
    Motorcycle,
    /// A car.
    Car,
}

impl Vehicle {
    /// How much it carries at most, in load units (one ordinary order is one unit).
    #[must_use]
    pub fn max_load(self) -> i64 {
        match self {
            Self::Foot => 2,
            Self::Bicycle => 4,
            Self::Motorcycle => 6,
            Self::Car => 20,
        }
    }
}

/// Where a courier stands with the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CourierStatus {
    /// Applied; ops have not looked yet.
    PendingApproval,
    /// May work.
    Active,
    /// May not work for now.
    Suspended,
}

/// A step in a courier's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CourierStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: CourierAction,
    /// The status afterwards.
    pub to: CourierStatus,
    /// The version afterwards.
    pub version: i64,
}

/// What can be done about a courier's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CourierAction {
    /// Ops let him work.
    Approve,
    /// Ops stop him.
    Suspend,
    /// Ops let him work again.
    Reinstate,
}

/// A courier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Courier {
    /// The id.
    #[serde(rename = "_id")]
    pub id: CourierId,
    /// The person.
    pub account_id: AccountId,
    /// The name customers and stores see during a delivery.
    pub name: String,
    /// What he rides.
    pub vehicle: Vehicle,
    /// How many deliveries he may have at once.
    pub capacity: i64,
    /// Where he stands.
    pub status: CourierStatus,
    /// How much of the platform's cash he may hold.
    pub cash_limit: Money,
    /// Takes offers now.
    pub online: bool,
    /// End of the shift: nothing is picked up after it; `None` means open end.
    pub shift_until: Option<Timestamp>,
    /// The last sampled position; the live one is in Redis.
    pub point: Option<Point>,
    /// When it was sampled.
    pub seen_at: Option<Timestamp>,
    /// Deliveries he has now; accepting one is a conditional increment.
    pub active_deliveries: i64,
    /// What happened to his standing, oldest first.
    pub history: Vec<CourierStep>,
    /// When he applied.
    pub created_at: Timestamp,
    /// Counts changes of the standing.
    pub version: i64,
}

/// A position as it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Where.
    pub point: Point,
    /// When.
    pub at: Timestamp,
}

/// One sampled point of a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct PositionRow {
    /// The id.
    #[serde(rename = "_id")]
    #[schemars(schema_with = "daraa_platform::mongo::shape::id_field")]
    pub(super) id: mongodb::bson::oid::ObjectId,
    /// Who.
    pub(super) courier_id: CourierId,
    /// Where.
    pub(super) point: Point,
    /// When.
    pub(super) at: Timestamp,
}
