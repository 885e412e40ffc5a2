//! The archive: audit entries over a year old, in compressed files with checksums, each verified before its entries
//! leave the database. The index of the files stays here, searchable; an archive can be put back.
//!
//! A file is BSON documents one after another (what `mongodump` writes), gzipped. Calls: audit. Called by: the jobs
//! service.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{ArchiveError, ArchiveErrorCode};
pub use model::{Archive, INDEXES, Moved, Search};
pub use service::{KEEP_AUDIT, list, restore, run, search};
