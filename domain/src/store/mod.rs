//! Stores: profile, hours, service area, life cycle, staff, ratings.
//!
//! Calls: account, audit, outbox. Called by: catalog, search, cart, pricing, order, delivery, review.

pub mod area;
pub mod category;
mod error;
mod event;
pub mod hours;
mod model;
pub mod near;
mod rules;
mod service;
pub mod staff;
#[expect(clippy::module_inception, reason = "every room has a store.rs, also the one named store")]
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::CACHED;
pub use error::{StoreError, StoreErrorCode};
pub use event::{APPROVED, CLOSED, CREATED, PAUSED, REOPENED, RESUMED, SENT_BACK, SUBMITTED, SUSPENDED};
pub use model::{
    Availability, ClosedReason, INDEXES, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_PAUSE_MINUTES,
    MAX_PREP_MINUTES, MAX_REASON_CHARS, MAX_RUSH_MINUTES, Rating, RushMode, Store, StoreAction, StoreEvent,
    StoreStatus,
};
pub use near::{MAX_SERVING_COUNT, NearFilter, NearSort, NearStore, count_serving, find as find_near};
pub use rules::{
    Decision, Mover, TRANSITIONS, Transition, availability, available_actions, covers, decide,
    good_description, good_name, good_name_or_none, good_reason, is_open, missing_for_submit, prep_minutes,
};
pub(crate) use service::matching;
pub use service::{
    CreateStore, UpdateStore, act, actions_for, add_closure, add_rating_in_tx, create, get, get_many,
    get_many_fresh, list, mine, pause, remove_closure, remove_rating_in_tx, require, resume, set_area,
    set_commission, set_day, set_hours, set_rush, update, view,
};
