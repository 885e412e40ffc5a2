//! Orders: a purchase is one [`OrderGroup`] with one [`Order`] per store.
//!
//! Owns the collections `orders`, `order_groups` and `refunds`. Every change of state is one row of
//! [`rules::TRANSITIONS`], written conditionally on `{_id, status, version}` together with its event.
//!
//! Calls: pricing, cart, promotion, payment, ledger, catalog, store, address, account, settings, audit, idempotency,
//! outbox. Called by: delivery, review, reactions, seed, check.

mod error;
mod event;
mod model;
pub mod rules;
mod service;
mod store;

pub use crate::pricing::{AddressSnapshot, OrderMoney};
pub use error::{OrderError, OrderErrorCode};
pub use event::OrderFacts;
pub use model::{
    Cancellation, GROUP_INDEXES, HistoryEntry, INDEXES, MAX_ORDERS_PER_GROUP, Order, OrderDeadlines,
    OrderGroup, OrderLine,
};
pub use rules::{DisplayStatus, OrderAction, OrderStatus};
pub use service::{
    complete_in_tx, fail_in_tx, get_system, hand_over_in_tx, of_group_system, return_in_tx,
    set_courier_in_tx, set_delivery_in_tx,
};
