#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::assign::assign;
use crate::*;

const STORE: StoreId = StoreId(7);

fn place(north_m: i32, east_m: i32) -> Place {
    Place { lat_e7: 326_200_000 + north_m * 90, lon_e7: 361_000_000 + east_m * 107 }
}

fn order(id: u128, ready: Secs) -> OrderSpec {
    OrderSpec {
        id: OrderId(id),
        store: STORE,
        pickup: place(0, 0),
        dropoff: place(1_500, 500),
        placed_at: 0,
        ready: ReadyTime { p50: ready, p90: ready + 120 },
        load: 1,
        cash_minor: 0,
        cash_currency: 0,
    }
}

fn courier(id: u128, at: Place) -> CourierSpec {
    CourierSpec {
        id: CourierId(id),
        place: at,
        until: None,
        max_orders: 1,
        max_load: 10,
        cash_room_minor: 1_000_000,
        cash_currency: 0,
    }
}

fn engine() -> Engine<Geodesic> {
    Engine::new(Config::default(), Geodesic::default())
}

fn offers(tick: &Tick) -> Vec<(OrderId, CourierId, CommandId)> {
    tick.commands
        .iter()
        .filter_map(|c| match &c.action {
            Action::Offer { orders, courier, .. } => Some((orders[0], *courier, c.id)),
            _ => None,
        })
        .collect()
}

fn escalations(tick: &Tick) -> Vec<EscalateReason> {
    tick.commands
        .iter()
        .filter_map(|c| match c.action {
            Action::Escalate { reason, .. } => Some(reason),
            _ => None,
        })
        .collect()
}

#[test]
fn distance_on_the_ground() {
    // One degree of longitude at 32.62 N is 93.65 km.
    let m = Geodesic::metres(
        Place { lat_e7: 326_200_000, lon_e7: 360_000_000 },
        Place { lat_e7: 326_200_000, lon_e7: 370_000_000 },
    );
    assert!((93_500..93_800).contains(&m), "{m}");
    assert_eq!(Geodesic::metres(place(0, 0), place(0, 0)), 0);
    // 2 km, 30 % longer by road, at 24 km/h: 390 s.
    let s = Geodesic::default().seconds(place(0, 0), place(2_000, 0), 0);
    assert!((385..395).contains(&s), "{s}");
}

#[test]
fn the_nearest_is_asked_just_in_time() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(3_000, 0))), 0);
    e.apply(Event::CourierOn(courier(2, place(300, 0))), 0);
    e.apply(Event::OrderPlaced(order(10, 900)), 0);
    // The near courier needs a minute: asked only when one more epoch would delay the pickup.
    assert_eq!(offers(&e.tick(0, 1_000)), vec![]);
    let mut asked_at = None;
    for now in (10..900).step_by(10) {
        if let Some((o, c, _)) = offers(&e.tick(now, 1_000)).first() {
            assert_eq!((*o, *c), (OrderId(10), CourierId(2)));
            asked_at = Some(now);
            break;
        }
    }
    assert!((750..900).contains(&asked_at.expect("asked")), "{asked_at:?}");
}

#[test]
fn ready_food_is_asked_for_at_once() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(300, 0))), 0);
    e.apply(Event::OrderPlaced(order(10, 1_000)), 0);
    assert_eq!(offers(&e.tick(0, 1_000)), vec![]);
    e.apply(Event::Ready { order: OrderId(10) }, 5);
    assert_eq!(offers(&e.tick(10, 1_000)).len(), 1);
}

#[test]
fn a_decline_excludes_and_asks_the_next_at_once() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(100, 0))), 0);
    e.apply(Event::CourierOn(courier(2, place(900, 0))), 0);
    e.apply(Event::OrderPlaced(order(10, 0)), 0);
    let (o, c, id) = offers(&e.tick(0, 1_000))[0];
    assert_eq!(c, CourierId(1));
    assert_eq!(e.apply(Event::OfferRejected { order: o, courier: c, offer: id }, 3), Applied::Changed);
    assert_eq!(e.apply(Event::OfferRejected { order: o, courier: c, offer: id }, 3), Applied::Ignored);
    let (_, c, id) = offers(&e.tick(10, 1_000))[0];
    assert_eq!(c, CourierId(2));
    e.apply(Event::OfferRejected { order: o, courier: c, offer: id }, 12);
    let tick = e.tick(20, 1_000);
    assert_eq!(offers(&tick), vec![], "nobody who declined is asked again");
    assert_eq!(escalations(&tick), vec![EscalateReason::EverybodyDeclined]);
    assert_eq!(escalations(&e.tick(30, 1_000)), vec![], "told once");
}

#[test]
fn an_expired_offer_goes_to_the_next_and_comes_back_when_nobody_else_is_there() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(100, 0))), 0);
    e.apply(Event::CourierOn(courier(2, place(4_000, 0))), 0);
    e.apply(Event::OrderPlaced(order(10, 0)), 0);
    assert_eq!(offers(&e.tick(0, 1_000))[0].1, CourierId(1));
    assert_eq!(offers(&e.tick(20, 1_000)), vec![], "a live offer is exclusive");
    let tick = e.tick(30, 1_000);
    assert!(matches!(tick.commands[0].action, Action::Revoke { reason: RevokeReason::Expired, .. }));
    assert_eq!(offers(&tick)[0].1, CourierId(2), "the next one in the same tick");
    let tick = e.tick(60, 1_000);
    assert_eq!(offers(&tick).len(), 1, "both were asked once: the order still does not stall");
    assert_eq!(escalations(&e.tick(90, 1_000)), vec![EscalateReason::TooManyFailures]);
}

#[test]
fn off_time_limits_pickup() {
    let mut e = engine();
    e.apply(Event::CourierOn(CourierSpec { until: Some(100), ..courier(1, place(2_000, 0)) }), 0);
    e.apply(Event::OrderPlaced(order(10, 0)), 0);
    let tick = e.tick(0, 1_000);
    assert_eq!(offers(&tick), vec![]);
    assert_eq!(escalations(&tick), vec![EscalateReason::NobodyInTime]);
    e.apply(Event::CourierOn(CourierSpec { until: Some(500), ..courier(1, place(2_000, 0)) }), 5);
    assert_eq!(offers(&e.tick(10, 1_000)).len(), 1);
}

#[test]
fn limits_of_cash_and_load() {
    let mut e = engine();
    e.apply(Event::CourierOn(CourierSpec { cash_room_minor: 500, ..courier(1, place(0, 0)) }), 0);
    e.apply(Event::OrderPlaced(OrderSpec { cash_minor: 501, ..order(10, 0) }), 0);
    e.apply(Event::OrderPlaced(OrderSpec { load: 11, ..order(11, 0) }), 0);
    let tick = e.tick(0, 1_000);
    assert_eq!(offers(&tick), vec![]);
    assert_eq!(escalations(&tick), vec![EscalateReason::NoSuitableCourier; 2]);
}

#[test]
fn a_shift_that_has_ended_counts_as_nobody() {
    let mut e = engine();
    e.apply(Event::CourierOn(CourierSpec { until: Some(100), ..courier(1, place(0, 0)) }), 0);
    e.apply(Event::OrderPlaced(order(10, 0)), 101);
    let tick = e.tick(101, 1_000);
    assert_eq!(offers(&tick), vec![]);
    assert_eq!(escalations(&tick), vec![EscalateReason::NoCourierOnline]);

    // Beside somebody who is on but cannot, he is not the suitable one either.
    e.apply(Event::CourierOn(CourierSpec { max_load: 0, ..courier(2, place(0, 0)) }), 102);
    assert_eq!(escalations(&e.tick(110, 1_000)), vec![EscalateReason::NoSuitableCourier]);
    e.apply(Event::CourierOn(CourierSpec { until: Some(5_000), ..courier(1, place(0, 0)) }), 111);
    assert_eq!(offers(&e.tick(120, 1_000)).len(), 1, "a shift that goes on");
}

#[test]
fn room_for_cash_is_of_one_currency() {
    let mut e = engine();
    let two = CourierSpec { max_orders: 2, cash_room_minor: 500, ..courier(1, place(0, 0)) };
    e.apply(Event::CourierOn(two), 0);
    e.apply(Event::OrderPlaced(OrderSpec { cash_minor: 1, cash_currency: 9, ..order(10, 0) }), 0);
    let tick = e.tick(0, 1_000);
    assert_eq!((offers(&tick), escalations(&tick)), (vec![], vec![EscalateReason::NoSuitableCourier]));
    // Without cash the currency says nothing, and what he has of another one takes no room.
    e.apply(Event::OrderPlaced(OrderSpec { cash_currency: 9, ..order(11, 0) }), 5);
    let (o, c, offer) = offers(&e.tick(10, 1_000))[0];
    assert_eq!(o, OrderId(11));
    e.apply(Event::OfferAccepted { order: o, courier: c, offer }, 11);
    e.apply(Event::Assigned { order: OrderId(10), courier: c }, 12);
    e.apply(Event::Dropped { order: OrderId(11) }, 13);
    e.apply(Event::OrderPlaced(OrderSpec { cash_minor: 500, ..order(12, 0) }), 14);
    assert_eq!(
        e.tick(20, 1_000).commands.iter().filter(|c| matches!(c.action, Action::Offer { .. })).count(),
        1
    );
}

#[test]
fn a_due_order_takes_the_courier_kept_for_a_later_one() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(100, 0))), 0);
    e.apply(Event::OrderPlaced(OrderSpec { placed_at: -9_000, ..order(10, 1_100) }), 0);
    e.apply(Event::OrderPlaced(order(11, 0)), 0);
    assert_eq!(offers(&e.tick(0, 1_000))[0].0, OrderId(11));
}

#[test]
fn a_courier_going_off_loses_his_offer_but_keeps_his_order() {
    let mut e = engine();
    e.apply(Event::CourierOn(courier(1, place(0, 0))), 0);
    e.apply(Event::OrderPlaced(order(10, 0)), 0);
    let (o, c, id) = offers(&e.tick(0, 1_000))[0];
    e.apply(Event::CourierOff { courier: c }, 1);
    assert_eq!(e.apply(Event::OfferAccepted { order: o, courier: c, offer: id }, 2), Applied::Ignored);
    let tick = e.tick(10, 1_000);
    assert!(matches!(tick.commands[0].action, Action::Revoke { reason: RevokeReason::CourierOff, .. }));
    assert_eq!(escalations(&tick), vec![EscalateReason::NoCourierOnline]);

    e.apply(Event::CourierOn(courier(1, place(0, 0))), 11);
    let (o, c, id) = offers(&e.tick(20, 1_000))[0];
    e.apply(Event::OfferAccepted { order: o, courier: c, offer: id }, 21);
    e.apply(Event::CourierOff { courier: c }, 22);
    assert_eq!(e.state().couriers[&c].tasks, vec![o]);
    e.apply(Event::Dropped { order: o }, 900);
    assert!(e.state().couriers.is_empty());
}

#[test]
fn a_small_budget_reaches_everybody_in_turn() {
    let mut e = engine();
    for i in 0..5 {
        e.apply(Event::CourierOn(courier(i, place(100, 0))), 0);
        e.apply(Event::OrderPlaced(order(100 + i, 0)), 0);
    }
    let mut asked = BTreeSet::new();
    for epoch in 0..5 {
        for (o, c, offer) in offers(&e.tick(epoch * 10, 1)) {
            asked.insert(o);
            e.apply(Event::OfferAccepted { order: o, courier: c, offer }, epoch * 10 + 1);
        }
    }
    assert_eq!(asked.len(), 5);
}

fn cheapest(edges: &[Vec<(usize, i64)>], row: usize, used: &mut BTreeSet<usize>, wait: i64) -> i64 {
    let Some(options) = edges.get(row) else { return 0 };
    let mut best = wait + cheapest(edges, row + 1, used, wait);
    for &(column, cost) in options {
        if used.insert(column) {
            best = best.min(cost + cheapest(edges, row + 1, used, wait));
            used.remove(&column);
        }
    }
    best
}

/// One thing that happens in a random day; numbers are reduced to what exists.
#[derive(Debug, Clone)]
enum Happening {
    Place { ready_in: i64, north: i32, east: i32 },
    On { courier: u128, north: i32, east: i32, shift: i64 },
    Off { courier: u128 },
    Answer { nth: usize, yes: bool },
    Advance { nth: usize },
    Cancel { nth: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    let m = -4_000..4_000_i32;
    prop_oneof![
        4 => (0..1_500_i64, m.clone(), m.clone())
            .prop_map(|(ready_in, north, east)| Happening::Place { ready_in, north, east }),
        2 => (0..8_u128, m.clone(), m, 600..9_000_i64)
            .prop_map(|(courier, north, east, shift)| Happening::On { courier, north, east, shift }),
        1 => (0..8_u128).prop_map(|courier| Happening::Off { courier }),
        6 => (0..8_usize, any::<bool>()).prop_map(|(nth, yes)| Happening::Answer { nth, yes }),
        6 => (0..8_usize).prop_map(|nth| Happening::Advance { nth }),
        1 => (0..8_usize).prop_map(|nth| Happening::Cancel { nth }),
    ]
}

/// Plays the day; after each epoch `check` sees the engine and what it said. `restore_at` swaps the engine for a
/// restored copy after that epoch.
fn play(
    day: &[Vec<Happening>],
    restore_at: Option<usize>,
    mut check: impl FnMut(&Engine<Geodesic>, &Tick),
) -> Vec<String> {
    let mut e = engine();
    let mut said = Vec::new();
    let mut next = 1_000_u128;
    for (epoch, happenings) in day.iter().enumerate() {
        let now = i64::try_from(epoch).unwrap() * 10;
        for h in happenings {
            let orders: Vec<OrderState> = e.state().orders.values().cloned().collect();
            let pick = |nth: usize, of: &dyn Fn(&OrderState) -> bool| {
                let fit: Vec<OrderState> = orders.iter().filter(|o| of(o)).cloned().collect();
                (!fit.is_empty()).then(|| fit[nth % fit.len()].clone())
            };
            let event = match *h {
                Happening::Place { ready_in, north, east } => {
                    next += 1;
                    Some(Event::OrderPlaced(OrderSpec {
                        pickup: place(north, east),
                        placed_at: now,
                        ..order(next, now + ready_in)
                    }))
                }
                Happening::On { courier: id, north, east, shift } => Some(Event::CourierOn(CourierSpec {
                    until: Some(now + shift),
                    max_orders: 2,
                    ..courier(id, place(north, east))
                })),
                Happening::Off { courier } => Some(Event::CourierOff { courier: CourierId(courier) }),
                Happening::Answer { nth, yes } => pick(nth, &|o| matches!(o.phase, Phase::Offered { .. }))
                    .map(|o| match o.phase {
                        Phase::Offered { courier, offer, .. } if yes => {
                            Event::OfferAccepted { order: o.spec.id, courier, offer }
                        }
                        Phase::Offered { courier, offer, .. } => {
                            Event::OfferRejected { order: o.spec.id, courier, offer }
                        }
                        _ => unreachable!(),
                    }),
                Happening::Advance { nth } => {
                    pick(nth, &|o| o.phase.holder().is_some()).map(|o| match o.phase {
                        Phase::Assigned { .. } => Event::Arrived { order: o.spec.id },
                        Phase::AtPickup { .. } => Event::PickedUp { order: o.spec.id },
                        _ => Event::Dropped { order: o.spec.id },
                    })
                }
                Happening::Cancel { nth } => {
                    pick(nth, &|_| true).map(|o| Event::Cancelled { order: o.spec.id })
                }
            };
            if let Some(event) = event {
                e.apply(event, now);
            }
        }
        let tick = e.tick(now, 10_000);
        said.push(serde_json::to_string(&tick.commands).unwrap());
        check(&e, &tick);
        if restore_at == Some(epoch) {
            let text = serde_json::to_string(&e.snapshot()).unwrap();
            let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
            e = Engine::restore(
                Config::default(),
                Geodesic::default(),
                PromisedPrep::default(),
                ConstantAcceptance::default(),
                snapshot,
            );
        }
    }
    said
}

fn day() -> impl Strategy<Value = Vec<Vec<Happening>>> {
    prop::collection::vec(prop::collection::vec(happening(), 0..5), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn assignment_is_optimal(
        edges in prop::collection::vec(prop::collection::btree_map(0..5_usize, 0..100_i64, 0..5), 0..6),
    ) {
        let edges: Vec<Vec<(usize, i64)>> = edges.into_iter().map(|m| m.into_iter().collect()).collect();
        for wait in [0, 40, 1_000] {
            let got = assign(&edges, 5, wait);
            let mut used = BTreeSet::new();
            let mut cost = 0;
            for (row, column) in got.iter().enumerate() {
                match column {
                    Some(c) => {
                        prop_assert!(used.insert(*c), "one column, one row");
                        cost += edges[row].iter().find(|(e, _)| e == c).expect("an edge").1;
                    }
                    None => cost += wait,
                }
            }
            prop_assert_eq!(cost, cheapest(&edges, 0, &mut BTreeSet::new(), wait));
        }
    }

    #[test]
    fn same_events_same_commands_restored_anywhere(day in day(), at in 0..60_usize) {
        let plain = play(&day, None, |_, _| {});
        prop_assert_eq!(&plain, &play(&day, None, |_, _| {}));
        prop_assert_eq!(&plain, &play(&day, Some(at % day.len()), |_, _| {}));
    }

    #[test]
    fn offers_are_exclusive_within_limits_and_never_repeated_to_those_who_declined(day in day()) {
        let mut seen = BTreeSet::new();
        play(&day, None, |e, tick| {
            let mut asked: BTreeMap<CourierId, OrderId> = BTreeMap::new();
            for o in e.state().orders.values() {
                if let Phase::Offered { courier, .. } = o.phase {
                    assert!(asked.insert(courier, o.spec.id).is_none(), "two live offers for one courier");
                    assert!(!o.refusals.declined.contains(&courier));
                    let c = &e.state().couriers[&courier];
                    assert!(!c.leaving && c.tasks.len() < 2);
                }
            }
            for command in &tick.commands {
                assert!(seen.insert(command.id), "a command id used twice");
            }
        });
    }

    #[test]
    fn a_due_order_never_waits_while_a_suitable_courier_is_free(day in day()) {
        let mut now = 0;
        play(&day, None, |e, _| {
            let busy: BTreeSet<CourierId> =
                e.state().orders.values().filter_map(|o| o.phase.courier()).collect();
            for o in e.state().orders.values().filter(|o| o.phase == Phase::Open && o.spec.ready.p50 <= now) {
                for c in e.state().couriers.values().filter(|c| !busy.contains(&c.spec.id) && !c.leaving) {
                    let pickup = now + Geodesic::default().seconds(c.spec.place, o.spec.pickup, now) + 60;
                    let in_time = c.spec.until.is_none_or(|until| pickup <= until);
                    // He may wait for a courier who is about to be free close by; then that one is not idle.
                    let better = e.state().couriers.values().any(|b| !b.tasks.is_empty());
                    assert!(
                        !in_time || o.refusals.declined.contains(&c.spec.id) || better,
                        "order {} stalls beside courier {}", o.spec.id, c.spec.id
                    );
                }
            }
            now += 10;
        });
    }
}
