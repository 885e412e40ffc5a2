//! Removing, batch by batch.

use daraa_platform::fault::{Fault, Infra};
use daraa_platform::mongo::DbError;
use tracing::error;

use super::model::Cleaned;
use crate::app::App;
use crate::{cart, feed, idempotency, job, notification, outbox, payment, pricing};

/// A kind of rows is removed in at most so many batches a run (a batch is up to 1,000 rows); what is left goes
/// tomorrow.
const MAX_BATCHES: u32 = 1_000;

/// Calls a room's purge until it finds nothing more; counts under the name. A purge that fails is noted and the next
/// one goes on: one of them must not keep all later ones from their work, night after night.
macro_rules! purge {
    ($done:ident, $name:literal, $call:expr) => {{
        let mut removed = 0_u64;
        for _ in 0..MAX_BATCHES {
            match $call.await {
                Ok(0) => break,
                Ok(n) => removed = removed.saturating_add(n),
                Err(e) => {
                    let e: Box<dyn Fault> = Box::new(e);
                    error!(what = $name, cause = %e, "what is old could not be removed");
                    $done.failures.push(($name, e));
                    break;
                }
            }
        }
        $done.removed.push(($name, removed));
    }};
}

/// Removes what is past its time. Bounded; cut short, it is simply begun anew.
pub async fn clean_up(app: &App) -> Cleaned {
    let mut done = Cleaned::default();
    let infra = |e: DbError| Infra::from(e);
    purge!(done, "notifications", async { notification::purge(app).await.map_err(infra) });
    purge!(done, "carts", cart::remove_abandoned(app));
    purge!(done, "quotes", pricing::remove_old(app));
    purge!(done, "idempotency_keys", async { idempotency::purge(app).await.map_err(infra) });
    purge!(done, "payment_webhooks", payment::purge_webhooks(app));
    purge!(done, "feed_events", async { feed::purge(app).await.map_err(infra) });
    purge!(done, "outbox_events", async { outbox::purge_done(app).await.map_err(infra) });
    purge!(done, "job_runs", async { job::purge(app).await.map_err(infra) });
    done
}
