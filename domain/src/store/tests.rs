#![allow(clippy::unwrap_used, reason = "tests")]

use daraa_platform::money::Currency;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::area::ServiceArea;
use super::hours::{Closure, OpenRange, Schedule, TimeOfDay, TimeZone, Weekday};
use super::*;
use crate::account::Phone;
use crate::place::Point;
use crate::text::LocalText;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn store() -> Store {
    let (opens, closes) = (TimeOfDay::parse("09:00").unwrap(), TimeOfDay::parse("21:00").unwrap());
    let point = |lon, lat| Point::new(lon, lat).unwrap();
    let corner = point(36.0, 32.5);
    let ring = vec![corner, point(36.2, 32.5), point(36.2, 32.7), point(36.0, 32.7), corner];
    Store {
        id: ObjectId::from_bytes([1; 12]).into(),
        name: LocalText::new("مطعم", "Restaurant"),
        description: LocalText::new("", ""),
        category_id: ObjectId::from_bytes([2; 12]).into(),
        point: point(36.1, 32.62),
        phone: Phone::parse("+963944000101").unwrap(),
        currency: Currency::Syp,
        schedule: Schedule {
            time_zone: TimeZone::DAMASCUS,
            hours: Weekday::ALL.map(|weekday| OpenRange { weekday, opens, closes }).to_vec(),
            overrides: Vec::new(),
            closures: Vec::new(),
        },
        paused_until: None,
        rush: None,
        min_order: None,
        prep_minutes: 20,
        service_area: Some(ServiceArea::new(vec![vec![ring]]).unwrap()),
        status: StoreStatus::Active,
        rating: Rating::default(),
        commission_bps: None,
        auto_accept: false,
        prefixes: Vec::new(),
        history: Vec::new(),
        created_at: at("2026-01-01T00:00:00Z"),
        version: 1,
    }
}

#[test]
fn the_life_cycle_is_this_table() {
    let table: Vec<String> = TRANSITIONS
        .iter()
        .map(|t| format!("{:?} --{:?}--> {:?} {:?}", t.from, t.action, t.to, t.who))
        .collect();
    assert_eq!(
        table.join("\n"),
        "\
Draft --Submit--> PendingApproval [Owner]
PendingApproval --Approve--> Active [Ops]
PendingApproval --SendBack--> Draft [Ops]
Active --Suspend--> Suspended [Ops]
Suspended --Reopen--> Active [Ops]
Draft --Close--> Closed [Owner, Ops]
PendingApproval --Close--> Closed [Owner, Ops]
Active --Close--> Closed [Owner, Ops]
Suspended --Close--> Closed [Owner, Ops]"
    );
}

#[test]
fn reasons_come_in_their_order() {
    let noon = at("2026-01-05T09:00:00Z");
    let mut shop = store();
    let open = availability(&shop, noon);
    assert_eq!((open.open, open.reason), (true, None));
    assert_eq!(open.closes_at, Some(at("2026-01-05T18:00:00Z")));

    shop.schedule.closures.push(Closure {
        from: noon,
        until: at("2026-01-05T12:00:00Z"),
        reason: "inventory".to_owned(),
    });
    let shut = availability(&shop, noon);
    assert_eq!(shut.reason, Some(ClosedReason::Closure));
    assert_eq!(shut.opens_at, Some(at("2026-01-05T12:00:00Z")));

    shop.paused_until = Some(at("2026-01-05T10:00:00Z"));
    let paused = availability(&shop, noon);
    assert_eq!(paused.reason, Some(ClosedReason::Paused));
    assert_eq!(paused.opens_at, Some(at("2026-01-05T12:00:00Z")), "the pause ends within the closure");

    shop.status = StoreStatus::Suspended;
    assert_eq!(availability(&shop, noon).reason, Some(ClosedReason::NotActive));
    assert_eq!(availability(&store(), at("2026-01-05T20:00:00Z")).reason, Some(ClosedReason::OutsideHours));
}

#[test]
fn rush_lasts_only_so_long() {
    let mut shop = store();
    shop.rush = Some(RushMode { extra_minutes: 15, until: at("2026-01-05T10:00:00Z") });
    assert_eq!(prep_minutes(&shop, at("2026-01-05T09:59:00Z")), 35);
    assert_eq!(prep_minutes(&shop, at("2026-01-05T10:00:00Z")), 20);
}

#[test]
fn ratings_fold() {
    let rating = [5, 4, 3].into_iter().fold(Rating::default(), Rating::plus);
    assert_eq!(rating, Rating { count: 3, sum: 12, average_milli: 4_000 });
}

fn any_status() -> impl Strategy<Value = StoreStatus> {
    proptest::sample::select(StoreStatus::ALL.to_vec())
}

fn any_action() -> impl Strategy<Value = StoreAction> {
    use StoreAction::{Approve, Close, Reopen, SendBack, Submit, Suspend};
    proptest::sample::select(vec![Submit, Approve, SendBack, Suspend, Reopen, Close])
}

proptest! {
    #[test]
    fn actions_offered_are_exactly_those_that_go(status in any_status(), action in any_action()) {
        for who in [&[Mover::Owner][..], &[Mover::Ops], &[Mover::Owner, Mover::Ops], &[]] {
            let goes = matches!(decide(status, action, who), Decision::Go(_));
            prop_assert_eq!(available_actions(status, who).contains(&action), goes);
        }
    }

    #[test]
    fn closed_is_for_good(actions in proptest::collection::vec(any_action(), 0..20)) {
        let everybody = [Mover::Owner, Mover::Ops];
        let mut status = StoreStatus::Draft;
        for action in actions {
            if let Decision::Go(to) = decide(status, action, &everybody) {
                prop_assert_ne!(status, StoreStatus::Closed);
                status = to;
            }
        }
    }

    #[test]
    fn lists_and_pages_agree(minute in 0..40_000_i64, paused in proptest::option::of(0..40_000_i64)) {
        let start = at("2026-03-20T00:00:00Z").millis();
        let now = Timestamp::from_millis(start + minute * 60_000);
        let mut shop = store();
        shop.paused_until = paused.map(|m| Timestamp::from_millis(start + m * 60_000));
        let full = availability(&shop, now);
        prop_assert_eq!(full.open, is_open(&shop, now));
        prop_assert_eq!(full.open, full.reason.is_none());
        prop_assert!(full.opens_at.is_none_or(|opens| opens > now && is_open(&shop, opens)));
        prop_assert!(full.closes_at.is_none_or(|closes| closes > now));
    }
}
