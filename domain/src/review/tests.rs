//! Unit tests of the rules.

use daraa_platform::fault::FieldPath;
use proptest::prelude::*;

use super::{MAX_TEXT_CHARS, ReviewText, Score, Stars};
use crate::text::{Lines, clean};

const HERE: FieldPath = FieldPath(&["here"]);

proptest! {
    #[test]
    fn stars_are_one_to_five(n in any::<i64>()) {
        prop_assert_eq!(Stars::new(n, HERE).is_ok(), (1..=5).contains(&n));
    }

    #[test]
    fn texts_are_trimmed_and_bounded(text in "\\PC{0,1100}") {
        match ReviewText::parse(&text, HERE) {
            Ok(parsed) => {
                let parsed = parsed.into_inner();
                prop_assert_eq!(&parsed, text.trim());
                prop_assert!((1..=MAX_TEXT_CHARS).contains(&parsed.chars().count()));
            }
            Err(_) => {
                let chars = text.trim().chars().count();
                prop_assert!(chars == 0 || chars > MAX_TEXT_CHARS || clean(&text, Lines::Many).is_none());
            }
        }
    }

    #[test]
    fn a_mean_lies_between_its_parts(stars in proptest::collection::vec(1..=5_i64, 1..50)) {
        let count = i64::try_from(stars.len()).unwrap_or(0);
        let score = Score { subject: String::new(), count, sum: stars.iter().sum() };
        let (least, most) = (stars.iter().min().copied(), stars.iter().max().copied());
        prop_assert!(score.average_milli() >= least.unwrap_or(0) * 1_000);
        prop_assert!(score.average_milli() <= most.unwrap_or(0) * 1_000);
    }
}

#[test]
fn no_ratings_no_mean() {
    assert_eq!(Score { subject: String::new(), count: 0, sum: 0 }.average_milli(), 0);
}
