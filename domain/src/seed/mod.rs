//! A demo city: Daraa, with stores, menus in Arabic and English, couriers, customers and ops people.
//!
//! Owns no data: everything goes through the use cases of the rooms, as if people had done it. Running it again
//! completes what is missing and changes nothing else. The same numbers and texts come out every time; ids differ.
//!
//! Calls: account, address, catalog, courier, ledger, promotion, store. Called by: the seed command only.

mod data;
mod error;
mod model;
mod rules;
mod service;
#[cfg(test)]
mod tests;

pub use error::SeedError;
pub use model::{DemoAccount, SeedReport};
pub use rules::{accounts, list};
pub use service::run;
