//! Deliveries: a courier fetches an order from its store and hands it to its customer.
//!
//! Owns the collections `deliveries`, `courier_offers` ([`offer`]) and `dispatch_shards` ([`dispatch`]). Every change
//! of state is one row of [`rules::TRANSITIONS`], written conditionally on `{_id, status, version}` together with its
//! event; what it means for the order and the cash is written in the same transaction.
//!
//! Calls: order, payment, ledger, courier, settings, audit, outbox. Called by: review, reactions, jobs, seed, check.

mod consume;
pub mod dispatch;
mod error;
mod event;
mod model;
pub mod offer;
pub mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

pub use consume::{on_order_accepted, on_order_delayed, on_order_ended, on_order_ready};
pub use dispatch::dispatch_tick;
pub use error::{DeliveryError, DeliveryErrorCode};
pub use model::{
    Attempts, CommandRef, Delivery, DeliveryAction, DeliveryEta, DeliveryStatus, DeliveryStep,
    EscalationReason, FailureReason, INDEXES, LiveOffer, Passed, Proof, ProofKind, Refusals, SHARD_INDEXES,
    Stop, StopKind,
};
pub use offer::expire_offers;
pub use service::{
    Complete, PickUp, arrive, assign, available_actions, bring_back, complete, confirm_return, depart, fail,
    get_for, get_many, get_system, list, lose, mine, no_show, of_orders, parties_of, pick_up, position_for,
    retry, shows_position, unassign,
};
