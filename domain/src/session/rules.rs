//! How long things last, and what a refresh token may do.

pub(super) mod token;

use std::fmt;
use std::time::Duration;

use daraa_platform::clock::Clock;
use daraa_platform::time::Timestamp;

use super::error::SessionError;
use super::model::Session;
use crate::code;

/// A code can be used this long.
pub const CODE_LIFE: Duration = Duration::from_secs(300);
/// Digits of a code.
const CODE_DIGITS: usize = 6;
/// A code may be tried this often.
pub const MAX_ATTEMPTS: i64 = 5;
/// An access token is accepted this long.
pub const ACCESS_LIFE: Duration = Duration::from_secs(900);
/// A session ends when it was not refreshed for this long.
pub const REFRESH_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// A refresh whose answer was lost may be repeated this long.
pub const RETRY_GRACE: Duration = Duration::from_secs(10);
/// Devices one person may be signed in on; the oldest sign-in ends when there is one more.
pub const MAX_SESSIONS: i64 = 20;
/// The longest name of a device, characters.
const MAX_DEVICE_CHARS: usize = 80;

/// How much a clock shows passing while `real` passes. Codes, tokens and lost answers are matters of people and
/// networks, which do not run faster when a simulated day does.
pub(super) fn shown(clock: &Clock, real: Duration) -> Duration {
    match clock {
        Clock::System | Clock::Manual(_) => real,
        Clock::Fast(fast) => real.saturating_mul(fast.speed),
    }
}

/// Six digits. Its `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// Reads a code; spaces and Arabic-Indic digits are understood.
    ///
    /// # Errors
    /// [`SessionError::CodeInvalid`] for anything else: a malformed code is a wrong code.
    pub fn parse(text: &str) -> Result<Self, SessionError> {
        code::read(text, CODE_DIGITS).map(Self).ok_or(SessionError::CodeInvalid)
    }

    /// A new random code.
    pub(super) fn random(random: &daraa_platform::random::Random) -> Self {
        Self(random.digits(CODE_DIGITS))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}

/// What a device calls itself, e.g. `Layla's phone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// Reads a device's name.
    ///
    /// # Errors
    /// [`SessionError::InvalidDeviceName`] when empty, too long, or with control characters.
    pub fn parse(text: &str) -> Result<Self, SessionError> {
        let name = text.trim();
        let fits = (1..=MAX_DEVICE_CHARS).contains(&name.chars().count());
        if fits && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(SessionError::InvalidDeviceName { max: MAX_DEVICE_CHARS })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a genuine refresh token of some generation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshDecision {
    /// It is the valid one: exchange it.
    Rotate,
    /// It was exchanged a moment ago and its answer may have been lost: the same answer again.
    AnswerAgain,
    /// It was exchanged before: somebody has a copy. The session ends.
    Reused,
    /// The session is over, or the token is from the future.
    Refused,
}

/// Decides about a token whose signature is right.
pub(super) fn decide(session: &Session, generation: i64, now: Timestamp, grace: Duration) -> RefreshDecision {
    let current = session.refresh.generation;
    if !session.alive(now) || generation > current || generation < 1 {
        RefreshDecision::Refused
    } else if generation == current {
        RefreshDecision::Rotate
    } else if generation.saturating_add(1) == current && now <= session.refreshed_at.plus(grace) {
        RefreshDecision::AnswerAgain
    } else {
        RefreshDecision::Reused
    }
}
