//! Stored memberships and invitations.

use std::sync::Arc;

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::{Account, Phone};
use crate::actor::StaffRole;
use crate::ids::{AccountId, InvitationId, StoreId};

pub(super) const STAFF: &str = "store_staff";
pub(super) const INVITATIONS: &str = "store_invitations";
pub(super) const MEMBER_INDEX: &str = "store_staff_member";
pub(super) const OPEN_INDEX: &str = "store_invitations_open";

/// People of one store.
pub const MAX_STAFF: u64 = 100;
/// Open invitations of one store.
pub const MAX_OPEN_INVITATIONS: u64 = 50;
/// An invitation is forgotten this long after its end.
const INVITATION_TTL_SECS: i64 = 90 * 86_400;

/// The declared indexes of the memberships.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: STAFF,
    about: "Who works in a store, and as what.",
    kept: Kept::ByUse("removed when the person leaves"),
    shard_key: ShardKey::Whole("a few rows a store"),
    shape: Shape::of::<StaffMember>(),
    indexes: &[IndexSpec::new(
        MEMBER_INDEX,
        &[Key::Asc("store_id"), Key::Asc("account_id")],
        "the people of a store; nobody works there twice",
    )
    .unique()],
};

/// The declared indexes of the invitations.
pub const INVITATION_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: INVITATIONS,
    about: "An invitation to work in a store.",
    kept: Kept::ByTtl("90 days after it ended; it opens nothing by then"),
    shard_key: ShardKey::Whole("a few rows a store"),
    shape: Shape::of::<Invitation>(),
    indexes: &[
        IndexSpec::new(
            OPEN_INDEX,
            &[Key::Asc("store_id"), Key::Asc("phone")],
            "one open invitation per store and number",
        )
        .unique()
        .partial(&[("status", PartialValue::Text("PENDING"))]),
        IndexSpec::new(
            "store_invitations_phone",
            &[Key::Asc("phone"), Key::Asc("status"), Key::Desc("expires_at"), Key::Desc("_id")],
            "the open invitations of a number",
        ),
        IndexSpec::new(
            "store_invitations_store",
            &[Key::Asc("store_id"), Key::Asc("status"), Key::Desc("expires_at"), Key::Desc("_id")],
            "the open invitations of a store",
        ),
        IndexSpec::new("store_invitations_ttl", &[Key::Asc("expires_at")], "old invitations are forgotten")
            .ttl(INVITATION_TTL_SECS),
    ],
};

/// A person who works for a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaffMember {
    /// The id.
    #[serde(rename = "_id")]
    #[schemars(schema_with = "daraa_platform::mongo::shape::id_field")]
    pub id: ObjectId,
    /// The store.
    pub store_id: StoreId,
    /// The person.
    pub account_id: AccountId,
    /// The rank.
    pub role: StaffRole,
    /// Since when.
    pub since: Timestamp,
}

/// A person who works for a store, with their account.
#[derive(Debug, Clone)]
pub struct StaffPerson {
    /// The membership.
    pub member: StaffMember,
    /// The account.
    pub account: Option<Arc<Account>>,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InvitationStatus {
    /// Open.
    Pending,
    /// Accepted.
    Accepted,
    /// Taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl InvitationStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Accepted => "ACCEPTED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// A wish that the person behind a number works for a store. Its `Debug` does not show the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// The id.
    #[serde(rename = "_id")]
    pub id: InvitationId,
    /// The store.
    pub store_id: StoreId,
    /// Whose number.
    pub phone: Phone,
    /// The rank offered.
    pub role: StaffRole,
    /// What became of it.
    pub status: InvitationStatus,
    /// Who asked, as [`Actor::label`](crate::actor::Actor::label).
    pub invited_by: String,
    /// Who accepted.
    pub accepted_by: Option<AccountId>,
    /// When.
    pub created_at: Timestamp,
    /// Open until then.
    pub expires_at: Timestamp,
}
