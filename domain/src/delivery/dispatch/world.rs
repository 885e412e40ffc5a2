//! The database's truth as the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use daraa_dispatch as engine;
use daraa_platform::ids::TypedId;
use daraa_platform::money::Currency;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;

use super::super::model::{CommandRef, Delivery, DeliveryEta, DeliveryStatus, EscalationReason, StopKind};
use crate::courier::Courier;
use crate::ids::{CourierId, DeliveryId, StoreId};
use crate::place::Point;

/// The engine's id of something with a typed id: the same 96 bits.
fn bits(oid: ObjectId) -> u128 {
    oid.bytes().iter().fold(0, |n, byte| (n << 8) | u128::from(*byte))
}

fn oid(bits: u128) -> ObjectId {
    let [_, _, _, _, id @ ..] = bits.to_be_bytes();
    ObjectId::from_bytes(id)
}

fn order_id(id: DeliveryId) -> engine::OrderId {
    engine::OrderId(bits(id.oid()))
}

fn store_id(id: StoreId) -> engine::StoreId {
    engine::StoreId(bits(id.oid()))
}

/// The engine's id of a courier.
pub(super) fn courier_id(id: CourierId) -> engine::CourierId {
    engine::CourierId(bits(id.oid()))
}

/// The delivery the engine calls an order.
pub(super) fn delivery_of(id: engine::OrderId) -> DeliveryId {
    DeliveryId::from(oid(id.0))
}

/// The courier behind the engine's id.
pub(super) fn courier_of(id: engine::CourierId) -> CourierId {
    CourierId::from(oid(id.0))
}

/// The engine's name of a command.
pub(super) fn command_id(command: CommandRef) -> engine::CommandId {
    engine::CommandId {
        shard: u32::try_from(command.shard).unwrap_or(0),
        epoch: u64::try_from(command.epoch).unwrap_or(0),
        number: u32::try_from(command.number).unwrap_or(0),
    }
}

/// A command as it is stored.
pub(super) fn command_ref(id: engine::CommandId) -> CommandRef {
    CommandRef {
        shard: i64::from(id.shard),
        epoch: i64::try_from(id.epoch).unwrap_or(i64::MAX),
        number: i64::from(id.number),
    }
}

/// An instant as the engine counts it.
pub(super) fn instant(at: engine::Secs) -> Timestamp {
    Timestamp::from_millis(at.saturating_mul(1_000))
}

fn place(point: Point) -> engine::Place {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "degrees are within ±180, so 10⁻⁷ of them fit 32 bits"
    )]
    let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
    engine::Place { lat_e7: e7(point.lat()), lon_e7: e7(point.lon()) }
}

/// The engine's number of a currency: the letters of its code.
fn currency(currency: Currency) -> u32 {
    currency.code().bytes().fold(0, |n, letter| (n << 8) | u32::from(letter))
}

/// The reason as it is stored.
pub(super) fn reason_of(reason: engine::EscalateReason) -> EscalationReason {
    match reason {
        engine::EscalateReason::NoCourierOnline => EscalationReason::NoCourierOnline,
        engine::EscalateReason::NoSuitableCourier => EscalationReason::NoSuitableCourier,
        engine::EscalateReason::EverybodyDeclined => EscalationReason::EverybodyDeclined,
        engine::EscalateReason::NobodyInTime => EscalationReason::NobodyInTime,
        engine::EscalateReason::TooManyFailures => EscalationReason::TooManyFailures,
    }
}

fn told(reason: EscalationReason) -> engine::EscalateReason {
    match reason {
        EscalationReason::NoCourierOnline => engine::EscalateReason::NoCourierOnline,
        EscalationReason::NoSuitableCourier => engine::EscalateReason::NoSuitableCourier,
        EscalationReason::EverybodyDeclined => engine::EscalateReason::EverybodyDeclined,
        EscalationReason::NobodyInTime => engine::EscalateReason::NobodyInTime,
        EscalationReason::TooManyFailures => engine::EscalateReason::TooManyFailures,
    }
}

/// An estimate as it is stored.
pub(super) fn eta_of(eta: engine::Eta) -> DeliveryEta {
    DeliveryEta {
        pickup_p50: instant(eta.pickup_p50),
        pickup_p90: instant(eta.pickup_p90),
        dropoff_p50: instant(eta.dropoff_p50),
        dropoff_p90: instant(eta.dropoff_p90),
    }
}

fn announced(eta: &DeliveryEta) -> engine::Eta {
    engine::Eta {
        pickup_p50: eta.pickup_p50.secs(),
        pickup_p90: eta.pickup_p90.secs(),
        dropoff_p50: eta.dropoff_p50.secs(),
        dropoff_p90: eta.dropoff_p90.secs(),
    }
}

/// What the database says: open deliveries, those under way, couriers who are on or finish what they have.
pub(super) struct World<'a> {
    pub(super) deliveries: &'a [Delivery],
    pub(super) online: &'a [Courier],
    /// Off, but still bringing what they have: no offers, but estimates.
    pub(super) finishing: &'a [Courier],
    /// Cash a courier holds already in the currency of his limit, minor units; couriers not listed hold none.
    pub(super) floats: &'a BTreeMap<CourierId, i64>,
}

/// How much later than promised food is ready in one of ten cases, seconds.
const PREP_SPREAD_S: i64 = 300;

impl World<'_> {
    /// The engine's state after `epoch` ticks. Offers to couriers who went off are still in it: the caller takes
    /// them back.
    pub(super) fn snapshot(&self, epoch: u64) -> engine::Snapshot {
        let mut tasks: BTreeMap<CourierId, Vec<(Option<Timestamp>, engine::OrderId)>> = BTreeMap::new();
        let mut orders = BTreeMap::new();
        for delivery in self.deliveries {
            let id = order_id(delivery.id);
            if delivery.status.is_with_courier()
                && let Some(courier) = delivery.courier_id
            {
                tasks.entry(courier).or_default().push((delivery.assigned_at, id));
            }
            if let Some(order) = order_state(delivery) {
                orders.insert(id, order);
            }
        }
        let mut couriers = BTreeMap::new();
        for courier in self.online.iter().chain(self.finishing) {
            let Some(point) = courier.point else { continue };
            if couriers.contains_key(&courier_id(courier.id)) {
                // He went off between the two reads: one of them is enough.
                continue;
            }
            let mut mine = tasks.remove(&courier.id).unwrap_or_default();
            mine.sort_unstable();
            // Work the engine does not plan (bringing something back) still takes a place of his capacity.
            let unplanned = mine.iter().filter(|(_, task)| !orders.contains_key(task)).count();
            let room = courier.capacity.saturating_sub(i64::try_from(unplanned).unwrap_or(i64::MAX));
            let held = self.floats.get(&courier.id).copied().unwrap_or_default();
            let spec = engine::CourierSpec {
                id: courier_id(courier.id),
                place: place(point),
                until: courier.shift_until.map(Timestamp::secs),
                max_orders: u32::try_from(room).unwrap_or(0),
                max_load: courier.vehicle.max_load(),
                cash_room_minor: courier.cash_limit.amount_minor.saturating_sub(held),
                cash_currency: currency(courier.cash_limit.currency),
            };
            let seen_at = courier.seen_at.map_or(i64::MIN / 2, Timestamp::secs);
            let mut state = engine::CourierState::new(spec, seen_at);
            state.leaving = !courier.online;
            state.tasks =
                mine.into_iter().map(|(_, task)| task).filter(|task| orders.contains_key(task)).collect();
            couriers.insert(state.spec.id, state);
        }
        engine::Snapshot { epoch, orders, couriers, revokes: Vec::new() }
    }

    /// Couriers who are being asked but are off.
    pub(super) fn asked_but_off(&self) -> BTreeSet<CourierId> {
        let online: BTreeSet<CourierId> = self.online.iter().map(|c| c.id).collect();
        self.deliveries
            .iter()
            .filter_map(|d| d.offer.map(|offer| offer.courier_id))
            .filter(|id| !online.contains(id))
            .collect()
    }
}

/// `None` for what the engine does not plan any more.
fn order_state(delivery: &Delivery) -> Option<engine::OrderState> {
    let pickup = delivery.stop(StopKind::Pickup)?.point;
    let dropoff = delivery.stop(StopKind::Dropoff)?.point;
    let expected = delivery.ready_expected_at.secs();
    let mut order = engine::OrderState::new(engine::OrderSpec {
        id: order_id(delivery.id),
        store: store_id(delivery.store_id),
        pickup: place(pickup),
        dropoff: place(dropoff),
        placed_at: delivery.placed_at.secs(),
        ready: engine::ReadyTime { p50: expected, p90: expected.saturating_add(PREP_SPREAD_S) },
        load: delivery.load,
        cash_minor: delivery.cash_due.amount_minor,
        cash_currency: currency(delivery.cash_due.currency),
    });
    order.ready_at = delivery.ready_at.map(Timestamp::secs);
    order.eta = delivery.eta.as_ref().map(announced);
    order.escalated = delivery.escalated.iter().copied().map(told).collect();
    order.refusals = engine::Refusals {
        declined: delivery.refusals.declined.iter().copied().map(courier_id).collect(),
        expired: delivery
            .refusals
            .expired
            .iter()
            .map(|passed| (courier_id(passed.courier_id), u32::try_from(passed.times).unwrap_or(u32::MAX)))
            .collect(),
        failures: u32::try_from(delivery.refusals.failures).unwrap_or(u32::MAX),
    };
    let with = delivery.courier_id.map(courier_id);
    order.phase = match delivery.status {
        DeliveryStatus::Pending => engine::Phase::Open,
        DeliveryStatus::Offered => {
            let live = delivery.offer?;
            engine::Phase::Offered {
                courier: courier_id(live.courier_id),
                offer: command_id(live.command),
                // Rounded up: an offer is never ended before its time.
                expires_at: live.expires_at.millis().saturating_add(999).div_euclid(1_000),
            }
        }
        DeliveryStatus::Assigned | DeliveryStatus::EnRouteToPickup => {
            engine::Phase::Assigned { courier: with? }
        }
        DeliveryStatus::AtPickup => engine::Phase::AtPickup { courier: with? },
        DeliveryStatus::PickedUp | DeliveryStatus::EnRouteToDropoff | DeliveryStatus::AtDropoff => {
            engine::Phase::PickedUp { courier: with? }
        }
        _ => return None,
    };
    Some(order)
}
