//! Unit tests of the pure parts.

use std::time::Duration;

use proptest::prelude::*;

use super::{Topic, retry_after};

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
