//! Stock: what is on hand, reserved by orders, sold and adjusted. Every change is one conditional update of one
//! document, so that a popular item never makes transactions collide, and nothing is ever sold twice.
//!
//! For every variant, always: `initial = on_hand + reserved + sold + adjusted`, and `on_hand`, `reserved`, `sold`
//! are never negative.
//!
//! Calls: nothing. Called by: catalog; through it order.

mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{
    ADJUSTMENT_INDEXES, DueReservation, INDEXES, MAX_QUANTITY, Reservation, StockAdjustment, StockItem,
};
pub use rules::{StockLevel, totals};
pub use service::{AdjustStock, adjust, confirm, consume, expired, items, release, reserve};
pub(super) use service::{begin_in_tx, create_in_tx};
