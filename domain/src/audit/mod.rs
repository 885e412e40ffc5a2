//! The audit log: every privileged act, tamper-evident.
//!
//! An act is recorded in the transaction of its effect ([`record_in_tx`]): an entry in `audit_log` and its id in
//! `audit_pending`. Entries are not chained there, for one chain head would make all privileged writes wait for each
//! other. A job ([`seal`]) takes the pending entries in order and writes a seal: a keyed hash (HMAC) over the previous
//! seal's hash and the contents of its entries. The database user can insert and find in `audit_log` and `audit_seals`,
//! nothing else; who goes around that without the key cannot make [`verify`] pass.
//!
//! Old entries move to an archive a seal at a time ([`next_archivable`], [`archived`]); the seals stay, and an entry of
//! the log says until where they are archived, so that the chain still verifies.
//!
//! Calls: nothing. Called by: every room with privileged acts.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{AuditError, AuditErrorCode};
pub use model::{
    ArchiveBatch, AuditEntry, AuditFilter, AuditSeal, INDEXES, NewAudit, PENDING_INDEXES, SEAL_INDEXES,
    SealReport, Tampering, VerifyReport,
};
pub use service::{archived, list, next_archivable, record_in_tx, restore, seal, verify};
