//! The injected clock. Nothing in `domain` reads the machine's time; it asks the [`Clock`] it was given.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Where "now" comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that runs `speed` times as fast since an anchor; simulation mode only. All processes of one
    /// simulation are given the same anchor, so they agree on the time.
    Fast(FastClock),
    /// A clock that tests move by hand.
    Manual(ManualClock),
}

/// The anchor and speed of an accelerated clock.
#[derive(Debug, Clone, Copy)]
pub struct FastClock {
    /// The machine's time at the anchor, ms since the epoch.
    pub real_ms: i64,
    /// What the fast clock shows at the anchor, ms since the epoch.
    pub shown_ms: i64,
    /// How many shown seconds pass in one real second.
    pub speed: u32,
}

/// A clock that stands still until it is moved.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.millis())))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets the time.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.millis(), Ordering::SeqCst);
    }
}

impl Clock {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_millis(system_ms()),
            Self::Fast(fast) => {
                let passed = system_ms().saturating_sub(fast.real_ms);
                Timestamp::from_millis(
                    fast.shown_ms.saturating_add(passed.saturating_mul(i64::from(fast.speed))),
                )
            }
            Self::Manual(manual) => Timestamp::from_millis(manual.0.load(Ordering::SeqCst)),
        }
    }

    /// The real time that passes while this clock shows `shown` passing: what a loop has to sleep.
    /// Never below one millisecond, so that no loop spins.
    #[must_use]
    pub fn real(&self, shown: Duration) -> Duration {
        match self {
            Self::System | Self::Manual(_) => shown,
            Self::Fast(fast) => shown / fast.speed.max(1),
        }
        .max(Duration::from_millis(1))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the injected clock reads the machine's")]
fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
