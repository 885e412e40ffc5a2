//! The integrity of the whole: what must hold after any fault (I1 to I8), as far as the database shows it.
//!
//! Looks from outside, past the rooms' services: what it finds must not depend on the code that wrote it. Reads all
//! orders, deliveries, payments, stock, coupons, reviews and wallets in batches, and has the database compare every
//! document with its declared shape; changes nothing. Each rule has an id that stays and says how to mend what breaks
//! it ([`RULES`]).
//!
//! Calls: audit, catalog, delivery, ledger, order, outbox, payment, promotion, review. Called by: the jobs service,
//! `daraa-server db check`, tests.

mod model;
mod rules;
mod service;
mod store;

pub use model::{Finding, RULES, Report, Rule};
pub use service::run;
