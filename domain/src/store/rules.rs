//! What a store may do and whether it takes orders. Pure.

use daraa_platform::time::Timestamp;

use super::hours;
use super::model::{
    Availability, ClosedReason, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_REASON_CHARS, Rating, Store,
    StoreAction, StoreStatus,
};
use crate::place::Point;
use crate::text::{Lines, LocalText, clean_within};

/// Who may move a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// Its owner.
    Owner,
    /// Ops people for stores.
    Ops,
}

/// One row of the life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From.
    pub from: StoreStatus,
    /// By.
    pub action: StoreAction,
    /// To.
    pub to: StoreStatus,
    /// Who may.
    pub who: &'static [Mover],
}

const fn row(from: StoreStatus, action: StoreAction, to: StoreStatus, who: &'static [Mover]) -> Transition {
    Transition { from, action, to, who }
}

/// The life of a store: what is not here cannot happen.
pub const TRANSITIONS: &[Transition] = &[
    row(StoreStatus::Draft, StoreAction::Submit, StoreStatus::PendingApproval, &[Mover::Owner]),
    row(StoreStatus::PendingApproval, StoreAction::Approve, StoreStatus::Active, &[Mover::Ops]),
    row(StoreStatus::PendingApproval, StoreAction::SendBack, StoreStatus::Draft, &[Mover::Ops]),
    row(StoreStatus::Active, StoreAction::Suspend, StoreStatus::Suspended, &[Mover::Ops]),
    row(StoreStatus::Suspended, StoreAction::Reopen, StoreStatus::Active, &[Mover::Ops]),
    row(StoreStatus::Draft, StoreAction::Close, StoreStatus::Closed, &[Mover::Owner, Mover::Ops]),
    row(StoreStatus::PendingApproval, StoreAction::Close, StoreStatus::Closed, &[Mover::Owner, Mover::Ops]),
    row(StoreStatus::Active, StoreAction::Close, StoreStatus::Closed, &[Mover::Owner, Mover::Ops]),
    row(StoreStatus::Suspended, StoreAction::Close, StoreStatus::Closed, &[Mover::Owner, Mover::Ops]),
];

/// What comes of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Goes to this status.
    Go(StoreStatus),
    /// Is there already: success without effect.
    Already,
    /// Not from here.
    Never,
    /// From here, but not by this person.
    NotYours,
}

/// Decides a wish by the table.
#[must_use]
pub fn decide(status: StoreStatus, action: StoreAction, who: &[Mover]) -> Decision {
    let allowed = |t: &Transition| t.who.iter().any(|mover| who.contains(mover));
    match TRANSITIONS.iter().find(|t| t.from == status && t.action == action) {
        Some(t) if allowed(t) => Decision::Go(t.to),
        Some(_) => Decision::NotYours,
        None if TRANSITIONS.iter().any(|t| t.action == action && t.to == status && allowed(t)) => {
            Decision::Already
        }
        None => Decision::Never,
    }
}

/// What may be done from here by these people; the same table as [`decide`].
#[must_use]
pub fn available_actions(status: StoreStatus, who: &[Mover]) -> Vec<StoreAction> {
    TRANSITIONS
        .iter()
        .filter(|t| t.from == status && t.who.iter().any(|mover| who.contains(mover)))
        .map(|t| t.action)
        .collect()
}

/// Whether a store takes orders at `now`.
#[must_use]
pub fn availability(store: &Store, now: Timestamp) -> Availability {
    let closed =
        |reason, opens_at| Availability { open: false, reason: Some(reason), opens_at, closes_at: None };
    if store.status != StoreStatus::Active {
        return closed(ClosedReason::NotActive, None);
    }
    if let Some(until) = store.paused_until.filter(|until| *until > now) {
        let opens_at = hours::next_span(&store.schedule, until).map(|(from, _)| from.max(until));
        return closed(ClosedReason::Paused, opens_at);
    }
    match hours::next_span(&store.schedule, now) {
        Some((from, closes_at)) if from <= now => {
            Availability { open: true, reason: None, opens_at: None, closes_at }
        }
        next => {
            let shut = store.schedule.closures.iter().any(|c| c.from <= now && now < c.until);
            let reason = if shut { ClosedReason::Closure } else { ClosedReason::OutsideHours };
            closed(reason, next.map(|(from, _)| from))
        }
    }
}

/// Whether a store takes orders at `now`: [`availability`] without the search for the next opening, for lists.
#[must_use]
pub fn is_open(store: &Store, now: Timestamp) -> bool {
    store.status == StoreStatus::Active
        && store.paused_until.is_none_or(|until| until <= now)
        && hours::is_open(&store.schedule, now)
}

/// Whether a store delivers to a point.
#[must_use]
pub fn covers(store: &Store, point: Point) -> bool {
    store.service_area.as_ref().is_some_and(|area| area.contains(point))
}

/// How long an order placed at `now` takes to prepare, rush included, in minutes.
#[must_use]
pub fn prep_minutes(store: &Store, now: Timestamp) -> i64 {
    let rush = store.rush.filter(|rush| rush.until > now).map_or(0, |rush| rush.extra_minutes);
    store.prep_minutes.saturating_add(rush)
}

/// What keeps a draft from being submitted, in words of the API.
#[must_use]
pub fn missing_for_submit(store: &Store) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if store.schedule.hours.is_empty() {
        missing.push("hours");
    }
    if store.service_area.is_none() {
        missing.push("serviceArea");
    }
    missing
}

impl Rating {
    /// The ratings with one more of `stars`.
    #[must_use]
    pub fn plus(self, stars: i64) -> Self {
        let (count, sum) = (self.count.saturating_add(1), self.sum.saturating_add(stars));
        Self { count, sum, average_milli: sum.saturating_mul(1_000) / count.max(1) }
    }

    /// The ratings without one of `stars`, whose review was hidden.
    #[must_use]
    pub fn minus(self, stars: i64) -> Self {
        let (count, sum) = (self.count.saturating_sub(1).max(0), self.sum.saturating_sub(stars).max(0));
        Self { count, sum, average_milli: sum.saturating_mul(1_000) / count.max(1) }
    }
}

/// Whether a name people read is there in one language at least, and fit to be shown in both.
#[must_use]
pub fn good_name(name: &LocalText) -> bool {
    let there = [&name.ar, &name.en].iter().any(|text| !text.trim().is_empty());
    there && good_name_or_none(name)
}

/// [`good_name`] where there need not be one.
#[must_use]
pub fn good_name_or_none(name: &LocalText) -> bool {
    [&name.ar, &name.en].iter().all(|text| clean_within(text, Lines::One, 0..=MAX_NAME_CHARS).is_some())
}

/// Whether a description is fit to be shown in both languages; it may be empty.
#[must_use]
pub fn good_description(text: &LocalText) -> bool {
    [&text.ar, &text.en].iter().all(|t| clean_within(t, Lines::Many, 0..=MAX_DESCRIPTION_CHARS).is_some())
}

/// A reason as it is kept; `None` when nobody can read it, or it is too long.
#[must_use]
pub fn good_reason(reason: &str) -> Option<String> {
    clean_within(reason, Lines::Many, 1..=MAX_REASON_CHARS).map(str::to_owned)
}
