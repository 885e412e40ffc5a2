//! Every query the code can issue, proven on a database of the size of a city: which index serves it, how much it looks
//! at for what it finds, whether it sorts in memory.
//!
//! The shapes are collected while the whole test suite runs (`scripts/test` compares them with `queries.json`). The check
//! fills a scratch database with documents made from the declared validators, gives each shape values of a document that
//! exists, and asks the database to explain it.
//!
//! Owns no collection. Calls: nobody; it reads the declarations of all rooms. Called by: the server's `queries check`.

mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{Explained, QueriesError, Scale, all};
pub use service::{Check, fill_database, run};
