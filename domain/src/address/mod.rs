//! Saved addresses: where a customer wants deliveries. An order keeps its own copy.
//!
//! Calls: nothing. Called by: cart, pricing, order. Which stores deliver to an address is the store room's answer.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{AddressError, AddressErrorCode};
pub use model::{Address, CreateAddress, INDEXES, UpdateAddress};
pub use rules::{AddressLabel, AddressNotes, MAX_ADDRESSES, MAX_LABEL_CHARS, MAX_NOTES_CHARS};
pub use service::{create, delete, get, list, update};
