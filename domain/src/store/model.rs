//! The stored store.

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::area::ServiceArea;
use super::hours::Schedule;
use crate::account::Phone;
use crate::ids::{StoreCategoryId, StoreId};
use crate::place::Point;
use crate::text::LocalText;

pub(super) const COLLECTION: &str = "stores";

/// A preparation time is at most four hours; longer work is not delivery.
pub const MAX_PREP_MINUTES: i64 = 240;
/// A pause is at most a day; longer is a closure.
pub const MAX_PAUSE_MINUTES: i64 = 1_440;
/// Rush mode adds at most this to every preparation.
pub const MAX_RUSH_MINUTES: i64 = 120;
/// Texts people read: names.
pub const MAX_NAME_CHARS: usize = 120;
/// Texts people read: descriptions.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// The life cycle is short; a store with more transitions has been played with.
pub(super) const MAX_HISTORY: i64 = 100;
/// Reasons people give.
pub const MAX_REASON_CHARS: usize = 500;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A store: place, area, hours, terms, approval, rating.",
    kept: Kept::ForGood("orders name it; it is closed instead"),
    shard_key: ShardKey::Whole("a few hundred, searched by place, and cached"),
    shape: Shape::of::<Store>(),
    indexes: &[
        IndexSpec::new(
            "stores_point",
            &[Key::Geo("point"), Key::Asc("status")],
            "stores near a point, nearest first",
        ),
        IndexSpec::new(
            "stores_service_area",
            &[Key::Geo("service_area"), Key::Asc("status")],
            "stores that deliver to a point, for search",
        ),
        IndexSpec::new(
            "stores_status",
            &[Key::Asc("status"), Key::Desc("_id")],
            "ops list stores that wait for approval",
        ),
        IndexSpec::new(
            "stores_prefixes",
            &[Key::Asc("prefixes"), Key::Asc("status"), Key::Asc("_id")],
            "stores whose name has a word that begins so",
        ),
    ],
};

/// Where a store is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoreStatus {
    /// Being set up; nobody but its staff sees it.
    Draft,
    /// Waits for ops.
    PendingApproval,
    /// Sells.
    Active,
    /// Stopped by ops.
    Suspended,
    /// Gone for good.
    Closed,
}

impl StoreStatus {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::PendingApproval, Self::Active, Self::Suspended, Self::Closed];

    /// The stored text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::PendingApproval => "PENDING_APPROVAL",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Closed => "CLOSED",
        }
    }
}

/// What moves a store through its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoreAction {
    /// The owner asks for approval.
    Submit,
    /// Ops approve.
    Approve,
    /// Ops send it back with a reason.
    SendBack,
    /// Ops stop it.
    Suspend,
    /// Ops let it go on.
    Reopen,
    /// The owner or ops end it.
    Close,
}

/// More preparation time for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RushMode {
    /// Minutes added to every preparation.
    pub extra_minutes: i64,
    /// Ends by itself.
    pub until: Timestamp,
}

/// The ratings of a store or product, folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// How many.
    pub count: i64,
    /// The sum of their stars (1 to 5 each).
    pub sum: i64,
    /// The mean in thousandths of a star; 0 without ratings. Stored, because lists are sorted by it.
    pub average_milli: i64,
}

/// One step of the life cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreEvent {
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor::label`](crate::actor::Actor::label).
    pub actor: String,
    /// What.
    pub action: StoreAction,
    /// From.
    pub from: StoreStatus,
    /// To.
    pub to: StoreStatus,
    /// Why, when a reason is asked for.
    pub reason: Option<String>,
}

/// A selling place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Store {
    /// The id.
    #[serde(rename = "_id")]
    pub id: StoreId,
    /// Its name.
    pub name: LocalText,
    /// What it is, in a few sentences; may be empty.
    pub description: LocalText,
    /// What kind of store it is.
    pub category_id: StoreCategoryId,
    /// Where it stands.
    pub point: Point,
    /// Its number, shown to customers and couriers of its orders.
    pub phone: Phone,
    /// The one currency of all its prices.
    pub currency: Currency,
    /// When it is open by the calendar.
    pub schedule: Schedule,
    /// No orders until then.
    pub paused_until: Option<Timestamp>,
    /// Slower for a while.
    pub rush: Option<RushMode>,
    /// The least worth of items it accepts.
    pub min_order: Option<Money>,
    /// How long it usually prepares.
    pub prep_minutes: i64,
    /// Where it delivers to; none yet while it is a draft.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_area: Option<ServiceArea>,
    /// Where it is in its life.
    pub status: StoreStatus,
    /// Its ratings.
    pub rating: Rating,
    /// Its own commission rate in basis points; the platform's default without.
    pub commission_bps: Option<i64>,
    /// Orders are accepted without a person.
    pub auto_accept: bool,
    /// The beginnings of the words of its name, folded.
    pub prefixes: Vec<String>,
    /// Its life so far, oldest first.
    pub history: Vec<StoreEvent>,
    /// When it was set up.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

/// Why a store takes no orders now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
pub enum ClosedReason {
    /// Not active: being set up, suspended or gone.
    NotActive,
    /// Its staff paused it.
    Paused,
    /// A dated closure.
    Closure,
    /// Outside its opening hours.
    OutsideHours,
}

/// Whether a store takes orders, and until or from when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// Takes orders now.
    pub open: bool,
    /// Why not.
    pub reason: Option<ClosedReason>,
    /// When it next opens; none when open, or when no opening is in sight (15 days).
    pub opens_at: Option<Timestamp>,
    /// When it closes; none when closed, or when no end is in sight.
    pub closes_at: Option<Timestamp>,
}
