#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use daraa_platform::fault::Lang;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::model::{Account, MAX_MEMBERSHIPS, NotAPhone, Phone};
use super::rules::{PersonName, with_membership};
use crate::actor::StaffRole;
use crate::ids::{AccountId, StoreId};

#[test]
fn phones_are_read_in_every_usual_form() {
    for text in [
        "+963944123456",
        "+963 944 123 456",
        "00963944123456",
        "0944123456",
        "0944-123-456",
        "(0944) 123456",
        "٠٩٤٤١٢٣٤٥٦",
        "\u{200e}+963 944123456",
    ] {
        assert_eq!(Phone::parse(text).unwrap().as_str(), "+963944123456", "{text}");
    }
    assert_eq!(Phone::parse("+4915112345678").unwrap().as_str(), "+4915112345678");
    assert_eq!(Phone::parse("015 123456").unwrap().as_str(), "+96315123456");
}

#[test]
fn what_is_no_phone_is_refused() {
    for text in [
        "",
        "+",
        "944123456",
        "+0944123456",
        "+963 0944 123456",
        "+9639441234567",
        "+12",
        "abc",
        "0944123456x",
        "++963944123456",
        "963+944123456",
        "+963944123456\u{0}",
        "+1234567890123456",
        "{\"$gt\":\"\"}",
    ] {
        assert_eq!(Phone::parse(text), Err(NotAPhone), "{text}");
    }
    assert_eq!(Phone::parse(&"0".repeat(1_000)), Err(NotAPhone));
}

#[test]
fn a_phone_does_not_show_in_debug_output() {
    assert!(!format!("{:?}", Phone::parse("0944123456").unwrap()).contains("944"));
}

#[test]
fn names_are_trimmed_and_bounded() {
    assert_eq!(PersonName::parse("  ليلى  ").unwrap().as_str(), "ليلى");
    assert!(PersonName::parse("  ").is_err());
    for bad in ["a\nb", "a\u{0}b", "\u{202e}aliyaL", "\u{0}\u{202e}", "\u{200b}"] {
        assert!(PersonName::parse(bad).is_err(), "{bad:?}");
    }
    assert!(PersonName::parse(&"x".repeat(81)).is_err());
}

fn account() -> Account {
    Account {
        id: AccountId::from(ObjectId::from_bytes([1; 12])),
        phone: Phone::parse("0944123456").unwrap(),
        name: String::new(),
        lang: Lang::Ar,
        ops: None,
        courier_id: None,
        memberships: Vec::new(),
        created_at: Timestamp::from_millis(0),
        version: 1,
    }
}

fn store(n: u8) -> StoreId {
    StoreId::from(ObjectId::from_bytes([n; 12]))
}

#[test]
fn a_membership_is_set_changed_and_removed_once() {
    let mut someone = account();
    someone.memberships = with_membership(&someone, store(1), Some(StaffRole::Staff)).unwrap().unwrap();
    assert!(with_membership(&someone, store(1), Some(StaffRole::Staff)).unwrap().is_none());
    someone.memberships = with_membership(&someone, store(1), Some(StaffRole::Owner)).unwrap().unwrap();
    assert_eq!(someone.memberships.len(), 1);
    assert!(with_membership(&someone, store(2), None).unwrap().is_none());
    assert_eq!(with_membership(&someone, store(1), None).unwrap(), Some(Vec::new()));
}

#[test]
fn memberships_are_bounded() {
    let mut someone = account();
    for n in 0..u8::try_from(MAX_MEMBERSHIPS).unwrap() {
        someone.memberships = with_membership(&someone, store(n), Some(StaffRole::Staff)).unwrap().unwrap();
    }
    assert!(with_membership(&someone, store(200), Some(StaffRole::Staff)).is_err());
}

proptest! {
    #[test]
    fn what_parses_parses_again_to_the_same(text in "[+0-9 ()-]{0,24}") {
        if let Ok(phone) = Phone::parse(&text) {
            prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
            prop_assert_eq!(Phone::try_from(phone.as_str().to_owned()), Ok(phone));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = Phone::parse(&text);
    }
}
