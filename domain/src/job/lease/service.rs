//! Leases: one holder at a time, a growing fencing number, takeover without trust in anybody's wall clock.

use std::time::{Duration, Instant};

use daraa_platform::mongo::DbError;

use super::super::model::Lease;
use super::super::store;
use crate::app::App;
use crate::outbox::Fence;

/// A contender for one lease. It remembers the last beat it saw and since when it has not changed.
#[derive(Debug)]
pub struct Contender {
    name: String,
    holder: String,
    length: Duration,
    seen: Option<(Lease, Instant)>,
}

impl Contender {
    /// A contender for `name` that calls itself `holder` (unique per process). A lease whose beat stands still for
    /// `length` of real time is taken over.
    pub fn new(name: impl Into<String>, holder: impl Into<String>, length: Duration) -> Self {
        Self { name: name.into(), holder: holder.into(), length, seen: None }
    }

    /// Tries to get the lease; `at` is the steady clock's present. `None` while somebody else holds it.
    ///
    /// # Errors
    /// Database failure.
    pub async fn attempt(&mut self, app: &App, at: Instant) -> Result<Option<Fence>, DbError> {
        let now = app.clock.now();
        let Some(lease) = store::lease(app, &self.name).await? else {
            let first = Lease {
                name: self.name.clone(),
                holder: Some(self.holder.clone()),
                fence: 1,
                beat: 1,
                renewed_at: now,
            };
            return match store::insert_lease(app, &first).await {
                Ok(()) => Ok(Some(Fence::new(1))),
                Err(e) if e.duplicate_index().is_some() => Ok(None),
                Err(e) => Err(e),
            };
        };
        let free = lease.holder.is_none() || self.stands_still(&lease, at);
        if !free {
            return Ok(None);
        }
        let taken = store::take_lease(app, &lease, &self.holder, now).await?;
        self.seen = None;
        Ok(taken.map(|lease| Fence::new(lease.fence)))
    }

    /// Whether the beat has not changed for the lease's whole length; remembers what it saw.
    fn stands_still(&mut self, lease: &Lease, at: Instant) -> bool {
        match &self.seen {
            Some((seen, since)) if seen.fence == lease.fence && seen.beat == lease.beat => {
                at.saturating_duration_since(*since) >= self.length
            }
            _ => {
                self.seen = Some((lease.clone(), at));
                false
            }
        }
    }
}

/// Keeps the lease; `false` when somebody else has taken it over.
///
/// # Errors
/// Database failure: the lease may still be held, but not longer than its length.
pub async fn renew(app: &App, name: &str, fence: Fence) -> Result<bool, DbError> {
    store::renew_lease(app, name, fence.number(), app.clock.now()).await
}

/// Gives the lease back, so that another process need not wait; `false` when it was lost before.
///
/// # Errors
/// Database failure.
pub async fn release(app: &App, name: &str, fence: Fence) -> Result<bool, DbError> {
    store::release_lease(app, name, fence.number()).await
}

/// All leases, for ops.
///
/// # Errors
/// Database failure.
pub async fn leases(app: &App) -> Result<Vec<Lease>, DbError> {
    store::all_leases(app).await
}
