#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::time::Duration;

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::error::CourierError;
use super::model::{Courier, CourierAction, CourierStatus, Vehicle};
use super::rules::{MAX_CAPACITY, TRANSITIONS, capacity, decide, may_go_online};

const STATUSES: [CourierStatus; 3] =
    [CourierStatus::PendingApproval, CourierStatus::Active, CourierStatus::Suspended];
const ACTIONS: [CourierAction; 3] =
    [CourierAction::Approve, CourierAction::Suspend, CourierAction::Reinstate];

fn courier(status: CourierStatus) -> Courier {
    Courier {
        id: ObjectId::from_bytes([1; 12]).into(),
        account_id: ObjectId::from_bytes([2; 12]).into(),
        name: "Rami".into(),
        vehicle: Vehicle::Motorcycle,
        capacity: 1,
        status,
        cash_limit: Money::new(1, Currency::Syp),
        online: false,
        shift_until: None,
        point: None,
        seen_at: None,
        active_deliveries: 0,
        history: Vec::new(),
        created_at: Timestamp::from_millis(0),
        version: 1,
    }
}

#[test]
fn the_machine_moves_by_the_table_only() {
    for status in STATUSES {
        for action in ACTIONS {
            let row = TRANSITIONS.iter().find(|t| t.from == status && t.action == action);
            match decide(status, action) {
                Ok(Some(to)) => assert_eq!(to, row.expect("a row").to),
                Ok(None) => assert!(row.is_none() && TRANSITIONS.iter().any(|t| t.to == status)),
                Err(e) => assert!(row.is_none() && matches!(e, CourierError::InvalidTransition)),
            }
        }
    }
}

#[test]
fn only_active_couriers_go_online_and_shifts_end_within_a_day() {
    let now = Timestamp::from_millis(1_000_000);
    let hours = |n: u64| Some(now.plus(Duration::from_secs(n * 3_600)));
    let active = courier(CourierStatus::Active);
    assert!(may_go_online(&active, None, now).is_ok());
    assert!(may_go_online(&active, hours(24), now).is_ok());
    assert!(matches!(may_go_online(&active, hours(25), now), Err(CourierError::ShiftEndOutOfRange)));
    assert!(matches!(may_go_online(&active, Some(now), now), Err(CourierError::ShiftEndOutOfRange)));
    for status in [CourierStatus::PendingApproval, CourierStatus::Suspended] {
        assert!(matches!(may_go_online(&courier(status), None, now), Err(CourierError::CourierNotActive)));
    }
}

proptest! {
    #[test]
    fn capacity_is_bounded(n in any::<i64>()) {
        match capacity(Some(n)) {
            Ok(c) => prop_assert!(c == n && (1..=MAX_CAPACITY).contains(&n)),
            Err(_) => prop_assert!(!(1..=MAX_CAPACITY).contains(&n)),
        }
    }
}
