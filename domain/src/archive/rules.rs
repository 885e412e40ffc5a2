//! The shape of an archive file. Pure.

use daraa_platform::gzip;
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, RawDocumentBuf};
use sha2::{Digest as _, Sha256};

use super::model::Search;

/// No file unpacks to more than this: a seal covers at most a few hundred entries of at most 16 MiB, in truth of a
/// few hundred bytes.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// The smallest BSON document: its length and a zero.
const SMALLEST: usize = 5;

/// The file of these entries, `None` when one cannot be written as BSON.
pub(super) fn encode(entries: &[Document]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    for entry in entries {
        content.extend_from_slice(RawDocumentBuf::try_from(entry).ok()?.as_bytes());
    }
    gzip::pack(&content).ok()
}

/// The entries of a file, `None` when it is not a whole one.
pub(super) fn decode(file: &[u8]) -> Option<Vec<Document>> {
    let content = gzip::unpack(file, MAX_UNPACKED).ok()?;
    let mut rest = content.as_slice();
    let mut entries = Vec::new();
    while let Some(head) = rest.first_chunk::<4>() {
        let length = usize::try_from(i32::from_le_bytes(*head)).ok().filter(|n| *n >= SMALLEST)?;
        let (one, after) = rest.split_at_checked(length)?;
        let raw = RawDocumentBuf::from_bytes(one.to_vec()).ok()?;
        entries.push(Document::try_from(&raw).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(entries)
}

/// SHA-256 of a file, hex.
pub(super) fn checksum(file: &[u8]) -> String {
    hex::encode(Sha256::digest(file))
}

/// When an entry was made.
pub(super) fn made_at(entry: &Document) -> Option<Timestamp> {
    entry.get_datetime("at").ok().map(|at| Timestamp::from_millis(at.timestamp_millis()))
}

/// Whether an entry is looked for.
pub(super) fn matches(entry: &Document, search: &Search) -> bool {
    let says = |field: &str, wanted: &Option<String>| {
        wanted.as_deref().is_none_or(|wanted| entry.get_str(field).is_ok_and(|found| found == wanted))
    };
    let at = made_at(entry);
    says("actor", &search.actor)
        && says("action", &search.action)
        && says("subject", &search.subject)
        && search.from.is_none_or(|from| at.is_some_and(|at| at >= from))
        && search.to.is_none_or(|to| at.is_some_and(|at| at < to))
}
