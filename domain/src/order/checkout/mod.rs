//! Checkout: a quote becomes a group of orders, exactly once per idempotency key.
//!
//! 1. The quote is claimed: only the holder of the claim can commit, everybody else with the same key waits for the
//!    answer. 2. It is computed again; a difference is told, not charged. 3. Stock and coupon are reserved by
//!    conditional single-document updates, with an expiry. 4. One transaction writes group, orders, payment, answer and
//!    events. 5. A card is authorised outside, afterwards. What fails before 4 is given back; what dies in between
//!    expires, and [`release_expired`] asks whether the order exists.

mod rules;
mod service;

pub use service::{PlaceOrder, place, release_expired};
