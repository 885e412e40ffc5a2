#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::error::DeliveryError;
use super::model::{
    Attempts, CommandRef, Delivery, DeliveryAction as A, DeliveryStatus as S, DeliveryStep, LiveOffer,
    Refusals,
};
use super::rules::{
    ABANDONED_AFTER, CODE_LOCK, Decision, Facts, MAX_CODE_TRIES, Party, TRANSITIONS, available_actions,
    cash_collected, claim_try, decide, forgotten, within_cash_limit,
};

const PARTIES: [Party; 5] = [Party::Customer, Party::Staff, Party::Courier, Party::Ops, Party::System];

fn id<T: From<ObjectId>>(n: u8) -> T {
    T::from(ObjectId::from_bytes([n; 12]))
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(secs * 1_000)
}

pub(super) fn delivery(status: S) -> Delivery {
    Delivery {
        id: id(1),
        order_ids: vec![id(2)],
        group_id: id(3),
        account_id: id(4),
        store_id: id(5),
        status,
        stops: Vec::new(),
        courier_id: status.is_with_courier().then(|| id(6)),
        assigned_at: None,
        offer: (status == S::Offered).then(|| LiveOffer {
            offer_id: id(7),
            courier_id: id(6),
            expires_at: at(1_000),
            command: CommandRef { shard: 0, epoch: 1, number: 1 },
        }),
        refusals: Refusals::default(),
        escalated: Vec::new(),
        ready_expected_at: at(0),
        ready_at: Some(at(0)),
        cash_due: Money::new(500, Currency::Syp),
        cash_collected: None,
        load: 1,
        eta: None,
        store_code_attempts: Attempts::default(),
        pin_attempts: Attempts::default(),
        wait_until: (status == S::AtDropoff).then(|| at(1_000)),
        proof: None,
        failure: None,
        placed_at: at(0),
        history: Vec::new(),
        created_at: at(0),
        version: 1,
    }
}

fn actions() -> Vec<A> {
    let mut out: Vec<A> = Vec::new();
    for row in TRANSITIONS {
        if !out.contains(&row.action) {
            out.push(row.action);
        }
    }
    out
}

#[test]
fn what_was_to_be_fetched_is_forgotten_when_no_step_is_younger() {
    let taken = |status: S, secs: i64| Delivery { assigned_at: Some(at(secs)), ..delivery(status) };
    let stepped = |status: S, secs: i64| {
        let mut delivery = taken(status, 0);
        delivery.history.push(DeliveryStep {
            at: at(secs),
            actor: "courier".to_owned(),
            action: A::Depart,
            from: S::Assigned,
            to: status,
            reason: None,
            version: 2,
        });
        delivery
    };
    let found = |deliveries: &[Delivery]| -> Vec<S> {
        forgotten(deliveries, at(100)).into_iter().map(|d| d.status).collect()
    };
    assert_eq!(found(&[taken(S::Assigned, 100)]), [S::Assigned]);
    assert_eq!(found(&[stepped(S::EnRouteToPickup, 100)]), [S::EnRouteToPickup]);
    assert!(found(&[taken(S::Assigned, 101)]).is_empty(), "just taken");
    assert!(found(&[stepped(S::EnRouteToPickup, 101)]).is_empty(), "just set off");
    // What he carries stays his, and a sign about one of his deliveries counts for all.
    assert_eq!(found(&[taken(S::Assigned, 0), stepped(S::PickedUp, 0)]), [S::Assigned]);
    assert!(found(&[taken(S::Assigned, 0), stepped(S::PickedUp, 101)]).is_empty());
    for status in S::ALL.iter().filter(|s| !matches!(s, S::Assigned | S::EnRouteToPickup)) {
        assert!(found(&[taken(*status, 0)]).is_empty(), "{status:?}");
    }
}

#[test]
fn a_limit_holds_for_its_own_currency() {
    let limit = Money::new(1_000, Currency::Syp);
    assert!(within_cash_limit(limit, limit));
    assert!(!within_cash_limit(Money::new(1_001, Currency::Syp), limit));
    assert!(!within_cash_limit(Money::new(1, Currency::Usd), limit), "no limit is no leave");
}

#[test]
fn what_is_offered_is_what_is_allowed() {
    for now in [at(0), at(1_000), at(1_000).plus(ABANDONED_AFTER)] {
        for status in S::ALL {
            let delivery = delivery(*status);
            for party in PARTIES {
                let offered = available_actions(&delivery, &[party], Facts::at(now));
                for action in actions() {
                    let allowed =
                        matches!(decide(&delivery, action, &[party], Facts::at(now)), Ok(Decision::Move(_)));
                    assert_eq!(offered.contains(&action), allowed, "{status:?} {action:?} {party:?}");
                }
            }
        }
    }
}

#[test]
fn every_status_is_reachable_and_the_final_ones_are_final() {
    for status in S::ALL {
        let out = TRANSITIONS.iter().any(|t| t.from == *status);
        assert_eq!(out, !status.is_final(), "{status:?}");
        assert!(*status == S::Pending || TRANSITIONS.iter().any(|t| t.to == *status), "{status:?}");
    }
}

#[test]
fn nothing_is_delivered_before_it_was_picked_up() {
    // Every way from PENDING to DELIVERED passes PICKED_UP: without it DELIVERED cannot be reached.
    let mut seen = vec![S::Pending];
    let mut i = 0;
    while let Some(from) = seen.get(i).copied() {
        for row in TRANSITIONS.iter().filter(|t| t.from == from && t.to != S::PickedUp) {
            if !seen.contains(&row.to) {
                seen.push(row.to);
            }
        }
        i += 1;
    }
    for never in [S::Delivered, S::AtDropoff, S::Returned, S::Failed] {
        assert!(!seen.contains(&never), "{never:?}");
    }
}

#[test]
fn goods_wait_for_the_store_and_the_door_waits_for_the_customer() {
    let mut d = delivery(S::AtPickup);
    d.ready_at = None;
    let courier = [Party::Courier];
    assert!(matches!(decide(&d, A::PickUp, &courier, Facts::at(at(0))), Err(DeliveryError::OrderNotReady)));

    let d = delivery(S::AtDropoff);
    assert!(matches!(decide(&d, A::Fail, &courier, Facts::at(at(999))), Err(DeliveryError::WaitNotOver)));
    assert!(decide(&d, A::Fail, &courier, Facts::at(at(1_000))).is_ok());
    assert!(decide(&d, A::Fail, &[Party::Ops], Facts::at(at(0))).is_ok());
    let system = [Party::System];
    assert!(matches!(decide(&d, A::Fail, &system, Facts::at(at(1_000))), Err(DeliveryError::WaitNotOver)));
    assert!(decide(&d, A::Fail, &system, Facts::at(at(1_000).plus(ABANDONED_AFTER))).is_ok());
}

#[test]
fn an_expired_offer_is_not_accepted_and_arriving_means_being_there() {
    let d = delivery(S::Offered);
    let courier = [Party::Courier];
    assert!(decide(&d, A::Accept, &courier, Facts::at(at(999))).is_ok());
    assert!(matches!(
        decide(&d, A::Accept, &courier, Facts::at(at(1_000))),
        Err(DeliveryError::OfferNotLive)
    ));

    let d = delivery(S::EnRouteToPickup);
    let facts = |distance_m, geofence_m| Facts { distance_m, geofence_m, ..Facts::at(at(0)) };
    assert!(decide(&d, A::Arrive, &courier, facts(Some(100), 100)).is_ok());
    assert!(matches!(
        decide(&d, A::Arrive, &courier, facts(Some(101), 100)),
        Err(DeliveryError::TooFarAway { distance_m: 101 })
    ));
    assert!(decide(&d, A::Arrive, &courier, facts(Some(9_999), 0)).is_ok(), "0 switches it off");
}

#[test]
fn said_twice_is_done_once() {
    let mut d = delivery(S::AtPickup);
    d.history.push(DeliveryStep {
        at: at(0),
        actor: "cou".into(),
        action: A::Arrive,
        from: S::EnRouteToPickup,
        to: S::AtPickup,
        reason: None,
        version: 2,
    });
    let courier = [Party::Courier];
    assert_eq!(decide(&d, A::Arrive, &courier, Facts::at(at(0))).unwrap(), Decision::Already);
    assert!(matches!(
        decide(&d, A::Depart, &courier, Facts::at(at(0))),
        Err(DeliveryError::InvalidTransition)
    ));
}

#[test]
fn cash_is_exact() {
    let due = Money::new(500, Currency::Syp);
    let none = Money::zero(Currency::Syp);
    assert_eq!(cash_collected(due, Some(500)).unwrap(), Some(due));
    assert_eq!(cash_collected(due, None).unwrap(), Some(due));
    assert_eq!(cash_collected(none, None).unwrap(), None);
    assert_eq!(cash_collected(none, Some(0)).unwrap(), None);
    for wrong in [0, 499, 501, -500] {
        assert!(matches!(cash_collected(due, Some(wrong)), Err(DeliveryError::CashMismatch)));
    }
    assert!(matches!(cash_collected(none, Some(1)), Err(DeliveryError::CashMismatch)));
}

proptest! {
    /// However the tries are spread in time, a guesser gets at most five in any span as long as the pause.
    #[test]
    fn guessing_is_slow(gaps in prop::collection::vec(0_i64..200, 1..60)) {
        let mut attempts = Attempts::default();
        let mut now = at(0);
        let mut tried: Vec<Timestamp> = Vec::new();
        for gap in gaps {
            now = now.plus(Duration::from_secs(u64::try_from(gap).unwrap()));
            if let Ok(next) = claim_try(attempts, now) {
                attempts = next;
                tried.push(now);
            }
            prop_assert!(attempts.used <= MAX_CODE_TRIES);
        }
        let limit = usize::try_from(MAX_CODE_TRIES).unwrap();
        for (i, first) in tried.iter().enumerate() {
            // Six tries in a row always hold a pause.
            if let Some(last) = tried.get(i + limit) {
                prop_assert!(last.since(*first) >= CODE_LOCK);
            }
        }
    }

    /// A random walk by whoever may: the history is legal and a final status is the end.
    #[test]
    fn walks_are_legal(steps in prop::collection::vec((0..17_usize, 0..5_usize), 0..80)) {
        let all = actions();
        let mut d = delivery(S::Pending);
        for (action, party) in steps {
            let (action, party) = (all[action % all.len()], PARTIES[party]);
            d.offer = delivery(S::Offered).offer;
            d.wait_until = Some(at(0));
            if let Ok(Decision::Move(to)) = decide(&d, action, &[party], Facts::at(at(999))) {
                prop_assert!(!d.status.is_final());
                prop_assert!(TRANSITIONS.iter().any(|t| t.from == d.status && t.to == to && t.who.contains(&party)));
                d.status = to;
            }
        }
    }
}
