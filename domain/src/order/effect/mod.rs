//! What follows from a change of an order: consumers of events and the deadlines. Every function may run twice and may
//! die half way: each step it takes happens once.

mod rules;
mod service;

pub(super) use rules::customer_pays_return;
pub(super) use service::{expire_refused, place_paid};
pub use service::{
    expire_unaccepted, expire_unpaid, on_order_placed, on_payment_authorized, on_payment_failed, report_late,
    settle, unwind,
};
