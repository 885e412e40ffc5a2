//! People who only look around: their pages come from the cache, and must come also without it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Api, CallError, Caller, percentile};

/// So many look around at once.
const BROWSERS: usize = 4;
/// Each asks for a page this often, whether the last one has come or not being its own affair.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A page of a store with what it sells.
const PAGE: &str =
    "query Page($id: ID!) { store(id: $id) { id name { ar en } products(first: 12) { nodes { id } } } }";

/// One page that was asked for.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    took: Duration,
    good: bool,
}

/// What people saw during some time.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Pages asked for.
    pub pages: usize,
    /// Those that did not come.
    pub failed: usize,
    /// 99 of 100 came within this.
    pub p99: Duration,
}

/// People looking around without pause.
pub(super) struct Browsing {
    looks: Arc<Mutex<Vec<Look>>>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Browsing {
    /// Begins on the pages of these stores.
    pub(super) fn start(url: &str, stores: &[String]) -> Self {
        let mut browsing = Self { looks: Arc::default(), stop: Arc::default(), tasks: JoinSet::new() };
        // What they measure is not the customers'.
        let api = Api::new(url);
        for (n, store) in stores.iter().cycle().take(BROWSERS).enumerate() {
            let (app, store) = (api.anonymous(), store.clone());
            let (looks, stop) = (Arc::clone(&browsing.looks), Arc::clone(&browsing.stop));
            browsing.tasks.spawn(async move {
                let mut tick = tokio::time::interval(LOOK_EVERY);
                tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                tracing::debug!(n, "looks around");
                while !stop.load(Ordering::Relaxed) {
                    tick.tick().await;
                    let look = look(&app, &store).await;
                    looks.lock().unwrap_or_else(PoisonError::into_inner).push(look);
                }
            });
        }
        browsing
    }

    /// What was seen from `from` to `to`.
    pub(super) fn seen(&self, from: Instant, to: Instant) -> Seen {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let those: Vec<Look> = looks.iter().copied().filter(|look| (from..=to).contains(&look.at)).collect();
        let mut took: Vec<u64> =
            those.iter().map(|look| u64::try_from(look.took.as_micros()).unwrap_or(u64::MAX)).collect();
        took.sort_unstable();
        Seen {
            pages: those.len(),
            failed: those.iter().filter(|look| !look.good).count(),
            p99: Duration::from_micros(percentile(&took, 99)),
        }
    }

    /// Lets them go.
    pub(super) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Asked once: somebody who looks around does not ask again.
async fn look(app: &Caller, store: &str) -> Look {
    let at = Instant::now();
    let page: Result<Value, CallError> = app.once(PAGE, &json!({ "id": store })).await;
    let good = match &page {
        Ok(data) => {
            data["store"]["id"] == store
                && data["store"]["products"]["nodes"].as_array().is_some_and(|all| !all.is_empty())
        }
        Err(e) => {
            tracing::debug!(cause = %e, "a page did not come");
            false
        }
    };
    Look { at, took: at.elapsed(), good }
}
