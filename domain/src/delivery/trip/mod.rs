//! The way of a delivery: to the store, to the door, and what happens when nobody opens. Each step is one transition
//! with what it means for the order and the cash, in one transaction.

mod service;

pub use service::{
    Complete, PickUp, arrive, bring_back, complete, confirm_return, depart, fail, lose, no_show, pick_up,
    retry,
};
