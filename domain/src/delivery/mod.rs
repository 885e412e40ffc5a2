//! Deliveries: a courier fetches an order from its store and hands it to its customer.
//!
//! Owns the collections `deliveries`, `courier_offers` ([`offer`]) and `dispatch_shards` ([`dispatch`]). Its sub-rooms:
//! [`dispatch`] and [`offer`] (who is asked), `assign` (who has it), `trip` (the way to the door). Every change of state
//! is one row of [`rules::TRANSITIONS`], written conditionally on `{_id, status, version}` together with its event; what
//! it means for the order and the cash is written in the same transaction.
//!
//! Calls: order, payment, ledger, courier, settings, audit, outbox. Called by: review, reactions, jobs, seed, check.

mod assign;
mod consume;
pub mod dispatch;
mod error;
mod event;
mod model;
pub mod offer;
pub mod rules;
mod service;
mod store;
mod trip;

#[cfg(test)]
mod tests;

pub use assign::{assign, free_forgotten, unassign};
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
    available_actions, get_for, get_system, list, mine, of_orders, parties_of, position_for, shows_position,
};
pub use trip::{
    Complete, PickUp, arrive, bring_back, complete, confirm_return, depart, fail, lose, no_show, pick_up,
    retry,
};
