#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use daraa_platform::time::Timestamp;
use mongodb::bson::{RawDocumentBuf, doc};

use super::model::AuditSeal;
use super::rules::{content_hash, seal_hash, seal_holds};

const KEY: &[u8; 32] = &[7; 32];

fn seal(contents: &[[u8; 32]]) -> AuditSeal {
    let mut seal = AuditSeal {
        sequence: 3,
        at: Timestamp::from_millis(1_000),
        entries: Vec::new(),
        previous: "aa".to_owned(),
        hash: String::new(),
    };
    seal.hash = seal_hash(KEY, &seal, contents);
    seal
}

#[test]
fn any_change_breaks_the_seal() {
    let contents = [[1; 32], [2; 32]];
    let good = seal(&contents);
    assert!(seal_holds(KEY, &good, &contents));
    assert!(!seal_holds(&[8; 32], &good, &contents));
    assert!(!seal_holds(KEY, &good, &[[2; 32], [1; 32]]));
    assert!(!seal_holds(KEY, &good, &contents[..1]));
    assert!(!seal_holds(KEY, &AuditSeal { sequence: 4, ..good.clone() }, &contents));
    assert!(!seal_holds(KEY, &AuditSeal { previous: "ab".to_owned(), ..good.clone() }, &contents));
    assert!(!seal_holds(KEY, &AuditSeal { at: Timestamp::from_millis(1_001), ..good }, &contents));
}

#[test]
fn content_is_compared_byte_by_byte() {
    let hash = |document| content_hash(&RawDocumentBuf::try_from(&document).unwrap());
    assert_ne!(hash(doc! { "a": 1_i64 }), hash(doc! { "a": 1_i32 }));
    assert_ne!(hash(doc! { "a": 1, "b": 2 }), hash(doc! { "b": 2, "a": 1 }));
}
