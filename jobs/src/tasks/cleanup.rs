//! J2: what is old and may go.

use daraa_domain::{cart, feed, idempotency, job, notification, outbox, pricing};
use daraa_platform::fault::{Fault, Infra};
use mongodb::bson::Document;
use tracing::error;

use super::{TaskResult, Work, db, fault};

/// A kind of rows is removed in at most so many batches a run (a batch is up to 1,000 rows); what is left goes
/// tomorrow.
const MAX_BATCHES: u32 = 1_000;

/// Calls a room's purge until it finds nothing more; counts under the name. A purge that fails is noted and the next
/// one goes on: one of them must not keep all later ones from their work, night after night.
macro_rules! purge {
    ($done:ident, $name:literal, $call:expr, $fault:expr) => {{
        let mut removed = 0_u64;
        for _ in 0..MAX_BATCHES {
            match $call.await.map_err($fault) {
                Ok(0) => break,
                Ok(n) => removed = removed.saturating_add(n),
                Err(e) => {
                    $done.failed($name, e);
                    break;
                }
            }
        }
        $done.counts.insert($name, i64::try_from(removed).unwrap_or(i64::MAX));
    }};
}

/// What was removed, and what could not be.
#[derive(Default)]
struct Done {
    counts: Document,
    failures: Vec<(&'static str, Box<dyn Fault>)>,
}

impl Done {
    fn failed(&mut self, what: &'static str, e: Box<dyn Fault>) {
        error!(what, cause = %e, "what is old could not be removed");
        self.failures.push((what, e));
    }

    /// One failure fails the run as it is, several as a list.
    fn result(mut self) -> TaskResult {
        if self.failures.len() > 1 {
            let list: Vec<String> = self.failures.iter().map(|(what, e)| format!("{what}: {e}")).collect();
            return Err(fault(Infra::defect(list.join("; "))));
        }
        self.failures.pop().map_or(Ok(self.counts), |(_, e)| Err(e))
    }
}

/// Removes what is past its time, batch by batch.
pub(crate) async fn cleanup(work: &Work) -> TaskResult {
    let app = &*work.app;
    let mut done = Done::default();
    purge!(done, "notifications", notification::purge(app), db);
    purge!(done, "carts", cart::remove_abandoned(app), fault);
    purge!(done, "quotes", pricing::remove_old(app), fault);
    purge!(done, "idempotency_keys", idempotency::purge(app), db);
    purge!(done, "feed_events", feed::purge(app), db);
    purge!(done, "outbox_events", outbox::purge_done(app), db);
    purge!(done, "job_runs", job::purge(app), db);
    done.result()
}
