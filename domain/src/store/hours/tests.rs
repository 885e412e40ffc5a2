#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use chrono::{Datelike as _, Timelike as _};
use daraa_platform::time::Timestamp;
use proptest::prelude::*;

use super::model::{
    BadHours, Closure, DAY_MINUTES, DayOverride, DayRange, OpenRange, Schedule, TimeOfDay, TimeZone, Weekday,
};
use super::rules::{is_open, may_override, next_span, spans, validate_day, validate_week};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).unwrap()
}

fn range(weekday: Weekday, opens: &str, closes: &str) -> OpenRange {
    OpenRange { weekday, opens: time(opens), closes: time(closes) }
}

fn daily(zone: &str, opens: &str, closes: &str) -> Schedule {
    Schedule {
        time_zone: TimeZone::parse(zone).unwrap(),
        hours: Weekday::ALL.map(|day| range(day, opens, closes)).to_vec(),
        overrides: Vec::new(),
        closures: Vec::new(),
    }
}

#[test]
fn times_are_read_strictly() {
    assert_eq!(time("24:00").minutes(), 1_440);
    assert_eq!(time("09:05").to_string(), "09:05");
    for bad in ["", "9:00", "09:60", "24:01", "25:00", "-1:00", "09.00", "+9:00", "09:00:00", "٠٩:٠٠"] {
        assert_eq!(TimeOfDay::parse(bad), Err(BadHours::Time), "{bad}");
    }
    assert_eq!(TimeZone::parse("Asia/Nowhere"), Err(BadHours::TimeZone));
}

#[test]
fn nothing_opens_at_the_end_of_a_day() {
    let monday = |opens, closes| validate_week(&[range(Weekday::Monday, opens, closes)]);
    assert_eq!(monday("24:00", "24:00"), Err(BadHours::Time));
    assert_eq!(monday("24:00", "02:00"), Err(BadHours::Time));
    assert_eq!(monday("23:59", "24:00"), Ok(()));
    assert_eq!(monday("00:00", "24:00"), Ok(()));
    let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 6).unwrap();
    let day = |opens, closes| DayRange { opens: time(opens), closes: time(closes) };
    assert_eq!(validate_day(date, &[day("24:00", "24:00")]), Err(BadHours::Time));
    assert_eq!(validate_day(date, &[day("08:00", "12:00"), day("11:00", "13:00")]), Err(BadHours::Overlap));
    assert_eq!(validate_day(date, &[day("08:00", "09:00"); 5]), Err(BadHours::TooMany));
    assert_eq!(validate_day(date, &[]), Ok(()));
}

#[test]
fn hours_of_a_day_are_kept_from_yesterday_to_two_years_ahead() {
    let day = |y, m, d| chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap();
    let today = day(2024, 2, 29);
    for (date, may) in [
        (day(0, 1, 1), false),
        (day(2020, 1, 1), false),
        (day(2024, 2, 27), false),
        (day(2024, 2, 28), true),
        (today, true),
        (day(2026, 2, 28), true),
        (day(2026, 3, 1), false),
        (day(9999, 12, 31), false),
        (chrono::NaiveDate::MAX, false),
    ] {
        assert_eq!(may_override(date, today), may, "{date}");
    }
}

#[test]
fn past_midnight_belongs_to_the_day_it_opens() {
    // Damascus is three hours ahead; 2026-01-05 is a Monday.
    let mut late = daily("Asia/Damascus", "18:00", "02:00");
    late.hours.retain(|r| r.weekday == Weekday::Monday);
    assert!(!is_open(&late, at("2026-01-05T14:59:00Z")));
    assert!(is_open(&late, at("2026-01-05T15:00:00Z")));
    assert!(is_open(&late, at("2026-01-05T22:59:59Z")), "Tuesday, 01:59 in Damascus");
    assert!(!is_open(&late, at("2026-01-05T23:00:00Z")));
    let next = next_span(&late, at("2026-01-06T08:00:00Z")).unwrap();
    assert_eq!(next, (at("2026-01-12T15:00:00Z"), Some(at("2026-01-12T23:00:00Z"))));
}

#[test]
fn around_the_clock_has_no_end() {
    for (opens, closes) in [("00:00", "24:00"), ("00:00", "00:00"), ("06:00", "06:00")] {
        let always = daily("Asia/Damascus", opens, closes);
        let now = at("2026-01-05T21:00:00Z");
        assert!(is_open(&always, now));
        assert_eq!(next_span(&always, now).unwrap().1, None, "{opens}");
    }
}

#[test]
fn overrides_replace_a_day_and_closures_cut_everything() {
    let mut schedule = daily("Asia/Damascus", "09:00", "21:00");
    let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 6).unwrap();
    schedule.overrides.push(DayOverride { date, ranges: Vec::new() });
    assert!(!is_open(&schedule, at("2026-01-06T10:00:00Z")), "closed for the day");
    let next = next_span(&schedule, at("2026-01-06T10:00:00Z")).unwrap();
    assert_eq!(next.0, at("2026-01-07T06:00:00Z"));

    schedule.overrides[0].ranges.push(DayRange { opens: time("20:00"), closes: time("23:00") });
    assert!(!is_open(&schedule, at("2026-01-06T10:00:00Z")));
    assert!(is_open(&schedule, at("2026-01-06T19:30:00Z")));

    let closure = Closure {
        from: at("2026-01-07T08:00:00Z"),
        until: at("2026-01-07T09:00:00Z"),
        reason: String::new(),
    };
    schedule.closures.push(closure);
    assert!(is_open(&schedule, at("2026-01-07T07:59:00Z")));
    assert!(!is_open(&schedule, at("2026-01-07T08:00:00Z")));
    assert!(is_open(&schedule, at("2026-01-07T09:00:00Z")));
    assert_eq!(
        next_span(&schedule, at("2026-01-07T07:00:00Z")).unwrap().1,
        Some(at("2026-01-07T08:00:00Z")),
        "a closure ends the present span"
    );
    let holidays = Closure {
        from: at("2026-01-08T00:00:00Z"),
        until: at("2026-03-01T00:00:00Z"),
        reason: String::new(),
    };
    schedule.closures.push(holidays);
    assert_eq!(next_span(&schedule, at("2026-01-10T08:00:00Z")), None, "no opening in sight");
}

#[test]
fn clocks_set_forward_and_back() {
    // Berlin 2026: forward on 29 March at 02:00, back on 25 October at 03:00.
    let night = daily("Europe/Berlin", "02:30", "05:00");
    let opened = spans(&night, at("2026-03-29T00:00:00Z"), 0);
    let day = opened.iter().find(|s| s.until == at("2026-03-29T03:00:00Z")).unwrap();
    assert_eq!(day.from, at("2026-03-29T01:00:00Z"), "02:30 is never shown: opens at the jump");

    let until_half_past_two = daily("Europe/Berlin", "01:00", "02:30");
    assert!(is_open(&until_half_past_two, at("2026-10-25T00:15:00Z")), "the first 02:15");
    assert!(is_open(&until_half_past_two, at("2026-10-25T01:15:00Z")), "the second 02:15");
    assert!(!is_open(&until_half_past_two, at("2026-10-25T01:30:00Z")), "the second 02:30");

    // Beirut jumps at midnight: 00:00 of that day is never shown.
    let beirut = daily("Asia/Beirut", "00:00", "24:00");
    assert!(is_open(&beirut, at("2026-03-28T22:00:00Z")));
    assert_eq!(next_span(&beirut, at("2026-03-28T12:00:00Z")).unwrap().1, None);
}

#[test]
fn weeks_are_checked() {
    use Weekday::{Friday, Monday, Sunday};
    let check = |week: &[OpenRange]| validate_week(week);
    assert_eq!(check(&[range(Monday, "09:00", "12:00"), range(Monday, "12:00", "15:00")]), Ok(()));
    assert_eq!(
        check(&[range(Monday, "09:00", "12:01"), range(Monday, "12:00", "15:00")]),
        Err(BadHours::Overlap)
    );
    assert_eq!(
        check(&[range(Sunday, "20:00", "03:00"), range(Monday, "02:00", "05:00")]),
        Err(BadHours::Overlap),
        "over the end of the week"
    );
    let many: Vec<OpenRange> = ["01:00", "03:00", "05:00", "07:00", "09:00"]
        .iter()
        .map(|opens| OpenRange { weekday: Friday, opens: time(opens), closes: time(opens) })
        .collect();
    assert_eq!(check(&many), Err(BadHours::TooMany));
}

/// What the wall clock says, minute by minute, without any arithmetic on instants.
fn by_the_wall(schedule: &Schedule, now: Timestamp) -> bool {
    let local = now.to_chrono().with_timezone(&schedule.time_zone.tz());
    let minute = i64::from(local.hour() * 60 + local.minute());
    let day: Weekday = local.weekday().into();
    let before: Weekday = local.weekday().pred().into();
    schedule.hours.iter().any(|r| {
        let (from, until) = r.range().minutes();
        (r.weekday == day && (from..until).contains(&minute))
            || (r.weekday == before && (from..until).contains(&(minute + DAY_MINUTES)))
    })
}

prop_compose! {
    fn any_range()(day in 0..7_usize, opens in 0..1_440_i64, closes in 0..=1_440_i64) -> OpenRange {
        OpenRange {
            weekday: Weekday::ALL[day],
            opens: TimeOfDay::try_from(opens).unwrap(),
            closes: TimeOfDay::try_from(closes).unwrap(),
        }
    }
}

fn schedule(zone: &str, hours: Vec<OpenRange>) -> Schedule {
    Schedule { time_zone: TimeZone::parse(zone).unwrap(), hours, overrides: Vec::new(), closures: Vec::new() }
}

proptest! {
    #[test]
    fn open_is_what_the_wall_clock_says(
        hours in proptest::collection::vec(any_range(), 0..8),
        minute in 0..20_160_i64,
        zone in prop_oneof![Just("Asia/Damascus"), Just("Asia/Kathmandu"), Just("Europe/Berlin")],
    ) {
        // June: no clock is set anywhere.
        let now = Timestamp::from_millis(at("2026-06-01T00:00:00Z").millis() + minute * 60_000);
        let schedule = schedule(zone, hours);
        prop_assert_eq!(is_open(&schedule, now), by_the_wall(&schedule, now));
    }

    #[test]
    fn the_next_span_is_where_it_next_opens(
        hours in proptest::collection::vec(any_range(), 0..4),
        minute in 0..10_080_i64,
        closed in proptest::collection::vec((0..20_000_i64, 1..3_000_i64), 0..3),
    ) {
        let start = at("2026-10-20T00:00:00Z").millis();
        let instant = |minutes: i64| Timestamp::from_millis(start + minutes * 60_000);
        let mut schedule = schedule("Europe/Berlin", hours);
        schedule.closures = closed
            .iter()
            .map(|(from, length)| Closure { from: instant(*from), until: instant(from + length), reason: String::new() })
            .collect();
        let now = instant(minute);
        match next_span(&schedule, now) {
            Some((from, until)) => {
                prop_assert_eq!(from <= now, is_open(&schedule, now));
                prop_assert!(is_open(&schedule, from.max(now)));
                if from > now {
                    let just_before = Timestamp::from_millis(from.millis() - 1);
                    prop_assert!(!is_open(&schedule, just_before));
                }
                if let Some(until) = until {
                    prop_assert!(until > now && until > from);
                    prop_assert!(!is_open(&schedule, until));
                    prop_assert!(is_open(&schedule, Timestamp::from_millis(until.millis() - 1)));
                }
            }
            None => prop_assert!(!is_open(&schedule, now)),
        }
    }

    #[test]
    fn spans_are_ordered_and_disjoint(
        hours in proptest::collection::vec(any_range(), 0..8),
        minute in 0..600_000_i64,
        zone in prop_oneof![Just("Asia/Damascus"), Just("America/Sao_Paulo"), Just("Pacific/Apia"), Just("Europe/Berlin")],
    ) {
        let now = Timestamp::from_millis(at("2011-12-01T00:00:00Z").millis() + minute * 60_000);
        let found = spans(&schedule(zone, hours), now, 15);
        prop_assert!(found.iter().all(|s| s.from < s.until));
        prop_assert!(found.windows(2).all(|pair| pair[0].until < pair[1].from));
    }

    #[test]
    fn a_checked_week_has_no_minute_twice(hours in proptest::collection::vec(any_range(), 0..6)) {
        let twice = (0..7 * DAY_MINUTES).any(|minute| {
            hours.iter().filter(|r| {
                let (from, until) = r.range().minutes();
                let day = r.weekday.index() * DAY_MINUTES;
                (day + from..day + until).contains(&minute)
                    || (day + from..day + until).contains(&(minute + 7 * DAY_MINUTES))
            }).count() > 1
        });
        match validate_week(&hours) {
            Ok(()) => prop_assert!(!twice),
            Err(BadHours::Overlap) => prop_assert!(twice),
            Err(_) => {}
        }
    }
}
