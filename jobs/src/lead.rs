//! Holding a lease while something is done.

use std::time::Duration;

use daraa_domain::app::App;
use daraa_domain::job;
use daraa_domain::outbox::Fence;
use daraa_platform::mongo::DbError;
use tokio::time::Instant;
use tracing::warn;

/// Renewals per lease length.
const RENEWALS: u32 = 5;

/// Renews a lease until it is lost: taken over, or not renewable for its whole length. Whoever works under the lease
/// must stop then.
pub async fn keep(app: &App, name: &str, fence: Fence, length: Duration) {
    keep_by(name, length, || job::renew(app, name, fence)).await;
}

/// [`keep`] by whatever renews.
pub async fn keep_by<F: Future<Output = Result<bool, DbError>>>(
    name: &str,
    length: Duration,
    renew: impl Fn() -> F,
) {
    let every = length / RENEWALS;
    // Others may take it from the moment it has stood still for its length; stop one renewal earlier, also in the
    // middle of one: a renewal that is heard of later than that is none.
    let last = length.saturating_sub(every);
    let mut renewed = Instant::now();
    loop {
        let end = renewed + last;
        tokio::time::sleep(every).await;
        let asked = Instant::now();
        match tokio::time::timeout_at(end, renew()).await {
            Ok(Ok(true)) => renewed = asked,
            Ok(Ok(false)) => {
                warn!(lease = name, "lease was taken over");
                return;
            }
            Ok(Err(e)) => warn!(lease = name, cause = %e, "lease could not be renewed"),
            Err(_) => warn!(lease = name, "renewing the lease took too long"),
        }
        if Instant::now() >= renewed + last {
            warn!(lease = name, "lease has run out");
            return;
        }
    }
}

/// Gives a lease back; when that fails it runs out by itself.
pub async fn give_back(app: &App, name: &str, fence: Fence) {
    if let Err(e) = job::release(app, name, fence).await {
        warn!(lease = name, cause = %e, "lease could not be given back");
    }
}
