//! The shared world of the bots: the fast clock, and what people tell each other face to face.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::plan::Plan;

/// The clock that the server, the jobs and the bots share: `real_ms,shown_ms,speed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayClock {
    /// The machine's time at the anchor.
    pub real_ms: i64,
    /// What the clock shows at the anchor.
    pub shown_ms: i64,
    /// Shown seconds in one real second.
    pub speed: u32,
}

impl std::str::FromStr for DayClock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<i64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        match parts[..] {
            [real_ms, shown_ms, speed] if speed > 0 => Ok(Self {
                real_ms,
                shown_ms,
                speed: u32::try_from(speed).map_err(|_| "speed is too large".to_owned())?,
            }),
            _ => Err("expected real_ms,shown_ms,speed".to_owned()),
        }
    }
}

impl std::fmt::Display for DayClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{}", self.real_ms, self.shown_ms, self.speed)
    }
}

impl DayClock {
    /// A clock that reaches the next midnight of Damascus after `lead` of real time.
    #[must_use]
    pub fn before_next_midnight(speed: u32, lead: Duration) -> Self {
        const DAY_MS: i64 = 86_400_000;
        const DAMASCUS_MS: i64 = 3 * 3_600_000;
        let real_ms = machine_ms();
        let midnight = ((real_ms + DAMASCUS_MS).div_euclid(DAY_MS) + 1) * DAY_MS - DAMASCUS_MS;
        let lead_ms = i64::try_from(lead.as_millis()).unwrap_or(0) * i64::from(speed);
        // A day later when the lead would reach back before the present: documents must not be born expired.
        let midnight =
            if midnight - lead_ms < real_ms { midnight + DAY_MS * (lead_ms / DAY_MS + 1) } else { midnight };
        Self { real_ms, shown_ms: midnight - lead_ms, speed }
    }

    /// What the clock shows now, ms since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.shown_ms + (machine_ms() - self.real_ms) * i64::from(self.speed)
    }

    /// Waits until the clock shows `shown_ms`.
    pub async fn until(&self, shown_ms: i64) {
        let wait = (shown_ms - self.now_ms()).max(0) / i64::from(self.speed);
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
    }
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

/// What became of one planned order.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The order's id, once placed.
    pub order_id: Option<String>,
    /// The purchase's id.
    pub group_id: Option<String>,
    /// When the server acknowledged it, shown ms.
    pub placed_ms: Option<i64>,
    /// When the courier handed it over, shown ms.
    pub delivered_ms: Option<i64>,
    /// The last status the customer saw.
    pub status: String,
    /// What it cost, minor units.
    pub total_minor: i64,
    /// Why it could not be placed.
    pub refusal: Option<String>,
}

/// What people see and say outside the apps: codes at the counter, PINs at the door.
#[derive(Debug, Default)]
pub struct Street {
    counter: Mutex<HashMap<String, String>>,
    door: Mutex<HashMap<String, String>>,
    plans: Mutex<HashMap<String, usize>>,
    changed: Notify,
}

impl Street {
    /// The store has the goods on the counter and tells whoever fetches them the code.
    pub fn put_on_counter(&self, order: &str, code: &str) {
        lock(&self.counter).insert(order.to_owned(), code.to_owned());
        self.changed.notify_waiters();
    }

    /// Waits at the counter for the code of an order.
    pub async fn fetch(&self, order: &str) -> String {
        self.wait(&self.counter, order).await
    }

    /// The customer knows the PIN, and which planned order this is.
    pub fn placed(&self, order: &str, pin: &str, plan: usize) {
        lock(&self.door).insert(order.to_owned(), pin.to_owned());
        lock(&self.plans).insert(order.to_owned(), plan);
        self.changed.notify_waiters();
    }

    /// Rings at the door: the PIN.
    pub async fn ring(&self, order: &str) -> String {
        self.wait(&self.door, order).await
    }

    /// Which planned order this is.
    pub async fn plan_of(&self, order: &str) -> usize {
        self.wait(&self.plans, order).await
    }

    async fn wait<V: Clone>(&self, map: &Mutex<HashMap<String, V>>, key: &str) -> V {
        loop {
            let changed = self.changed.notified();
            if let Some(value) = lock(map).get(key).cloned() {
                return value;
            }
            // A notification may fall between the look and the wait: look again soon in any case.
            drop(tokio::time::timeout(Duration::from_millis(100), changed).await);
        }
    }
}

/// Everything the bots share.
#[derive(Debug)]
pub struct Day {
    /// The plan.
    pub plan: Plan,
    /// The clock.
    pub clock: DayClock,
    /// What the clock shows at minute 0 of the plan.
    pub start_ms: i64,
    /// Face to face.
    pub street: Street,
    /// What became of each planned order.
    pub outcomes: Mutex<Vec<Outcome>>,
    /// What went wrong that should not have: told in the report.
    pub complaints: Mutex<Vec<String>>,
}

impl Day {
    /// Waits until a minute of the plan.
    pub async fn minute(&self, minute: u32) {
        self.clock.until(self.start_ms + i64::from(minute) * 60_000).await;
    }

    /// Waits while the clock shows this many minutes passing.
    pub async fn pass(&self, minutes: f64) {
        self.clock.until(self.clock.now_ms() + (minutes * 60_000.0) as i64).await;
    }

    /// Changes what is known of a planned order.
    pub fn note(&self, plan: usize, change: impl FnOnce(&mut Outcome)) {
        if let Some(outcome) = lock(&self.outcomes).get_mut(plan) {
            change(outcome);
        }
    }

    /// Remembers something that went wrong.
    pub fn complain(&self, what: String) {
        tracing::warn!("{what}");
        lock(&self.complaints).push(what);
    }
}

/// A lock that a panicking bot does not take from the others.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
