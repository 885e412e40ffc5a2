#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use daraa_dispatch as engine;
use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::super::model::{Delivery, DeliveryStatus, Stop, StopKind};
use super::super::tests::delivery;
use super::world::{World, command_id, command_ref, courier_id, courier_of, delivery_of};
use crate::courier::{Courier, CourierStatus, Vehicle};
use crate::ids::CourierId;
use crate::place::Point;

fn placed(status: DeliveryStatus) -> Delivery {
    let stop = |kind, lat| Stop {
        kind,
        order_id: ObjectId::from_bytes([2; 12]).into(),
        point: Point::new(36.10, lat).unwrap(),
        arrived_at: None,
        done_at: None,
    };
    Delivery {
        stops: vec![stop(StopKind::Pickup, 32.62), stop(StopKind::Dropoff, 32.63)],
        ..delivery(status)
    }
}

fn on(n: u8) -> Courier {
    Courier {
        id: ObjectId::from_bytes([n; 12]).into(),
        account_id: ObjectId::from_bytes([2; 12]).into(),
        name: "Rami".into(),
        vehicle: Vehicle::Motorcycle,
        capacity: 1,
        status: CourierStatus::Active,
        cash_limit: Money::new(1_000, Currency::Syp),
        online: true,
        shift_until: None,
        point: Some(Point::new(36.10, 32.62).unwrap()),
        seen_at: Some(Timestamp::from_millis(0)),
        active_deliveries: 0,
        history: Vec::new(),
        created_at: Timestamp::from_millis(0),
        version: 1,
    }
}

fn offered(deliveries: &[Delivery], online: &[Courier], floats: &[(u8, i64)]) -> Vec<CourierId> {
    let floats: BTreeMap<CourierId, i64> =
        floats.iter().map(|(n, held)| (ObjectId::from_bytes([*n; 12]).into(), *held)).collect();
    let world = World { deliveries, online, finishing: &[], floats: &floats };
    let mut engine = engine::Engine::restore(
        engine::Config::default(),
        engine::Geodesic::default(),
        engine::PromisedPrep::default(),
        engine::ConstantAcceptance::default(),
        world.snapshot(0),
    );
    let tick = engine.tick(10, 1_000);
    tick.commands
        .iter()
        .filter_map(|c| match &c.action {
            engine::Action::Offer { courier, .. } => Some(courier_of(*courier)),
            _ => None,
        })
        .collect()
}

#[test]
fn an_open_delivery_is_offered_and_one_that_is_offered_is_not() {
    let courier = on(9);
    assert_eq!(
        offered(&[placed(DeliveryStatus::Pending)], std::slice::from_ref(&courier), &[]),
        [courier.id]
    );
    for status in DeliveryStatus::ALL.iter().filter(|s| **s != DeliveryStatus::Pending) {
        assert!(offered(&[placed(*status)], &[on(9)], &[]).is_empty(), "{status:?}");
    }
}

#[test]
fn who_brings_something_back_has_no_room_and_who_holds_much_cash_takes_no_more() {
    let mut returning = placed(DeliveryStatus::Returning);
    returning.id = ObjectId::from_bytes([8; 12]).into();
    returning.courier_id = Some(on(9).id);
    let open = placed(DeliveryStatus::Pending);
    assert!(offered(&[open.clone(), returning], &[on(9)], &[]).is_empty());
    // 500 are due, 1,000 is the limit.
    assert_eq!(offered(std::slice::from_ref(&open), &[on(9)], &[(9, 500)]).len(), 1);
    assert!(offered(&[open], &[on(9)], &[(9, 501)]).is_empty());
}

#[test]
fn cash_of_a_currency_without_a_limit_is_offered_to_nobody() {
    let mut dollars = placed(DeliveryStatus::Pending);
    dollars.cash_due = Money::new(1, Currency::Usd);
    assert!(offered(&[dollars.clone()], &[on(9)], &[]).is_empty());
    dollars.cash_due = Money::zero(Currency::Usd);
    assert_eq!(offered(&[dollars], &[on(9)], &[]).len(), 1, "paid otherwise");
}

#[test]
fn who_is_off_finishes_what_he_has_with_an_estimate_and_without_offers() {
    let mut carried = placed(DeliveryStatus::PickedUp);
    carried.id = ObjectId::from_bytes([8; 12]).into();
    carried.courier_id = Some(on(9).id);
    let off = Courier { online: false, capacity: 2, active_deliveries: 1, ..on(9) };
    let deliveries = [carried.clone(), placed(DeliveryStatus::Pending)];
    let floats = BTreeMap::new();
    let world = World { deliveries: &deliveries, online: &[], finishing: &[off], floats: &floats };
    let mut engine = engine::Engine::restore(
        engine::Config::default(),
        engine::Geodesic::default(),
        engine::PromisedPrep::default(),
        engine::ConstantAcceptance::default(),
        world.snapshot(0),
    );
    let said: Vec<engine::Action> = engine.tick(10, 1_000).commands.into_iter().map(|c| c.action).collect();
    assert!(!said.iter().any(|action| matches!(action, engine::Action::Offer { .. })));
    let told = |action: &engine::Action| match action {
        engine::Action::Eta { order, .. } => delivery_of(*order) == carried.id,
        _ => false,
    };
    assert!(said.iter().any(told), "{said:?}");
}

#[test]
fn who_went_off_is_asked_no_more() {
    let world = |online: &[Courier]| {
        let deliveries = [placed(DeliveryStatus::Offered)];
        let floats = BTreeMap::new();
        World { deliveries: &deliveries, online, finishing: &[], floats: &floats }.asked_but_off().len()
    };
    assert_eq!(world(&[on(6)]), 0);
    assert_eq!(world(&[on(9)]), 1);
}

proptest! {
    #[test]
    fn ids_survive_the_engine(bytes in any::<[u8; 12]>()) {
        let courier = CourierId::from(ObjectId::from_bytes(bytes));
        prop_assert_eq!(courier_of(courier_id(courier)), courier);
        let mut d = placed(DeliveryStatus::Pending);
        d.id = ObjectId::from_bytes(bytes).into();
        let world = World { deliveries: std::slice::from_ref(&d), online: &[], finishing: &[], floats: &BTreeMap::new() };
        let snapshot = world.snapshot(0);
        prop_assert_eq!(delivery_of(*snapshot.orders.keys().next().unwrap()), d.id);
    }

    #[test]
    fn command_names_survive_storage(shard in any::<u32>(), epoch in 0..u64::MAX / 2, number in any::<u32>()) {
        let id = engine::CommandId { shard, epoch, number };
        prop_assert_eq!(command_id(command_ref(id)), id);
    }
}
