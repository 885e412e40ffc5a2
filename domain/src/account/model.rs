//! The stored account.

mod phone;

pub use phone::{NotAPhone, Phone};

use std::fmt;

use daraa_platform::fault::Lang;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::PersonName;
use crate::actor::{OpsRole, StaffOf};
use crate::ids::{AccountId, CourierId};

pub(super) const COLLECTION: &str = "accounts";
/// The unique index that keeps one account a phone.
pub(super) const PHONE_INDEX: &str = "accounts_phone";

/// How many stores one person may work for.
pub const MAX_MEMBERSHIPS: usize = 100;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A person: phone number, name, language, and what they may do: customer, staff of stores, \
        courier, ops.",
    kept: Kept::ForGood("a person's orders and the books name them"),
    shard_key: ShardKey::Whole(
        "phone and courier are unique each, and no key heads both; a million \
        people are about 1 GB, asked for by `_id` behind a cache. Beyond that: by `_id`, with the \
        phone numbers in a collection of their own",
    ),
    shape: Shape::of::<Account>(),
    indexes: &[
        IndexSpec::new(PHONE_INDEX, &[Key::Asc("phone")], "sign-in finds the account; one account a phone")
            .unique(),
        IndexSpec::new(
            "accounts_courier",
            &[Key::Asc("courier_id")],
            "the person behind a courier; one person a courier",
        )
        .unique()
        .partial(&[("courier_id", PartialValue::Exists)]),
        IndexSpec::new("accounts_ops", &[Key::Asc("ops")], "the ops people, to be told of alerts")
            .partial(&[("ops", PartialValue::Exists)]),
        IndexSpec::new(
            "accounts_memberships_store",
            &[Key::Asc("memberships.store_id")],
            "the people of a store, to be told of its orders",
        ),
    ],
};

/// A person. Its `Debug` shows neither name nor phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The id.
    #[serde(rename = "_id")]
    pub id: AccountId,
    /// What they sign in with.
    pub phone: Phone,
    /// What others call them; empty until they say.
    pub name: String,
    /// The language of messages to them.
    pub lang: Lang,
    /// Their role among ops people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops: Option<OpsRole>,
    /// The approved courier they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier_id: Option<CourierId>,
    /// The stores they work for, a copy kept by the store room.
    #[serde(default)]
    pub memberships: Vec<StaffOf>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Changes one's own name or language; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateAccount {
    /// The new name.
    pub name: Option<PersonName>,
    /// The new language.
    pub lang: Option<Lang>,
}

/// Gives an ops role to the account of a phone, or takes it away.
#[derive(Debug, Clone)]
pub struct GrantOpsRole {
    /// Whose.
    pub phone: Phone,
    /// The new role; `None` takes the role away.
    pub role: Option<OpsRole>,
}
