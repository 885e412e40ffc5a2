//! Couriers: who may bring things, with what, how many at once, and where they are.
//!
//! Owns the collections `couriers` and `courier_positions`, and the live positions in Redis. Positions have no
//! right of their own here: the delivery room shows them to the parties of an active delivery only.
//!
//! Calls: account, settings, audit, outbox. Called by: delivery, order, jobs, seed, check.

mod error;
mod event;
mod model;
pub mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

pub use error::{CourierError, CourierErrorCode};
pub use model::{
    Courier, CourierAction, CourierStatus, CourierStep, INDEXES, POSITION_INDEXES, Position, Vehicle,
};
pub use service::{
    Apply, Approve, GoOnline, apply, approve, end_shifts, finishing, free_in_tx, get, get_in_tx, get_many,
    go_offline, go_online, list, mine, move_to, online, position, silent, suspend, take_in_tx, track,
};
