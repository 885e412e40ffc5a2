//! Pure decisions about couriers.

use std::time::Duration;

use daraa_platform::time::Timestamp;

use super::error::CourierError;
use super::model::{Courier, CourierAction, CourierStatus};

/// Nobody brings more deliveries at once.
pub const MAX_CAPACITY: i64 = 5;
/// A shift lasts a day at most.
const MAX_SHIFT: Duration = Duration::from_secs(24 * 3_600);

/// One row of the table: ops do `action` when the courier is `from`.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The status before.
    pub from: CourierStatus,
    /// What is done.
    pub action: CourierAction,
    /// The status afterwards.
    pub to: CourierStatus,
}

/// The life of a courier on the platform. Only ops move it.
pub const TRANSITIONS: &[Transition] = &[
    Transition {
        from: CourierStatus::PendingApproval,
        action: CourierAction::Approve,
        to: CourierStatus::Active,
    },
    Transition { from: CourierStatus::Active, action: CourierAction::Suspend, to: CourierStatus::Suspended },
    Transition {
        from: CourierStatus::Suspended,
        action: CourierAction::Reinstate,
        to: CourierStatus::Active,
    },
];

/// Where the action leads: `None` when the courier is there already.
///
/// # Errors
/// [`CourierError::InvalidTransition`].
pub fn decide(status: CourierStatus, action: CourierAction) -> Result<Option<CourierStatus>, CourierError> {
    if let Some(row) = TRANSITIONS.iter().find(|t| t.from == status && t.action == action) {
        return Ok(Some(row.to));
    }
    if TRANSITIONS.iter().any(|t| t.action == action && t.to == status) {
        return Ok(None);
    }
    Err(CourierError::InvalidTransition)
}

/// How many deliveries at once: one, unless he asks for more.
///
/// # Errors
/// [`CourierError::CapacityOutOfRange`].
pub fn capacity(asked: Option<i64>) -> Result<i64, CourierError> {
    match asked {
        None => Ok(1),
        Some(n) if (1..=MAX_CAPACITY).contains(&n) => Ok(n),
        Some(_) => Err(CourierError::CapacityOutOfRange { max: MAX_CAPACITY }),
    }
}

/// Whether he may go online until then.
///
/// # Errors
/// Not active, or a shift end that makes no sense.
pub fn may_go_online(
    courier: &Courier,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), CourierError> {
    if courier.status != CourierStatus::Active {
        return Err(CourierError::CourierNotActive);
    }
    match until {
        Some(until) if until <= now || until > now.plus(MAX_SHIFT) => Err(CourierError::ShiftEndOutOfRange),
        _ => Ok(()),
    }
}
