//! Whether a tick is to be run, skipped or left alone.

use std::time::Duration;

use daraa_platform::time::Timestamp;

/// What happens to ticks that passed while no runner was alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// The newest missed tick is run as soon as a runner is alive; older ones are not.
    Once,
    /// Missed ticks are left out; the next one is run at its time.
    Skip,
}

/// What to do about the newest tick that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dueness {
    /// Nothing: it was dealt with, or the job did not exist yet.
    Nothing,
    /// Run it; it is on time.
    OnTime,
    /// Run it; it is late.
    Late,
    /// Record that it was left out because it is late.
    Missed,
    /// Record that it was left out because the job is paused.
    Paused,
}

/// A tick that is at most this old counts as on time: runners look every second, and a restart takes a few.
const ON_TIME: Duration = Duration::from_secs(120);

/// Decides about `tick`, the newest instant of the job's schedule that is not after `now`.
#[must_use]
pub fn decide(
    tick: Timestamp,
    dealt_with: Option<Timestamp>,
    known_since: Timestamp,
    paused: bool,
    policy: CatchUp,
    now: Timestamp,
) -> Dueness {
    if tick <= known_since || dealt_with.is_some_and(|last| tick <= last) {
        Dueness::Nothing
    } else if paused {
        Dueness::Paused
    } else if now.since(tick) <= ON_TIME {
        Dueness::OnTime
    } else if policy == CatchUp::Once {
        Dueness::Late
    } else {
        Dueness::Missed
    }
}
