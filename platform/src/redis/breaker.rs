//! A breaker that spares an absent server, and its callers the wait for it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::warn;

/// After a failure Redis is not asked for this long.
const BREAK: Duration = Duration::from_millis(500);
/// So many answers in a row must be missing before a slow Redis counts as away.
const SLOW_IN_A_ROW: u32 = 3;

/// Whether Redis may be asked: closed while it answers, open for [`BREAK`] after it failed, then one
/// caller tries and the others wait for what it finds.
#[derive(Debug)]
pub(super) struct Breaker {
    since: Instant,
    /// 0 = closed; otherwise ms after `since` when the next try is allowed.
    open_until_ms: AtomicU64,
    slow: AtomicU32,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), open_until_ms: AtomicU64::new(0), slow: AtomicU32::new(0) }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn next_try_ms(&self) -> u64 {
        self.now_ms().saturating_add(u64::try_from(BREAK.as_millis()).unwrap_or(0)).max(1)
    }

    pub(super) fn allows(&self) -> bool {
        let until = self.open_until_ms.load(Ordering::SeqCst);
        if until == 0 {
            return true;
        }
        self.now_ms() >= until
            && self
                .open_until_ms
                .compare_exchange(until, self.next_try_ms(), Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }

    pub(super) fn answered(&self) {
        self.slow.store(0, Ordering::Relaxed);
        if self.open_until_ms.swap(0, Ordering::SeqCst) != 0 {
            warn!("redis answers again");
        }
    }

    /// There is another server to ask: what the former one did says nothing about it.
    pub(super) fn begin_anew(&self) {
        self.slow.store(0, Ordering::Relaxed);
        self.open_until_ms.store(0, Ordering::SeqCst);
    }

    /// Says whether it has just opened.
    pub(super) fn failed(&self, slow: bool) -> bool {
        let enough = !slow || self.slow.fetch_add(1, Ordering::Relaxed) + 1 >= SLOW_IN_A_ROW;
        let open = self.open_until_ms.load(Ordering::SeqCst) != 0;
        if enough || open {
            self.open_until_ms.store(self.next_try_ms(), Ordering::SeqCst);
        }
        enough && !open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_opens_the_breaker_at_once() {
        let breaker = Breaker::new();
        assert!(breaker.allows());
        assert!(breaker.failed(false));
        assert!(!breaker.allows());
        breaker.answered();
        assert!(breaker.allows());
    }

    #[test]
    fn one_slow_answer_is_forgiven_three_are_not() {
        let breaker = Breaker::new();
        assert!(!breaker.failed(true));
        assert!(breaker.allows());
        assert!(!breaker.failed(true));
        assert!(breaker.failed(true));
        assert!(!breaker.allows());
    }

    #[test]
    fn after_the_pause_one_caller_tries() {
        let breaker = Breaker::new();
        breaker.failed(false);
        breaker.open_until_ms.store(1, Ordering::SeqCst);
        // One millisecond after the breaker was made somebody may try, and nobody beside him.
        while !breaker.allows() {
            std::hint::spin_loop();
        }
        assert!(!breaker.allows());
    }

    #[test]
    fn another_server_is_asked_at_once() {
        let breaker = Breaker::new();
        breaker.failed(false);
        breaker.begin_anew();
        assert!(breaker.allows() && breaker.allows());
    }
}
