//! Every query the code can issue, proven on a database of the size of a city: which index serves it, how much it looks
//! at for what it finds, whether it sorts in memory.
//!
//! The shapes are collected while the whole test suite runs (`scripts/test` compares them with `queries.json`). The check
//! fills a scratch database with documents made from the declared validators, gives each shape values of a document that
//! exists, and asks the database to explain it. The other way round, an index that no shape uses or that another one
//! contains is found, too: each is paid for with every write.
//!
//! Owns no collection. Calls: nobody; it reads the declarations of all rooms. Called by: the server's `queries check`.

mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{Explained, IdleIndex, QueriesError, Scale, all};
pub use service::{Check, fill_database, idle_indexes, run};
