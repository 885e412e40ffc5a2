//! The continuous loops: each led by one replica at a time, under a lease with a fencing number.

use std::sync::Arc;
use std::time::{Duration, Instant};

use daraa_domain::app::App;
use daraa_domain::change::{Follower, Step};
use daraa_domain::job::Contender;
use daraa_domain::outbox::{self, Fence};
use daraa_domain::{audit, cached, courier, delivery, ledger, order, payment, reactions};
use daraa_platform::fault::Fault;
use daraa_platform::lifecycle::Lifecycle;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info, info_span, warn};

use crate::lead::{give_back, keep};
use crate::pools::Pools;
use crate::schedule::LEASE;

/// A contender that did not get the lease tries again after this.
const CONTEND_EVERY: Duration = Duration::from_millis(500);
/// The pause after a failure of a whole loop.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// The relay looks by itself this often (of shown time), for retries and in case no wake-up comes.
const RELAY_LOOK: Duration = Duration::from_secs(1);
/// Under this name the place is kept up to which changes are dealt with.
pub const CACHE_FOLLOWER: &str = "cache";
/// However fast the clock runs, nothing is looked for more often than this.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// What one look of a periodic task did: how many things.
pub type LookResult = Result<u64, Box<dyn Fault>>;

/// A task that looks again and again: a deadline, a dispatch tick. Bounded in what one look does.
#[derive(Clone, Copy)]
pub struct Periodic {
    /// Its name, in logs and metrics.
    pub name: &'static str,
    /// How often it looks, in shown time.
    pub every: Duration,
    /// The look.
    pub look: for<'a> fn(&'a App, Fence) -> BoxFuture<'a, LookResult>,
}

impl std::fmt::Debug for Periodic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} every {:?}", self.name, self.every)
    }
}

/// A row: every so many shown seconds, as `name`, run the function; it answers how many things it did.
macro_rules! every {
    ($secs:literal s, $name:literal, |$app:ident, $fence:pat_param| $run:expr) => {
        Periodic {
            name: $name,
            every: Duration::from_secs($secs),
            look: |$app, $fence| Box::pin(async move { answer($run.await) }),
        }
    };
}

fn answer<E: Fault>(result: Result<u64, E>) -> LookResult {
    result.map_err(|e| Box::new(e) as Box<dyn Fault>)
}

/// The deadlines of requirement J6 and what else has to happen without anybody asking.
pub const DEADLINES: &[Periodic] = &[
    every!(1 s, "courier-offer", |app, _| delivery::expire_offers(app)),
    every!(5 s, "no-show", |app, _| delivery::no_show(app)),
    every!(5 s, "store-response", |app, _| order::expire_unaccepted(app)),
    every!(5 s, "unpaid-order", |app, _| order::expire_unpaid(app)),
    every!(10 s, "payment-unknown", |app, _| payment::resolve_unknown(app)),
    every!(10 s, "payment-webhook", |app, _| payment::process_webhooks(app)),
    every!(15 s, "order-late", |app, _| order::report_late(app)),
    every!(15 s, "courier-silent", |app, _| delivery::free_forgotten(app)),
    every!(15 s, "shift-end", |app, _| courier::end_shifts(app)),
    every!(15 s, "stock-reservation", |app, _| order::release_expired(app)),
    every!(600 s, "audit-seal", |app, _| seal(app)),
    every!(600 s, "earnings", |app, _| ledger::release_earnings(app)),
];

async fn seal(app: &App) -> Result<u64, audit::AuditError> {
    Ok(audit::seal(app).await?.entries)
}

/// Dispatch: offers to couriers, at the rhythm the engine is made for.
pub const DISPATCH: &[Periodic] = &[every!(10 s, "dispatch", |app, fence| dispatch(app, fence))];

async fn dispatch(app: &App, fence: Fence) -> Result<u64, delivery::DeliveryError> {
    let did = delivery::dispatch_tick(app, fence).await?;
    Ok(did.offers.saturating_add(did.ended).saturating_add(did.escalations))
}

/// The names of the loops, as their leases are called.
pub const NAMES: &[&str] = &["loop:outbox-relay", "loop:dispatch", "loop:deadlines", "loop:cache-changes"];

/// Starts all loops as long-lived tasks of the process, each on the connections of its kind.
pub fn start(pools: &Pools, life: &Lifecycle, holder: &str) {
    let wake = Arc::new(Notify::new());
    let led = |app: &Arc<App>| Led {
        control: Arc::clone(&pools.control),
        app: Arc::clone(app),
        life: life.clone(),
        holder: holder.to_owned(),
    };
    life.spawn("outbox-watch", watch(Arc::clone(&pools.changes), life.clone(), Arc::clone(&wake)));
    life.spawn("outbox-relay", lead_relay(led(&pools.relay), wake));
    life.spawn("loop:dispatch", lead_periodic(led(&pools.dispatch), "loop:dispatch", DISPATCH));
    life.spawn("loop:cache-changes", lead_changes(led(&pools.changes)));
    life.spawn("loop:deadlines", lead_periodic(led(&pools.deadlines), "loop:deadlines", DEADLINES));
}

/// What a loop that is led is given: `control` holds its lease, `app` does its work, so that work that waits for a
/// connection costs no lease.
struct Led {
    control: Arc<App>,
    app: Arc<App>,
    life: Lifecycle,
    holder: String,
}

/// Contends for a lease until it is got or the process stops.
async fn contend(app: &App, life: &Lifecycle, name: &'static str, holder: &str) -> Option<Fence> {
    let mut contender = Contender::new(name, holder, LEASE);
    loop {
        if life.soft().is_cancelled() {
            return None;
        }
        match contender.attempt(app, Instant::now()).await {
            Ok(Some(fence)) => {
                info!(lease = name, fence = fence.number(), "leading");
                metrics::gauge!("daraa_jobs_leading", "lease" => name).set(1.0);
                return Some(fence);
            }
            Ok(None) => {}
            Err(e) => warn!(lease = name, cause = %e, "lease could not be asked for"),
        }
        tokio::select! {
            () = tokio::time::sleep(CONTEND_EVERY) => {}
            () = life.soft().cancelled() => return None,
        }
    }
}

async fn lead_relay(led: Led, wake: Arc<Notify>) -> Result<(), std::convert::Infallible> {
    const NAME: &str = "loop:outbox-relay";
    let Led { control, app, life, holder } = led;
    while let Some(fence) = contend(&control, &life, NAME, &holder).await {
        let lost = keep(&control, NAME, fence, LEASE);
        let work = relay(&app, fence, life.soft().cancelled(), &wake);
        until_lost(NAME, lost, work.instrument(info_span!("job.outbox.relay"))).await;
        give_back(&control, NAME, fence).await;
    }
    Ok(())
}

/// Delivers events under `fence` until `stop`; `wake` is notified of new ones.
pub async fn relay(app: &App, fence: Fence, stop: impl Future<Output = ()>, wake: &Notify) {
    let pause = app.clock.real(RELAY_LOOK).max(LEAST_PAUSE);
    let woken = || async {
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    };
    reactions::relay(app, fence).run(stop, woken).await;
}

/// Listens to the database for new events, for as long as the process lives. Whoever leads is woken.
async fn watch(app: Arc<App>, life: Lifecycle, wake: Arc<Notify>) -> Result<(), std::convert::Infallible> {
    let listen = async {
        loop {
            match outbox::watch(&app).await {
                Ok(mut news) => {
                    wake.notify_one();
                    loop {
                        match news.next().await {
                            Ok(Some(_)) => wake.notify_one(),
                            Ok(None) => {}
                            Err(e) => {
                                debug!(cause = %e, "listening for events was interrupted");
                                break;
                            }
                        }
                    }
                }
                Err(e) => warn!(cause = %e, "events are not listened for; the relay looks by itself"),
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    };
    tokio::select! {
        () = listen => {}
        () = life.soft().cancelled() => {}
    }
    Ok(())
}

async fn lead_changes(led: Led) -> Result<(), std::convert::Infallible> {
    const NAME: &str = "loop:cache-changes";
    let Led { control, app, life, holder } = led;
    while let Some(fence) = contend(&control, &life, NAME, &holder).await {
        let lost = keep(&control, NAME, fence, LEASE);
        until_lost(NAME, lost, forget_changed(&app, fence, life.soft())).await;
        give_back(&control, NAME, fence).await;
    }
    Ok(())
}

/// Forgets what is cached of every document that changes, under `fence`, until `stop`.
pub async fn forget_changed(app: &App, fence: Fence, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let mut follower = match Follower::begin(app, CACHE_FOLLOWER, cached::ALL, fence).await {
            Ok(follower) => follower,
            Err(e) => {
                metrics::counter!("daraa_cache_follow_failures_total").increment(1);
                warn!(cause = %e, "changes of what is cached are not followed for the moment");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        while !stop.is_cancelled() {
            match follower.step().await {
                Ok(Step::Quiet) => {}
                Ok(step @ (Step::Forgot | Step::ForgotAll)) => {
                    metrics::counter!("daraa_cache_changes_total", "effect" => step.name()).increment(1);
                }
                Ok(Step::Deposed) => return,
                Err(e) => {
                    metrics::counter!("daraa_cache_follow_failures_total").increment(1);
                    warn!(cause = %e, "following what is cached was interrupted");
                    tokio::time::sleep(AFTER_FAILURE).await;
                    break;
                }
            }
        }
        // The next one begins where this one ends; without it, a second earlier.
        if stop.is_cancelled()
            && let Err(e) = follower.note().await
        {
            debug!(cause = %e, "the place could not be noted");
        }
    }
}

async fn lead_periodic(
    led: Led,
    name: &'static str,
    table: &'static [Periodic],
) -> Result<(), std::convert::Infallible> {
    let Led { control, app, life, holder } = led;
    while let Some(fence) = contend(&control, &life, name, &holder).await {
        let lost = keep(&control, name, fence, LEASE);
        // Each has its own rhythm: a slow one holds up no other.
        let rhythms = table.iter().map(|task| rhythm(&app, &life, task, fence));
        let work = async {
            futures_util::future::join_all(rhythms).await;
            life.soft().cancelled().await;
        };
        until_lost(name, lost, work).await;
        give_back(&control, name, fence).await;
    }
    Ok(())
}

async fn until_lost(name: &'static str, lost: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = lost => warn!(lease = name, "no longer leading"),
        () = work => {}
    }
    metrics::gauge!("daraa_jobs_leading", "lease" => name).set(0.0);
}

async fn rhythm(app: &App, life: &Lifecycle, task: &Periodic, fence: Fence) {
    let pause = app.clock.real(task.every).max(LEAST_PAUSE);
    while !life.soft().is_cancelled() {
        let started = Instant::now();
        look(app, task, fence).await;
        metrics::histogram!("daraa_jobs_look_seconds", "task" => task.name)
            .record(started.elapsed().as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(pause.saturating_sub(started.elapsed())) => {}
            () = life.soft().cancelled() => return,
        }
    }
}

/// One look of a periodic task. A failure is logged, the next look tries again.
pub async fn look(app: &App, task: &Periodic, fence: Fence) -> u64 {
    use futures_util::FutureExt as _;
    let span = info_span!("job.look", task = task.name);
    let work = std::panic::AssertUnwindSafe((task.look)(app, fence)).catch_unwind().instrument(span);
    match work.await {
        Ok(Ok(0)) => 0,
        Ok(Ok(n)) => {
            debug!(task = task.name, count = n, "done");
            metrics::counter!("daraa_jobs_look_effects_total", "task" => task.name).increment(n);
            n
        }
        Ok(Err(e)) => {
            warn!(task = task.name, cause = %e, "look failed");
            metrics::counter!("daraa_jobs_look_failures_total", "task" => task.name).increment(1);
            0
        }
        Err(_) => {
            error!(task = task.name, "look panicked");
            metrics::counter!("daraa_jobs_look_failures_total", "task" => task.name).increment(1);
            0
        }
    }
}
