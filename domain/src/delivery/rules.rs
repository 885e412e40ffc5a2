//! The delivery machine: every legal change is a row of [`TRANSITIONS`]; [`decide`] is the only guard, and
//! [`available_actions`] asks the same function.

use std::time::Duration;

use daraa_platform::money::Money;
use daraa_platform::time::Timestamp;

use super::error::DeliveryError;
use super::model::{Attempts, Delivery, DeliveryAction, DeliveryStatus};
pub use crate::order::rules::Party;

use DeliveryAction as A;
use DeliveryStatus as S;
use Party::{Courier, Customer, Ops, Staff, System};

/// So many wrong codes at one stop, then a pause.
pub const MAX_CODE_TRIES: i64 = 5;
/// How long the pause after too many wrong codes lasts.
pub const CODE_LOCK: Duration = Duration::from_secs(300);
/// A courier who neither hands over nor gives up this long after the no-show timer has forgotten it: the system
/// gives up for him.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);
/// A courier who is to fetch something and gives no sign (no position, no step) for this long has vanished: others are
/// asked. Couriers tell where they are about every four seconds, so this outlasts a tunnel and a change of phone.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// One legal change.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The status before.
    pub from: DeliveryStatus,
    /// What is done.
    pub action: DeliveryAction,
    /// The status after.
    pub to: DeliveryStatus,
    /// Who may.
    pub who: &'static [Party],
}

const fn row(
    from: DeliveryStatus,
    action: DeliveryAction,
    to: DeliveryStatus,
    who: &'static [Party],
) -> Transition {
    Transition { from, action, to, who }
}

/// The whole machine. A delivery is born PENDING when its order is accepted.
pub const TRANSITIONS: &[Transition] = &[
    row(S::Pending, A::Offer, S::Offered, &[System, Ops]),
    row(S::Offered, A::Accept, S::Assigned, &[Courier]),
    row(S::Offered, A::Decline, S::Pending, &[Courier]),
    row(S::Offered, A::Expire, S::Pending, &[System]),
    row(S::Offered, A::Revoke, S::Pending, &[System, Ops]),
    row(S::Pending, A::Assign, S::Assigned, &[Ops]),
    row(S::Offered, A::Assign, S::Assigned, &[Ops]),
    row(S::Assigned, A::Unassign, S::Pending, &[Ops, Courier, System]),
    row(S::EnRouteToPickup, A::Unassign, S::Pending, &[Ops, Courier, System]),
    row(S::AtPickup, A::Unassign, S::Pending, &[Ops, Courier, System]),
    row(S::Assigned, A::Depart, S::EnRouteToPickup, &[Courier]),
    row(S::EnRouteToPickup, A::Arrive, S::AtPickup, &[Courier]),
    row(S::AtPickup, A::PickUp, S::PickedUp, &[Courier]),
    row(S::PickedUp, A::Depart, S::EnRouteToDropoff, &[Courier]),
    row(S::EnRouteToDropoff, A::Arrive, S::AtDropoff, &[Courier]),
    row(S::AtDropoff, A::Complete, S::Delivered, &[Courier]),
    row(S::AtDropoff, A::Fail, S::Undeliverable, &[Courier, Ops, System]),
    row(S::Undeliverable, A::Retry, S::AtDropoff, &[Ops, Customer]),
    row(S::Undeliverable, A::Return, S::Returning, &[Courier, Ops]),
    row(S::Undeliverable, A::Lose, S::Failed, &[Ops]),
    row(S::Returning, A::ConfirmReturn, S::Returned, &[Courier, Staff, Ops]),
    row(S::Returning, A::Lose, S::Failed, &[Ops]),
    row(S::Pending, A::Cancel, S::Cancelled, &[System, Ops]),
    row(S::Offered, A::Cancel, S::Cancelled, &[System, Ops]),
    row(S::Assigned, A::Cancel, S::Cancelled, &[System, Ops]),
    row(S::EnRouteToPickup, A::Cancel, S::Cancelled, &[System, Ops]),
    row(S::AtPickup, A::Cancel, S::Cancelled, &[System, Ops]),
];

/// Every action once, in the order of the table.
const ACTIONS: &[DeliveryAction] = &[
    A::Offer,
    A::Accept,
    A::Decline,
    A::Expire,
    A::Revoke,
    A::Assign,
    A::Unassign,
    A::Depart,
    A::Arrive,
    A::PickUp,
    A::Complete,
    A::Fail,
    A::Retry,
    A::Return,
    A::ConfirmReturn,
    A::Lose,
    A::Cancel,
];

/// What the guards look at beyond the delivery itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Now.
    pub now: Timestamp,
    /// How far the courier is from the stop, when that is known, metres.
    pub distance_m: Option<i64>,
    /// How near "arrived" must be, metres; 0 switches the check off.
    pub geofence_m: i64,
}

impl Facts {
    /// Nothing but the time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now, distance_m: None, geofence_m: 0 }
    }
}

/// What [`decide`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write this status.
    Move(DeliveryStatus),
    /// It is so already: success without effect.
    Already,
}

/// Whether `parties` may do `action` now, and where it leads.
///
/// # Errors
/// The status forbids it (to anybody, or to these parties), or a guard does.
pub fn decide(
    delivery: &Delivery,
    action: DeliveryAction,
    parties: &[Party],
    facts: Facts,
) -> Result<Decision, DeliveryError> {
    let may = |row: &&Transition| row.who.iter().any(|party| parties.contains(party));
    let mut rows = TRANSITIONS.iter().filter(|row| row.action == action);
    if let Some(row) = rows.clone().find(|row| row.from == delivery.status) {
        if !may(&row) {
            return Err(DeliveryError::InvalidTransition);
        }
        guard(delivery, action, parties, facts)?;
        return Ok(Decision::Move(row.to));
    }
    // Unassigned and offered again looks like PENDING before: "already" is only said where the action left a trace.
    let last = delivery.history.last().map(|step| step.action);
    if rows.any(|row| row.to == delivery.status && may(&row)) && last == Some(action) {
        return Ok(Decision::Already);
    }
    Err(DeliveryError::InvalidTransition)
}

/// What `parties` may do now.
#[must_use]
pub fn available_actions(delivery: &Delivery, parties: &[Party], facts: Facts) -> Vec<DeliveryAction> {
    let moves =
        |action: &DeliveryAction| matches!(decide(delivery, *action, parties, facts), Ok(Decision::Move(_)));
    ACTIONS.iter().copied().filter(moves).collect()
}

/// The conditions beyond status and party.
fn guard(
    delivery: &Delivery,
    action: DeliveryAction,
    parties: &[Party],
    facts: Facts,
) -> Result<(), DeliveryError> {
    match action {
        A::Arrive => match facts.distance_m {
            Some(distance_m) if facts.geofence_m > 0 && distance_m > facts.geofence_m => {
                Err(DeliveryError::TooFarAway { distance_m })
            }
            _ => Ok(()),
        },
        A::PickUp if delivery.ready_at.is_none() => Err(DeliveryError::OrderNotReady),
        A::Accept if delivery.offer.is_none_or(|offer| offer.expires_at <= facts.now) => {
            Err(DeliveryError::OfferNotLive)
        }
        // Ops know better; everybody else waits.
        A::Fail if !parties.contains(&Ops) => {
            let patience = if parties.contains(&Courier) { Duration::ZERO } else { ABANDONED_AFTER };
            match delivery.wait_until {
                Some(until) if facts.now >= until.plus(patience) => Ok(()),
                _ => Err(DeliveryError::WaitNotOver),
            }
        }
        _ => Ok(()),
    }
}

/// What a try at a code costs: the state to store before the code is compared. Tries are claimed first, so
/// parallel guesses cannot share one.
///
/// # Errors
/// [`DeliveryError::TooManyAttempts`] while locked.
pub fn claim_try(attempts: Attempts, now: Timestamp) -> Result<Attempts, DeliveryError> {
    let used = match attempts.locked_until {
        Some(until) if now < until => return Err(DeliveryError::TooManyAttempts),
        Some(_) => 1,
        None => attempts.used.saturating_add(1),
    };
    let locked_until = (used >= MAX_CODE_TRIES).then(|| now.plus(CODE_LOCK));
    Ok(Attempts { used, locked_until })
}

/// Whether the cash collected is right: what is due, exactly. Not said means exactly what is due.
///
/// # Errors
/// [`DeliveryError::CashMismatch`].
pub fn cash_collected(due: Money, said_minor: Option<i64>) -> Result<Option<Money>, DeliveryError> {
    match said_minor {
        Some(said) if said != due.amount_minor => Err(DeliveryError::CashMismatch),
        _ => Ok((!due.is_zero()).then_some(due)),
    }
}

/// Whether a courier may hold this much of the platform's cash. A limit says nothing about another currency, so there
/// he may hold none.
#[must_use]
pub fn within_cash_limit(held: Money, limit: Money) -> bool {
    held.currency == limit.currency && held.amount_minor <= limit.amount_minor
}

/// When the courier of a delivery last did something about it.
fn last_sign(delivery: &Delivery) -> Option<Timestamp> {
    delivery.assigned_at.max(delivery.history.last().map(|step| step.at))
}

/// Of the deliveries of one courier whose position is not known after `before`: those he was to fetch and has forgotten.
/// None, when he has done something about any of them since.
#[must_use]
pub fn forgotten(deliveries: &[Delivery], before: Timestamp) -> Vec<&Delivery> {
    if deliveries.iter().any(|delivery| last_sign(delivery).is_none_or(|at| at > before)) {
        return Vec::new();
    }
    deliveries.iter().filter(|d| matches!(d.status, S::Assigned | S::EnRouteToPickup)).collect()
}
