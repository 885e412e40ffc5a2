//! Stores: profile, hours, service area, life cycle, staff, ratings.
//!
//! Calls: account, audit, outbox. Called by: catalog, search, cart, pricing, order, delivery, review.

pub mod area;
pub mod category;
mod error;
pub mod hours;
mod model;
mod rules;
mod service;
mod store;

pub use error::{StoreError, StoreErrorCode};
pub use model::{
    Availability, ClosedReason, INDEXES, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_PAUSE_MINUTES,
    MAX_PREP_MINUTES, MAX_RUSH_MINUTES, Rating, RushMode, Store, StoreAction, StoreEvent, StoreStatus,
};
pub use rules::{
    Decision, Mover, TRANSITIONS, Transition, availability, available_actions, covers, decide,
    good_description, good_name, is_open, missing_for_submit, prep_minutes,
};
pub use service::{add_rating_in_tx, get, get_many};
