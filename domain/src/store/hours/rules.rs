//! Opening hours on the time line: wall-clock ranges become spans of instants, daylight saving included.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use daraa_platform::time::Timestamp;

use super::model::{BadHours, DAY_MINUTES, DayRange, MAX_RANGES_PER_DAY, OpenRange, Schedule, TimeZone};

/// Hours of single days are set at most so far ahead.
const MAX_MONTHS_AHEAD: u32 = 24;
/// How many days from now the next opening is looked for; a store closed for longer shows none.
const LOOK_AHEAD_DAYS: u64 = 15;
/// The longest jump of a wall clock: whole days were skipped at the date line.
const MAX_GAP_MINUTES: i64 = 2 * DAY_MINUTES;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;

/// A span of time in which a store is open: from `from` until just before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Opens.
    pub from: Timestamp,
    /// Closes.
    pub until: Timestamp,
}

impl Span {
    /// Whether the instant lies within.
    #[must_use]
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// Checks weekly hours: few ranges a day, none overlapping another, also past midnight and over the week's end.
///
/// # Errors
/// [`BadHours::Time`], [`BadHours::TooMany`] or [`BadHours::Overlap`].
pub fn validate_week(hours: &[OpenRange]) -> Result<(), BadHours> {
    // Closing "at or before" such an opening would mean a whole day that belongs to the wrong one.
    if hours.iter().any(|range| range.opens.minutes() >= DAY_MINUTES) {
        return Err(BadHours::Time);
    }
    for range in hours {
        if hours.iter().filter(|other| other.weekday == range.weekday).count() > MAX_RANGES_PER_DAY {
            return Err(BadHours::TooMany);
        }
    }
    let minutes: Vec<(i64, i64)> = hours
        .iter()
        .map(|range| {
            let (from, until) = range.range().minutes();
            let day = range.weekday.index() * DAY_MINUTES;
            (day + from, day + until)
        })
        .collect();
    for (i, (from, until)) in minutes.iter().enumerate() {
        for (other_from, other_until) in minutes.iter().skip(i + 1) {
            let meets = |shift: i64| from + shift < *other_until && *other_from < until + shift;
            if meets(0) || meets(WEEK_MINUTES) || meets(-WEEK_MINUTES) {
                return Err(BadHours::Overlap);
            }
        }
    }
    Ok(())
}

/// Checks the hours of a single day like a week with nothing else in it.
///
/// # Errors
/// [`BadHours::Time`], [`BadHours::TooMany`] or [`BadHours::Overlap`].
pub fn validate_day(date: NaiveDate, ranges: &[DayRange]) -> Result<(), BadHours> {
    use chrono::Datelike as _;
    let weekday = date.weekday().into();
    let range = |r: &DayRange| OpenRange { weekday, opens: r.opens, closes: r.closes };
    validate_week(&ranges.iter().map(range).collect::<Vec<_>>())
}

/// Whether a day may have hours of its own: yesterday's may reach into today, and nobody plans beyond two years.
#[must_use]
pub fn may_override(date: NaiveDate, today: NaiveDate) -> bool {
    let yesterday = today.pred_opt().unwrap_or(today);
    let last = today.checked_add_months(Months::new(MAX_MONTHS_AHEAD)).unwrap_or(today);
    (yesterday..=last).contains(&date)
}

/// Whether the calendar says open.
#[must_use]
pub fn is_open(schedule: &Schedule, now: Timestamp) -> bool {
    !schedule.closures.iter().any(|c| c.from <= now && now < c.until)
        && raw_spans(schedule, now, 0).iter().any(|span| span.holds(now))
}

/// The span that holds `now`, or else the next one within 15 days. `until` is `None` when no end is in sight.
#[must_use]
pub fn next_span(schedule: &Schedule, now: Timestamp) -> Option<(Timestamp, Option<Timestamp>)> {
    // Two days nearly always hold the answer; fifteen cost eight times as much.
    for days in [2, LOOK_AHEAD_DAYS] {
        let horizon = horizon(schedule, now, days);
        let found = spans(schedule, now, days).into_iter().find(|span| span.until > now);
        match found {
            Some(span) if horizon.is_some_and(|end| span.until < end) => {
                return Some((span.from, Some(span.until)));
            }
            Some(span) if days == LOOK_AHEAD_DAYS => return Some((span.from, None)),
            _ => {}
        }
    }
    None
}

/// The start of the last looked-at day: a span that reaches it may go on beyond.
fn horizon(schedule: &Schedule, now: Timestamp, days: u64) -> Option<Timestamp> {
    let last = local_date(schedule.time_zone, now).checked_add_days(Days::new(days))?;
    instant(schedule.time_zone.tz(), last, DAY_MINUTES, Edge::Opening)
}

/// The open spans of the days from yesterday to `days` ahead, in order, disjoint, closures taken out.
#[must_use]
pub fn spans(schedule: &Schedule, now: Timestamp, days: u64) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in raw_spans(schedule, now, days) {
        match merged.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    for closure in &schedule.closures {
        merged = merged.into_iter().flat_map(|span| cut(span, closure.from, closure.until)).collect();
    }
    merged
}

fn cut(span: Span, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Span> {
    let before = Span { from: span.from, until: span.until.min(from) };
    let after = Span { from: span.from.max(until), until: span.until };
    let untouched = until <= from || until <= span.from || span.until <= from;
    let parts = if untouched { [Some(span), None] } else { [Some(before), Some(after)] };
    parts.into_iter().flatten().filter(|part| part.from < part.until)
}

fn local_date(zone: TimeZone, at: Timestamp) -> NaiveDate {
    at.to_chrono().with_timezone(&zone.tz()).date_naive()
}

/// The spans before merging, sorted by opening.
fn raw_spans(schedule: &Schedule, now: Timestamp, days: u64) -> Vec<Span> {
    let today = local_date(schedule.time_zone, now);
    let mut out = Vec::new();
    // Yesterday's range may reach past midnight into today.
    let Some(mut date) = today.checked_sub_days(Days::new(1)) else { return out };
    for _ in 0..=days.saturating_add(1) {
        for range in ranges_of(schedule, date) {
            let (opens, closes) = range.minutes();
            let tz = schedule.time_zone.tz();
            if let (Some(from), Some(until)) =
                (instant(tz, date, opens, Edge::Opening), instant(tz, date, closes, Edge::Closing))
                && from < until
            {
                out.push(Span { from, until });
            }
        }
        let Some(next) = date.checked_add_days(Days::new(1)) else { break };
        date = next;
    }
    out.sort_by_key(|span| (span.from, span.until));
    out
}

fn ranges_of(schedule: &Schedule, date: NaiveDate) -> Vec<DayRange> {
    use chrono::Datelike as _;
    if let Some(day) = schedule.overrides.iter().find(|o| o.date == date) {
        return day.ranges.clone();
    }
    let weekday = date.weekday().into();
    schedule.hours.iter().filter(|r| r.weekday == weekday).map(|r| r.range()).collect()
}

#[derive(Clone, Copy)]
enum Edge {
    Opening,
    Closing,
}

/// The instant a wall clock shows `minutes` after midnight of `date`. A time shown twice (clocks set back) opens at
/// its first and closes at its second showing; a time never shown (clocks set forward) is the moment of the jump.
fn instant(tz: Tz, date: NaiveDate, minutes: i64, edge: Edge) -> Option<Timestamp> {
    let wall = date.and_hms_opt(0, 0, 0)?.checked_add_signed(TimeDelta::minutes(minutes))?;
    let found = match tz.from_local_datetime(&wall) {
        chrono::LocalResult::Single(at) => at,
        chrono::LocalResult::Ambiguous(first, second) => match edge {
            Edge::Opening => first,
            Edge::Closing => second,
        },
        chrono::LocalResult::None => after_gap(tz, wall)?,
    };
    Some(Timestamp::from_millis(found.timestamp_millis()))
}

fn after_gap(tz: Tz, wall: NaiveDateTime) -> Option<DateTime<Tz>> {
    (1..=MAX_GAP_MINUTES).find_map(|minutes| {
        tz.from_local_datetime(&wall.checked_add_signed(TimeDelta::minutes(minutes))?).earliest()
    })
}
