//! The integrity of the whole: what must hold after any fault (I1 to I8), as far as the database shows it.
//!
//! Looks from outside, past the rooms' services: what it finds must not depend on the code that wrote it. Reads all
//! orders, deliveries, payments and stock in batches; changes nothing.
//!
//! Calls: audit, catalog, delivery, ledger, order, outbox, payment. Called by: the jobs service, `daraa-server db
//! check`, tests.

mod model;
mod rules;
mod service;
mod store;

pub use model::{Finding, Report};
pub use service::run;
