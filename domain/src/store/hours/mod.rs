//! When a store is open: weekly hours in its time zone (also past midnight), overrides of single days, closures.
//!
//! Pure. Calls: nothing. Called by: store.

mod model;
mod rules;
#[cfg(test)]
mod tests;

pub use model::{
    BadHours, Closure, DayOverride, DayRange, MAX_CLOSURES, MAX_OVERRIDES, MAX_RANGES_PER_DAY, OpenRange,
    Schedule, TimeOfDay, TimeZone, Weekday, parse_date,
};
pub use rules::{Span, is_open, may_override, next_span, spans, validate_day, validate_week};
