//! Carts: what a customer means to buy, across stores, with everything that is wrong with it at the moment.
//!
//! Owns the collection `carts`. A guest's cart belongs to whoever holds its token and joins the account's cart at
//! sign-in.
//!
//! Calls: catalog, store, address. Called by: pricing, order.

mod error;
mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{CartError, CartErrorCode};
pub use model::{
    Cart, CartLine, CartProblem, CartProblemCode, INDEXES, MAX_LINES, MAX_MODIFIERS, MAX_NOTE_CHARS,
    MAX_QUANTITY, MAX_STORES,
};
pub use service::{
    AddLine, CartOwner, Look, LookedLine, add_line, clear, create_guest, get, look, look_at, merge, place_of,
    put_back_in_tx, remove_abandoned, remove_line, take_lines_in_tx, update_line,
};
