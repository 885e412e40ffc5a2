//! J2: what is old and may go.

use daraa_domain::{cart, feed, idempotency, job, notification, outbox, pricing};
use mongodb::bson::Document;

use super::{TaskResult, Work, db, fault};

/// A kind of rows is removed in at most so many batches a run (a batch is up to 1,000 rows); what is left goes
/// tomorrow.
const MAX_BATCHES: u32 = 1_000;

/// Calls a room's purge until it finds nothing more; counts under the name.
macro_rules! purge {
    ($counts:ident, $name:literal, $call:expr, $fault:expr) => {{
        let mut removed = 0_u64;
        for _ in 0..MAX_BATCHES {
            let n = $call.await.map_err($fault)?;
            removed = removed.saturating_add(n);
            if n == 0 {
                break;
            }
        }
        $counts.insert($name, i64::try_from(removed).unwrap_or(i64::MAX));
    }};
}

/// Removes what is past its time, batch by batch.
pub(crate) async fn cleanup(work: &Work) -> TaskResult {
    let app = &*work.app;
    let mut counts = Document::new();
    purge!(counts, "notifications", notification::purge(app), db);
    purge!(counts, "carts", cart::remove_abandoned(app), fault);
    purge!(counts, "quotes", pricing::remove_old(app), fault);
    purge!(counts, "idempotency_keys", idempotency::purge(app), db);
    purge!(counts, "feed_events", feed::purge(app), db);
    purge!(counts, "outbox_events", outbox::purge_done(app), db);
    purge!(counts, "job_runs", job::purge(app), db);
    Ok(counts)
}
