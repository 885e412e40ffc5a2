//! A circuit breaker: after a row of failures a port is left alone for a while, so that callers fail at once
//! instead of waiting, and the other side can recover.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::clock::Clock;
use crate::time::Timestamp;

/// Failures in a row that open the breaker.
pub const FAILURES_TO_OPEN: u32 = 5;
/// How long an open breaker refuses calls before it lets one through to try.
pub const OPEN_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Timestamp>,
}

/// The breaker of one port. Cheap to clone; clones share the state.
#[derive(Debug, Clone)]
pub struct Breaker {
    port: &'static str,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl Breaker {
    /// A closed breaker; `port` names it in logs and metrics.
    #[must_use]
    pub fn new(port: &'static str, clock: Clock) -> Self {
        Self { port, clock, state: Arc::default() }
    }

    /// Whether a call may be made now.
    ///
    /// When the pause is over one caller is let through to try; the others wait for its outcome, but no
    /// longer than another pause, so that a caller that vanishes does not block the port for ever.
    ///
    /// # Errors
    /// How long to wait when the breaker is open.
    pub fn admit(&self) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if until > now => Err(until.since(now)),
            Some(_) => {
                state.open_until = Some(now.plus(OPEN_FOR));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Records a call that was answered (with whatever answer).
    pub fn success(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.open_until.is_some() {
            info!(port = self.port, "circuit breaker closed");
        }
        *state = State::default();
    }

    /// Records a call that was not answered.
    pub fn failure(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_TO_OPEN {
            if state.open_until.is_none() {
                warn!(port = self.port, failures = state.failures, "circuit breaker opened");
                metrics::counter!("daraa_port_breaker_opened_total", "port" => self.port).increment(1);
            }
            state.open_until = Some(self.clock.now().plus(OPEN_FOR));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn opens_after_five_failures_tries_once_a_minute_and_closes_on_success() {
        let manual = ManualClock::at(Timestamp::from_millis(0));
        let breaker = Breaker::new("test", Clock::Manual(manual.clone()));
        for _ in 0..FAILURES_TO_OPEN {
            assert_eq!(breaker.admit(), Ok(()));
            breaker.failure();
        }
        assert_eq!(breaker.admit(), Err(OPEN_FOR));
        manual.advance(OPEN_FOR);
        assert_eq!(breaker.admit(), Ok(()), "one caller tries");
        assert!(breaker.admit().is_err(), "the others wait for it");
        breaker.failure();
        assert!(breaker.admit().is_err(), "its failure opens it again");
        manual.advance(OPEN_FOR);
        assert_eq!(breaker.admit(), Ok(()));
        breaker.success();
        assert_eq!(breaker.admit(), Ok(()));
        assert_eq!(breaker.admit(), Ok(()));
    }

    #[test]
    fn a_success_forgets_earlier_failures() {
        let breaker = Breaker::new("test", Clock::Manual(ManualClock::default()));
        for _ in 0..20 {
            breaker.failure();
            breaker.failure();
            breaker.success();
        }
        assert_eq!(breaker.admit(), Ok(()));
    }
}
