//! Instants as they are stored: [`Timestamp`], always a BSON date.
//!
//! Plain chrono serde writes a string; TTL indexes and range sorts then break silently.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use mongodb::bson;
use serde::{Deserialize, Serialize};

/// An instant with millisecond precision (UTC). Stored as a BSON date, shown as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(bson::DateTime);

crate::stored_as!(Timestamp, crate::mongo::shape::date());

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(bson::DateTime::from_millis(ms))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.millis().div_euclid(1000)
    }

    /// As chrono knows it; instants beyond chrono's range are clamped to its end.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.millis()).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Parses RFC 3339.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self::from(t.with_timezone(&Utc)))
    }

    /// This instant moved forward; saturates at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_millis(self.millis().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved back; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_millis(self.millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to `self`; zero when `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis().saturating_sub(earlier.millis())).unwrap_or(0))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(t: DateTime<Utc>) -> Self {
        Self::from_millis(t.timestamp_millis())
    }
}

impl From<Timestamp> for bson::Bson {
    fn from(t: Timestamp) -> Self {
        Self::DateTime(t.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "graphql")]
#[async_graphql::Scalar(name = "DateTime")]
/// An instant as RFC 3339 with milliseconds, in UTC, e.g. `2026-01-31T08:00:00.000Z`.
impl async_graphql::ScalarType for Timestamp {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        match &value {
            async_graphql::Value::String(text) => Self::parse_rfc3339(text)
                .ok_or_else(|| async_graphql::InputValueError::custom("not an RFC 3339 instant")),
            _ => Err(async_graphql::InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> async_graphql::Value {
        async_graphql::Value::String(self.to_string())
    }
}
