//! Unit tests of the templates.
#![allow(clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;

use super::{Audience, Facts, TEMPLATES, template};
use crate::text::LocalText;

#[test]
fn every_row_is_unique_and_says_something_in_both_languages() {
    let mut seen = BTreeSet::new();
    let facts = Facts {
        number: Some("D-1042".to_owned()),
        store: Some(LocalText::new("مطعم بصرى", "Bosra Kitchen")),
        minutes: Some(20),
    };
    for row in TEMPLATES {
        assert!(seen.insert((row.kind, row.audience)), "{} twice for {:?}", row.kind, row.audience);
        for text in [row.title(&facts), row.body(&facts)] {
            assert!(!text.ar.is_empty() && !text.en.is_empty(), "{}", row.kind);
            assert!(!text.ar.contains('{') && !text.en.contains('{'), "{}: a blank is left", row.kind);
            assert!(text.en.is_ascii(), "{}: {}", row.kind, text.en);
            assert!(text.ar.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c)), "{}", row.kind);
        }
    }
}

#[test]
fn facts_are_filled_in_and_missing_ones_leave_no_trace() {
    let row = template("order.accepted", Audience::Customer).expect("a customer is told");
    let facts = Facts {
        number: Some("D-7".to_owned()),
        store: Some(LocalText::new("الفرن", "The Bakery")),
        minutes: None,
    };
    assert_eq!(row.body(&facts).en, "The Bakery accepted order D-7.");
    assert_eq!(row.body(&facts).ar, "قبل الفرن الطلب D-7.");
    assert_eq!(row.body(&Facts::default()).en, "accepted order .");
    assert!(template("order.accepted", Audience::Courier).is_none());
}
