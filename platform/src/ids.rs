//! Typed ids: one newtype per thing, an `ObjectId` in the database, prefixed in the API (`ord_…`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::bson::oid::ObjectId;

use crate::clock::Clock;
use crate::random::Random;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id")]
pub struct MalformedId {
    /// The prefix that was expected.
    pub kind: &'static str,
}

impl crate::fault::Fault for MalformedId {
    fn kind(&self) -> crate::fault::FaultKind {
        crate::fault::FaultKind::BadInput
    }

    fn code(&self) -> &'static str {
        "MALFORMED_ID"
    }

    fn public(&self, lang: crate::fault::Lang) -> String {
        match lang {
            crate::fault::Lang::En => format!("An id of this kind begins with {}_.", self.kind),
            crate::fault::Lang::Ar => format!("يبدأ المعرّف من هذا النوع بـ {}_.", self.kind),
        }
    }
}

/// What every id newtype can do.
pub trait TypedId: Copy + From<ObjectId> {
    /// The API prefix without the underscore, e.g. `ord`.
    const PREFIX: &'static str;
    /// The stored id.
    fn oid(self) -> ObjectId;
}

/// Makes ids from the injected clock and random source, so that tests and simulations are repeatable.
#[derive(Debug, Clone)]
pub struct Ids {
    clock: Clock,
    process: [u8; 5],
    counter: Arc<AtomicU32>,
}

impl Ids {
    /// A generator of its own; two generators differ by five random bytes.
    #[must_use]
    pub fn new(clock: Clock, random: &Random) -> Self {
        let start = u32::try_from(random.below(1 << 24)).unwrap_or(0);
        Self { clock, process: random.bytes(), counter: Arc::new(AtomicU32::new(start)) }
    }

    /// A new id; ids of one process sort by time of creation.
    #[must_use]
    pub fn next<I: TypedId>(&self) -> I {
        I::from(self.next_oid())
    }

    /// A new untyped id, for rows nobody refers to.
    #[must_use]
    pub fn next_oid(&self) -> ObjectId {
        let secs = u32::try_from(self.clock.now().secs()).unwrap_or(u32::MAX);
        let [s0, s1, s2, s3] = secs.to_be_bytes();
        let [p0, p1, p2, p3, p4] = self.process;
        let [_, c0, c1, c2] = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        ObjectId::from_bytes([s0, s1, s2, s3, p0, p1, p2, p3, p4, c0, c1, c2])
    }
}

/// Parses `prefix_<24 hex digits>`.
///
/// # Errors
/// [`MalformedId`] when the prefix or the digits are not right.
pub fn parse_prefixed(text: &str, prefix: &'static str) -> Result<ObjectId, MalformedId> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|hex| ObjectId::parse_str(hex).ok())
        .ok_or(MalformedId { kind: prefix })
}

/// Declares an id newtype: `typed_id!(/// doc  OrderId, "ord");`
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(mongodb::bson::oid::ObjectId);

        $crate::stored_as!($name, $crate::mongo::shape::object_id());

        impl $crate::ids::TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn oid(self) -> mongodb::bson::oid::ObjectId {
                self.0
            }
        }

        impl From<mongodb::bson::oid::ObjectId> for $name {
            fn from(oid: mongodb::bson::oid::ObjectId) -> Self {
                Self(oid)
            }
        }

        impl From<$name> for mongodb::bson::Bson {
            fn from(id: $name) -> Self {
                Self::ObjectId(id.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.to_hex())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::MalformedId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::parse_prefixed(text, $prefix).map(Self)
            }
        }
    };
}
