//! What the engine is told, what it remembers and what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whole seconds; as an instant, since the Unix epoch.
pub type Secs = i64;

/// A point, in 10⁻⁷ degrees. What the numbers mean is the business of the [`Travel`](crate::Travel) in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// North.
    pub lat_e7: i32,
    /// East.
    pub lon_e7: i32,
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:x}", self.0)
            }
        }

        // Written as hexadecimal text: no serialisation format agrees on 128-bit numbers or on map keys.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}

opaque_id! {
    /// One thing to bring: the caller's id, opaque here.
    OrderId
}
opaque_id! {
    /// One courier: the caller's id, opaque here.
    CourierId
}
opaque_id! {
    /// One store: the caller's id, opaque here.
    StoreId
}

/// The identity of a command: unique and ordered within a shard, so the caller can apply each once.
/// An offer is known by the command that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId {
    /// Which engine.
    pub shard: u32,
    /// Which tick of it, counted from 1.
    pub epoch: u64,
    /// Which command of that tick, counted from 1.
    pub number: u32,
}

/// When food is expected to be ready; p90 ≥ p50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyTime {
    /// Ready by then in half of the cases.
    pub p50: Secs,
    /// Ready by then in nine of ten cases.
    pub p90: Secs,
}

/// An order as it is told to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// The id.
    pub id: OrderId,
    /// The store it comes from.
    pub store: StoreId,
    /// Where it is picked up.
    pub pickup: Place,
    /// Where it is dropped off.
    pub dropoff: Place,
    /// When the customer ordered; lateness counts from here.
    pub placed_at: Secs,
    /// When the store promised it.
    pub ready: ReadyTime,
    /// Size in the caller's units; the sum a courier carries stays within [`CourierSpec::max_load`].
    pub load: i64,
    /// Cash to be collected at the door, minor units.
    pub cash_minor: i64,
    /// The currency of that cash: the caller's number, opaque here.
    #[serde(default)]
    pub cash_currency: u32,
}

/// A courier as he is told to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierSpec {
    /// The id.
    pub id: CourierId,
    /// Where he is.
    pub place: Place,
    /// End of his shift: he picks nothing up after it. `None` means open end.
    pub until: Option<Secs>,
    /// How many orders he may have at once.
    pub max_orders: u32,
    /// How much he can carry, in the caller's units.
    pub max_load: i64,
    /// How much more cash he may take beyond what he holds; orders he already has are subtracted by the engine.
    pub cash_room_minor: i64,
    /// The currency of that room; of another one he takes none.
    #[serde(default)]
    pub cash_currency: u32,
}

/// Where an order stands, as far as assignment is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Nobody has it.
    Open,
    /// One courier is being asked.
    Offered {
        /// Who.
        courier: CourierId,
        /// By which command.
        offer: CommandId,
        /// Until when he may answer.
        expires_at: Secs,
    },
    /// A courier has taken it and is on his way.
    Assigned {
        /// Who.
        courier: CourierId,
    },
    /// The courier stands in the store.
    AtPickup {
        /// Who.
        courier: CourierId,
    },
    /// The courier carries it.
    PickedUp {
        /// Who.
        courier: CourierId,
    },
}

impl Phase {
    /// The courier who has it or is being asked.
    #[must_use]
    pub fn courier(&self) -> Option<CourierId> {
        match *self {
            Self::Open => None,
            Self::Offered { courier, .. }
            | Self::Assigned { courier }
            | Self::AtPickup { courier }
            | Self::PickedUp { courier } => Some(courier),
        }
    }

    /// The courier who has it for good.
    #[must_use]
    pub fn holder(&self) -> Option<CourierId> {
        match self {
            Self::Offered { .. } => None,
            other => other.courier(),
        }
    }
}

/// When pickup and drop-off are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eta {
    /// Pickup in half of the cases.
    pub pickup_p50: Secs,
    /// Pickup in nine of ten cases.
    pub pickup_p90: Secs,
    /// Drop-off in half of the cases.
    pub dropoff_p50: Secs,
    /// Drop-off in nine of ten cases.
    pub dropoff_p90: Secs,
}

/// How offers of one order failed so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// Who said no; never asked again for this order.
    pub declined: BTreeSet<CourierId>,
    /// Who let an offer pass, and how often; asked again only after everybody else.
    pub expired: BTreeMap<CourierId, u32>,
    /// All failed offers together.
    pub failures: u32,
}

/// What the engine remembers of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// As told.
    pub spec: OrderSpec,
    /// When the store said it is ready.
    pub ready_at: Option<Secs>,
    /// Where it stands.
    pub phase: Phase,
    /// Its failed offers.
    pub refusals: Refusals,
    /// What ops were told already; each reason is told once.
    pub escalated: BTreeSet<EscalateReason>,
    /// The last announced estimate.
    pub eta: Option<Eta>,
    /// The last epoch that looked for a courier for it: a short budget goes round fairly.
    pub considered: u64,
}

impl OrderState {
    /// A new open order.
    #[must_use]
    pub fn new(spec: OrderSpec) -> Self {
        Self {
            spec,
            ready_at: None,
            phase: Phase::Open,
            refusals: Refusals::default(),
            escalated: BTreeSet::new(),
            eta: None,
            considered: 0,
        }
    }
}

/// What the engine remembers of a courier who is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierState {
    /// As told; `place` follows the pings.
    pub spec: CourierSpec,
    /// When he was last heard of.
    pub seen_at: Secs,
    /// No more offers: he ends his shift once his orders are done.
    pub leaving: bool,
    /// His orders in the order he works on them.
    pub tasks: Vec<OrderId>,
}

impl CourierState {
    /// A courier who has just come on.
    #[must_use]
    pub fn new(spec: CourierSpec, seen_at: Secs) -> Self {
        Self { spec, seen_at, leaving: false, tasks: Vec::new() }
    }
}

/// The whole state of an engine, as plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Ticks so far.
    pub epoch: u64,
    /// Orders not yet dropped or cancelled.
    pub orders: BTreeMap<OrderId, OrderState>,
    /// Couriers who are on, or still have orders.
    pub couriers: BTreeMap<CourierId, CourierState>,
    /// Offers to take back at the next tick.
    pub revokes: Vec<(OrderId, CourierId, CommandId, RevokeReason)>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An order needs a courier.
    OrderPlaced(OrderSpec),
    /// The store changed its promise.
    PrepUpdated {
        /// Which order.
        order: OrderId,
        /// The new promise.
        ready: ReadyTime,
    },
    /// The store says it is ready: uncertainty collapses.
    Ready {
        /// Which order.
        order: OrderId,
    },
    /// The order needs no courier any more.
    Cancelled {
        /// Which order.
        order: OrderId,
    },
    /// A courier came on, or his limits changed.
    CourierOn(CourierSpec),
    /// A courier wants no more offers. What he has, he finishes.
    CourierOff {
        /// Who.
        courier: CourierId,
    },
    /// A courier's position.
    Ping {
        /// Who.
        courier: CourierId,
        /// Where.
        place: Place,
    },
    /// He takes it.
    OfferAccepted {
        /// Which order.
        order: OrderId,
        /// Who.
        courier: CourierId,
        /// Which offer.
        offer: CommandId,
    },
    /// He does not want it.
    OfferRejected {
        /// Which order.
        order: OrderId,
        /// Who.
        courier: CourierId,
        /// Which offer.
        offer: CommandId,
    },
    /// He did not answer in time.
    OfferExpired {
        /// Which order.
        order: OrderId,
        /// Who.
        courier: CourierId,
        /// Which offer.
        offer: CommandId,
    },
    /// Somebody gave it to a courier by hand.
    Assigned {
        /// Which order.
        order: OrderId,
        /// Who.
        courier: CourierId,
    },
    /// It was taken away from its courier before pickup; he is not asked again.
    Unassigned {
        /// Which order.
        order: OrderId,
    },
    /// The courier stands in the store.
    Arrived {
        /// Which order.
        order: OrderId,
    },
    /// The courier carries it.
    PickedUp {
        /// Which order.
        order: OrderId,
    },
    /// It is delivered, returned or lost: no longer the engine's.
    Dropped {
        /// Which order.
        order: OrderId,
    },
    /// The store closed: what was not picked up is not going to be.
    StoreClosed {
        /// Which store.
        store: StoreId,
    },
}

/// Whether an event changed anything. Late and repeated events are harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It did.
    Changed,
    /// It was out of date or about something unknown.
    Ignored,
}

/// Why an offer is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// Nobody answered in time.
    Expired,
    /// The order was cancelled or given away by hand.
    OrderGone,
    /// The courier went off.
    CourierOff,
}

/// Why ops should look at an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalateReason {
    /// Nobody is on.
    NoCourierOnline,
    /// Nobody who is on has the room, the load or the cash limit for it.
    NoSuitableCourier,
    /// Everybody suitable has declined.
    EverybodyDeclined,
    /// Nobody suitable reaches the store before his shift ends.
    NobodyInTime,
    /// Too many offers failed; the search goes on.
    TooManyFailures,
}

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Ask this courier, and nobody else, until `expires_at`. The command's id is the offer's id.
    Offer {
        /// What he is asked to bring, in pickup order.
        orders: Vec<OrderId>,
        /// Who.
        courier: CourierId,
        /// Until when he may answer.
        expires_at: Secs,
        /// When he is expected to set off, at the earliest.
        depart_at: Secs,
        /// How long the way to the store takes him.
        travel_to_pickup_s: Secs,
    },
    /// Add to or take from a live offer.
    Amend {
        /// Which offer.
        offer: CommandId,
        /// What it holds from now on.
        orders: Vec<OrderId>,
    },
    /// Take an offer back.
    Revoke {
        /// What was offered.
        order: OrderId,
        /// To whom.
        courier: CourierId,
        /// Which offer.
        offer: CommandId,
        /// Why.
        reason: RevokeReason,
    },
    /// Suggest a free courier to move where orders are expected.
    Preposition {
        /// Who.
        courier: CourierId,
        /// Where to.
        to: Place,
    },
    /// A new estimate; only sent when it moved noticeably.
    Eta {
        /// Which order.
        order: OrderId,
        /// The estimate.
        eta: Eta,
    },
    /// Ops should look at it. The engine keeps trying.
    Escalate {
        /// Which order.
        order: OrderId,
        /// Why.
        reason: EscalateReason,
    },
}

/// One action with its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Unique and ordered within the shard.
    pub id: CommandId,
    /// What to do.
    pub action: Action,
}

/// The result of one tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// What to do, in order.
    pub commands: Vec<Command>,
    /// Operations used (travel times asked for).
    pub work: u64,
    /// Due orders that the budget did not reach; they come first next time.
    pub left_over: usize,
}

/// Expected ready time of an order.
pub trait Prep {
    /// Seen from `now`; both quantiles are `ready_at` once the store has said so.
    fn ready(&self, order: &OrderState, now: Secs) -> ReadyTime;
}

/// Believes the store; once a promise has passed it expects the food one step later, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromisedPrep {
    /// The step, seconds.
    pub overdue_step_s: Secs,
}

impl Default for PromisedPrep {
    fn default() -> Self {
        Self { overdue_step_s: 60 }
    }
}

impl Prep for PromisedPrep {
    fn ready(&self, order: &OrderState, now: Secs) -> ReadyTime {
        if let Some(at) = order.ready_at {
            return ReadyTime { p50: at, p90: at };
        }
        if matches!(order.phase, Phase::PickedUp { .. }) {
            return ReadyTime { p50: now, p90: now };
        }
        let promised = order.spec.ready;
        if promised.p50 > now {
            return ReadyTime { p50: promised.p50, p90: promised.p90.max(promised.p50) };
        }
        let p50 = now + self.overdue_step_s;
        ReadyTime { p50, p90: promised.p90.max(p50 + self.overdue_step_s) }
    }
}

/// How likely a courier is to accept.
pub trait Accept {
    /// In thousandths, at most 1,000.
    fn permille(&self, courier: &CourierState, order: &OrderState, travel_s: Secs) -> u32;
}

/// Everybody accepts equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConstantAcceptance {
    /// In thousandths.
    pub permille: u32,
}

impl Default for ConstantAcceptance {
    fn default() -> Self {
        Self { permille: 900 }
    }
}

impl Accept for ConstantAcceptance {
    fn permille(&self, _: &CourierState, _: &OrderState, _: Secs) -> u32 {
        self.permille
    }
}

/// The engine's numbers. Times are seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Which shard the commands belong to.
    pub shard: u32,
    /// Time between two ticks.
    pub epoch_s: Secs,
    /// Orders expected ready later than this are not looked at yet.
    pub order_horizon_s: Secs,
    /// Couriers free later than this are not looked at yet.
    pub courier_horizon_s: Secs,
    /// How long a courier may think about an offer.
    pub offer_ttl_s: Secs,
    /// How long a courier usually thinks about it: so much earlier he is asked.
    pub answer_s: Secs,
    /// Set off this much earlier than strictly needed.
    pub margin_s: Secs,
    /// Handing over in the store, and again at the door.
    pub service_s: Secs,
    /// Click-to-door time beyond which lateness weighs more.
    pub target_s: Secs,
    /// How much more a second beyond the target weighs, in thousandths.
    pub late_weight_permille: i64,
    /// Price of a courier's second with nothing to do and under full load, in thousandths of a customer's second.
    pub courier_price_permille: (i64, i64),
    /// Candidates per order.
    pub candidates: usize,
    /// After this many failures every courier is a candidate.
    pub widen_after: u32,
    /// After this many failures ops are told.
    pub escalate_after: u32,
    /// A courier not heard of for this long is asked only when nobody else is there.
    pub stale_after_s: Secs,
    /// Estimates are sent again when they moved at least this much.
    pub eta_step_s: Secs,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            shard: 0,
            epoch_s: 10,
            order_horizon_s: 20 * 60,
            courier_horizon_s: 15 * 60,
            offer_ttl_s: 30,
            answer_s: 30,
            margin_s: 0,
            service_s: 120,
            target_s: 40 * 60,
            late_weight_permille: 1_000,
            courier_price_permille: (100, 1_500),
            candidates: 50,
            widen_after: 3,
            escalate_after: 3,
            stale_after_s: 180,
            eta_step_s: 60,
        }
    }
}
