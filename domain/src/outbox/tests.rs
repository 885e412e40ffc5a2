//! Unit tests of the pure parts.

use std::time::Duration;

use proptest::prelude::*;

use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};

use super::rules::in_order;
use super::{EventRow, NewEvent, Topic, retry_after};

fn told(kind: &'static str, data: Document) -> EventRow {
    let event = NewEvent { kind, subject: "ord_1".to_owned(), topics: Vec::new(), data };
    EventRow::new(ObjectId::from_bytes([1; 12]).into(), Timestamp::from_millis(5), event)
}

#[test]
fn a_new_event_is_due_whatever_the_clock_says() {
    assert_eq!(told("t.one", doc! {}).next_at, Timestamp::from_millis(0));
}

#[test]
fn versions_decide_over_clocks_and_what_has_none_keeps_its_place() {
    let of = |kind, version: i64| told(kind, doc! { "version": version });
    let chain =
        vec![of("third", 3), told("alone", doc! {}), of("first", 1), of("second", 2), of("second too", 2)];
    let kinds: Vec<String> = in_order(chain).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["first", "alone", "second", "second too", "third"]);
}

#[test]
fn pauses_double_and_end() {
    assert_eq!(retry_after(1), Duration::from_millis(250));
    assert_eq!(retry_after(2), Duration::from_millis(500));
    assert_eq!(retry_after(50), Duration::from_secs(300));
    assert_eq!(retry_after(i64::MAX), Duration::from_secs(300));
    assert_eq!(retry_after(i64::MIN), Duration::from_millis(250));
}

proptest! {
    #[test]
    fn topics_survive_text(bytes in any::<[u8; 12]>(), which in 0..4) {
        let oid = mongodb::bson::oid::ObjectId::from_bytes(bytes);
        let topic = match which {
            0 => Topic::Account(oid.into()),
            1 => Topic::Store(oid.into()),
            2 => Topic::Courier(oid.into()),
            _ => Topic::Ops,
        };
        prop_assert_eq!(topic.to_string().parse::<Topic>().ok(), Some(topic));
    }

    #[test]
    fn nonsense_is_no_topic(text in ".{0,40}") {
        prop_assume!(text != "ops");
        prop_assert!(text.parse::<Topic>().is_err());
    }
}
