//! Opening hours as they are stored.

use std::fmt;

use chrono::NaiveDate;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day is opened and closed at most this often; more is a typing error.
pub const MAX_RANGES_PER_DAY: usize = 4;
/// Overrides of single days kept with a store (a year of holidays and more).
pub const MAX_OVERRIDES: usize = 60;
/// Closures kept with a store.
pub const MAX_CLOSURES: usize = 30;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// The week from Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Days since Monday.
    #[must_use]
    pub fn index(self) -> i64 {
        match self {
            Self::Monday => 0,
            Self::Tuesday => 1,
            Self::Wednesday => 2,
            Self::Thursday => 3,
            Self::Friday => 4,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }
}

impl From<chrono::Weekday> for Weekday {
    fn from(day: chrono::Weekday) -> Self {
        match day {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// Hours that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// Not `HH:MM` between 00:00 and 24:00, or an opening at 24:00, which is the next day's 00:00.
    #[error("a time of day is written HH:MM, from 00:00 to 24:00, and nothing opens at 24:00")]
    Time,
    /// No time zone of the IANA database.
    #[error("unknown time zone")]
    TimeZone,
    /// No day of the calendar, or one for which no hours are kept.
    #[error("a day is written YYYY-MM-DD")]
    Date,
    /// A day has more than [`MAX_RANGES_PER_DAY`] ranges.
    #[error("too many ranges in a day")]
    TooMany,
    /// Two ranges overlap, perhaps past midnight.
    #[error("opening hours overlap")]
    Overlap,
}

/// A wall-clock time in whole minutes from midnight, 00:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
pub struct TimeOfDay(i64);

/// Minutes of a day.
pub(super) const DAY_MINUTES: i64 = 1_440;

impl TimeOfDay {
    /// Reads `HH:MM`.
    ///
    /// # Errors
    /// [`BadHours::Time`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadHours> {
        let (hours, minutes) = text.split_once(':').ok_or(BadHours::Time)?;
        let two_digits = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i64>().ok())
        };
        match (two_digits(hours).flatten(), two_digits(minutes).flatten()) {
            (Some(h), Some(m)) if m < 60 => Self::try_from(h * 60 + m),
            _ => Err(BadHours::Time),
        }
    }

    /// Minutes from midnight.
    #[must_use]
    pub fn minutes(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for TimeOfDay {
    type Error = BadHours;
    fn try_from(minutes: i64) -> Result<Self, BadHours> {
        if (0..=DAY_MINUTES).contains(&minutes) { Ok(Self(minutes)) } else { Err(BadHours::Time) }
    }
}

impl From<TimeOfDay> for i64 {
    fn from(time: TimeOfDay) -> Self {
        time.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A time zone of the IANA database, stored by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// The zone of the demo city and the default.
    pub const DAMASCUS: Self = Self(chrono_tz::Tz::Asia__Damascus);

    /// Finds a zone by its name, e.g. `Asia/Damascus`.
    ///
    /// # Errors
    /// [`BadHours::TimeZone`] when there is none.
    pub fn parse(name: &str) -> Result<Self, BadHours> {
        name.parse().map(Self).map_err(|_| BadHours::TimeZone)
    }

    /// As chrono knows it.
    #[must_use]
    pub fn tz(self) -> chrono_tz::Tz {
        self.0
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl TryFrom<String> for TimeZone {
    type Error = BadHours;
    fn try_from(name: String) -> Result<Self, BadHours> {
        Self::parse(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name().to_owned()
    }
}

/// From opening to closing on one day. Closing at or before the opening time means past midnight: the range still
/// belongs to the day it opens; equal times mean 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayRange {
    /// Opens.
    pub opens: TimeOfDay,
    /// Closes.
    pub closes: TimeOfDay,
}

impl DayRange {
    /// Minutes from midnight of the opening day, end after start.
    #[must_use]
    pub fn minutes(self) -> (i64, i64) {
        let (opens, closes) = (self.opens.minutes(), self.closes.minutes());
        (opens, if closes > opens { closes } else { closes + DAY_MINUTES })
    }
}

/// A range of the weekly hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenRange {
    /// The day it opens.
    pub weekday: Weekday,
    /// Opens.
    pub opens: TimeOfDay,
    /// Closes; at or before `opens` means past midnight.
    pub closes: TimeOfDay,
}

impl OpenRange {
    /// The range without its day.
    #[must_use]
    pub fn range(self) -> DayRange {
        DayRange { opens: self.opens, closes: self.closes }
    }
}

/// Hours of one calendar day that replace the weekly ones; no ranges: closed. A range that opened the day before
/// is not cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayOverride {
    /// The day in the store's time zone.
    #[schemars(with = "String")]
    pub date: NaiveDate,
    /// Its ranges.
    pub ranges: Vec<DayRange>,
}

/// A time in which the store is closed whatever its hours say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closure {
    /// From this instant.
    pub from: Timestamp,
    /// Until just before this instant.
    pub until: Timestamp,
    /// Why, for the staff.
    pub reason: String,
}

/// Reads a day of the calendar, `YYYY-MM-DD`.
///
/// # Errors
/// [`BadHours::Date`] for anything else.
pub fn parse_date(text: &str) -> Result<NaiveDate, BadHours> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| BadHours::Date)
}

/// Everything that decides when a store is open by the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// The zone all wall-clock times are in.
    pub time_zone: TimeZone,
    /// The weekly hours.
    pub hours: Vec<OpenRange>,
    /// Days with other hours.
    pub overrides: Vec<DayOverride>,
    /// Closures.
    pub closures: Vec<Closure>,
}
