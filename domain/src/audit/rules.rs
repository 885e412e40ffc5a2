//! How a seal is computed. Pure: the same entries always give the same hash.

use mongodb::bson::RawDocumentBuf;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::model::AuditSeal;
use crate::keys::mac;

/// SHA-256 over an entry's bytes as the database stores them: any altered, added or reordered field shows.
pub(super) fn content_hash(entry: &RawDocumentBuf) -> [u8; 32] {
    Sha256::digest(entry.as_bytes()).into()
}

/// The hash a seal must have, given the contents of its entries in order.
pub(super) fn seal_hash(key: &[u8; 32], seal: &AuditSeal, contents: &[[u8; 32]]) -> String {
    let sequence = seal.sequence.to_be_bytes();
    let at = seal.at.millis().to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![b"daraa audit seal 1", &sequence, &at, seal.previous.as_bytes()];
    parts.extend(contents.iter().map(<[u8; 32]>::as_slice));
    hex::encode(mac(key, &parts))
}

/// Whether the seal's hash is right.
pub(super) fn seal_holds(key: &[u8; 32], seal: &AuditSeal, contents: &[[u8; 32]]) -> bool {
    seal_hash(key, seal, contents).as_bytes().ct_eq(seal.hash.as_bytes()).into()
}
