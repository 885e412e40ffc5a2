//! The stored sessions and one-time codes.

use std::fmt;
use std::net::IpAddr;

use daraa_platform::fault::Lang;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{DeviceName, OneTimeCode};
use crate::account::{Account, PersonName, Phone};
use crate::ids::{AccountId, SessionId};

pub(super) const COLLECTION: &str = "sessions";
pub(super) const CODES: &str = "sign_in_codes";

/// Sessions are kept this long after their end, for people who look who was signed in.
const KEEP_ENDED_S: i64 = 7 * 86_400;
/// Codes are useless after minutes; an hour later nothing asks for them.
const KEEP_CODES_S: i64 = 3_600;

/// The declared indexes of the sessions.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A signed-in device, with its family of refresh tokens.",
    kept: Kept::ByTtl("7 days after it ended; without it the person signs in again"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "every request names its session. A person's list of devices asks every shard",
        beside: &[],
    },
    shape: Shape::of::<Session>(),
    indexes: &[
        IndexSpec::new(
            "sessions_account",
            &[
                Key::Asc("account_id"),
                Key::Asc("ended"),
                Key::Desc("created_at"),
                Key::Desc("_id"),
                Key::Asc("expires_at"),
            ],
            "the sessions of a person that are alive, newest first",
        ),
        IndexSpec::new("sessions_ttl", &[Key::Asc("expires_at")], "ended and expired sessions go")
            .ttl(KEEP_ENDED_S),
    ],
};

/// The declared indexes of the one-time codes.
pub const CODE_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: CODES,
    about: "The one-time code of a phone number, as a MAC.",
    kept: Kept::ByTtl("an hour after it ended; without it a new one is asked for"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by the phone number's MAC, which is its `_id`",
        beside: &[],
    },
    shape: Shape::of::<StoredCode>(),
    indexes: &[
        IndexSpec::new("sign_in_codes_ttl", &[Key::Asc("expires_at")], "expired codes go").ttl(KEEP_CODES_S)
    ],
};

/// A signed-in device. One session is one family of refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The id.
    #[serde(rename = "_id")]
    pub id: SessionId,
    /// Whose.
    pub account_id: AccountId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the tokens were last refreshed.
    pub refreshed_at: Timestamp,
    /// When it ends unless refreshed; moved to the end when it ended before.
    pub expires_at: Timestamp,
    /// How and when it ended.
    pub ended: Option<Ended>,
    /// Which refresh token is the valid one.
    pub refresh: RefreshState,
}

impl Session {
    /// Whether the session is alive.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at
    }
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[cfg_attr(feature = "graphql", graphql(name = "SessionEndReason"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndReason {
    /// The person signed out on the device.
    SignedOut,
    /// The person ended it from another device.
    Revoked,
    /// A used refresh token came back: somebody had a copy.
    RefreshReused,
    /// The person signed in on too many devices; this was the oldest.
    TooManySessions,
}

/// Which refresh token of the family is valid. The token itself is not stored: it is derived from this and a key, so
/// that a lost answer can be given again and a used token of any age is recognised.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshState {
    /// Counts the tokens of the family, from 1.
    pub generation: i64,
    /// Random, hex; without it the key alone makes no token.
    pub nonce: String,
}

impl fmt::Debug for RefreshState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshState").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// The one live code of a phone. Neither phone nor code can be read from it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct StoredCode {
    /// HMAC of the phone, hex.
    #[serde(rename = "_id")]
    pub(super) id: String,
    /// HMAC of phone and code, hex.
    pub(super) mac: String,
    /// Wrong and right tries so far.
    pub(super) attempts: i64,
    /// When it was sent.
    pub(super) created_at: Timestamp,
    /// When it ends.
    pub(super) expires_at: Timestamp,
    /// When it opened a session.
    pub(super) used_at: Option<Timestamp>,
}

/// The answer to a request for a code: the same for every phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRequested {
    /// Until when the code can be used.
    pub expires_at: Timestamp,
}

/// Signs in, or signs up.
#[derive(Debug, Clone)]
pub struct StartSession {
    /// Where the request came from.
    pub ip: IpAddr,
    /// The phone the code was sent to.
    pub phone: Phone,
    /// The code.
    pub code: OneTimeCode,
    /// For a new account: the person's name.
    pub name: Option<PersonName>,
    /// For a new account: the language of messages.
    pub lang: Lang,
    /// What the device calls itself.
    pub device_name: Option<DeviceName>,
}

/// What a signed-in device is given. Its `Debug` shows no token.
#[derive(Clone)]
pub struct Tokens {
    /// The session.
    pub session_id: SessionId,
    /// Goes with every request as `Authorization: Bearer …`.
    pub access_token: String,
    /// Until when it is accepted.
    pub access_expires_at: Timestamp,
    /// Exchanged once for the next pair of tokens.
    pub refresh_token: String,
    /// Until when it is accepted.
    pub refresh_expires_at: Timestamp,
    /// The person.
    pub account: Account,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}
