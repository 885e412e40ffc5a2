//! What the room announces.

use mongodb::bson::doc;

use super::model::Account;
use crate::outbox::{NewEvent, Topic};

/// A new account; subject `acc_…`.
pub const ACCOUNT_CREATED: &str = "account.created";

pub(super) fn created(account: &Account) -> NewEvent {
    NewEvent {
        kind: ACCOUNT_CREATED,
        subject: account.id.to_string(),
        topics: vec![Topic::Account(account.id)],
        data: doc! { "account_id": account.id.to_string() },
    }
}
