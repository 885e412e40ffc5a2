//! The store's work on an order: accept, reject, prepare, ready, delay, hand over at the counter.

mod service;

pub(super) use service::MAX_PREP_MINUTES;
pub use service::{
    AcceptOrder, DelayOrder, HandOverOrder, RejectOrder, TouchOrder, accept, delay, hand_over_pickup,
    mark_ready, reject, start_preparing,
};
