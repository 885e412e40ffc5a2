//! Unit and property tests of the file's shape.

use mongodb::bson::{Document, doc};
use proptest::prelude::*;

use super::Search;
use super::rules::{checksum, decode, encode, matches};

fn entry(n: i64, actor: &str) -> Document {
    doc! { "_id": n, "actor": actor, "at": mongodb::bson::DateTime::from_millis(n) }
}

proptest! {
    #[test]
    fn what_is_written_is_read(actors in proptest::collection::vec(".{0,20}", 0..20)) {
        let entries: Vec<Document> = actors.iter().zip(0..).map(|(actor, n)| entry(n, actor)).collect();
        let file = encode(&entries).unwrap_or_default();
        prop_assert_eq!(decode(&file), Some(entries.clone()));
        prop_assert_eq!(checksum(&file), checksum(&encode(&entries).unwrap_or_default()));
    }

    #[test]
    fn nonsense_is_no_archive(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(decode(&bytes), None);
        let packed = daraa_platform::gzip::pack(&bytes).unwrap_or_default();
        // Packed nonsense is read without a panic; only nothing at all is an empty archive.
        prop_assert!(decode(&packed).is_none_or(|entries| bytes.is_empty() == entries.is_empty()));
    }
}

#[test]
fn a_cut_file_is_no_archive() {
    let file = encode(&[entry(1, "a"), entry(2, "b")]).unwrap_or_default();
    for length in 0..file.len() {
        assert_eq!(file.get(..length).and_then(decode), None, "cut at {length}");
    }
}

#[test]
fn a_search_compares_every_field() {
    let some = entry(5, "acc_1");
    assert!(matches(&some, &Search::default()));
    assert!(matches(&some, &Search { actor: Some("acc_1".to_owned()), ..Search::default() }));
    assert!(!matches(&some, &Search { actor: Some("acc_2".to_owned()), ..Search::default() }));
    let at = daraa_platform::time::Timestamp::from_millis;
    assert!(matches(&some, &Search { from: Some(at(5)), to: Some(at(6)), ..Search::default() }));
    assert!(!matches(&some, &Search { to: Some(at(5)), ..Search::default() }));
}
