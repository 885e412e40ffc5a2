//! People: one account for each phone number, with all roles a person holds.
//!
//! Owns the account document: name and language, the ops role, the courier a person is, and a copy of the stores a
//! person works for, so that one read assembles who is asking. The store room decides about staff and writes the copy
//! with [`set_membership_in_tx`] in its own transaction; the courier room does the same with [`set_courier_in_tx`].
//!
//! Calls: audit, outbox. Called by: session, notification, store, courier, order, payment.

mod error;
mod event;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::CACHED;
pub use error::{AccountError, AccountErrorCode};
pub use event::ACCOUNT_CREATED;
pub use model::{Account, GrantOpsRole, INDEXES, MAX_MEMBERSHIPS, NotAPhone, Phone, UpdateAccount};
pub use rules::{MAX_NAME_CHARS, PersonName};
pub(crate) use service::{create_in_tx, find_by_phone_in_tx};
pub use service::{
    ensure, find_by_phone, get, get_many, grant_ops_role, ops_people, people_of_store, set_courier_in_tx,
    set_membership_in_tx, update,
};
