//! Orders: a purchase is one [`OrderGroup`] with one [`Order`] per store.
//!
//! Owns the collections `orders`, `order_groups` and `refunds`. Every change of state is one row of
//! [`rules::TRANSITIONS`], written conditionally on `{_id, status, version}` together with its event.
//!
//! Calls: pricing, cart, promotion, payment, ledger, catalog, store, account, settings, audit, idempotency,
//! outbox. Called by: delivery, review, reactions, seed, check.

mod cancel;
mod checkout;
mod effect;
mod error;
mod event;
mod model;
pub mod refund;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use self::store::CACHED;
pub use crate::pricing::{AddressSnapshot, OrderMoney};
pub use cancel::{CancelOrder, CancelPreview, cancel, preview_cancel};
pub use checkout::{PlaceOrder, place, release_expired};
pub use effect::{
    expire_unaccepted, expire_unpaid, on_order_placed, on_payment_authorized, on_payment_failed, report_late,
    settle, unwind,
};
pub use error::{OrderError, OrderErrorCode};
pub use event::OrderFacts;
pub use model::{
    Cancellation, GROUP_INDEXES, HistoryEntry, INDEXES, ItemClaims, LineClaim, MAX_ORDERS_PER_GROUP, Order,
    OrderDeadlines, OrderGroup, OrderLine,
};
pub use rules::scope::parties;
pub use rules::{DisplayStatus, OrderAction, OrderStatus};
pub use service::{
    OrderFilter, all, complete_in_tx, dropoff_pin_for, fail_in_tx, get_for, get_many_for, get_many_system,
    get_system, group_for, group_system, hand_over_in_tx, of_customer, of_group_system, of_groups, of_store,
    return_in_tx, sees_payment, set_courier_in_tx, set_delivery_in_tx, store_code_for,
};
pub use work::{
    AcceptOrder, DelayOrder, HandOverOrder, RejectOrder, TouchOrder, accept, delay, hand_over_pickup,
    mark_ready, reject, start_preparing,
};
