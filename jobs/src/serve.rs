//! `daraa-jobs serve`: the long-lived process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daraa_domain::app::App;
use daraa_domain::indexes;
use daraa_platform::config::Settings;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::ports::blob::Blobs;
use daraa_platform::random::Random;
use daraa_platform::telemetry;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job as Tick, JobScheduler};
use tracing::{info, warn};

use crate::pools::Pools;
use crate::runner::Runner;
use crate::schedule::JOBS;
use crate::tasks::Work;
use crate::{health, loops};

/// Without a tick for this long the runner looks by itself.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// While the database is away at the start it is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Serves until a signal.
///
/// # Errors
/// What kept the process from starting.
pub(crate) async fn serve(
    settings: &Settings,
    random: Random,
    holder: String,
) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    let life = Lifecycle::new();
    // Before the first connection: what is not counted from the beginning is counted wrong.
    let metrics = telemetry::init_metrics()?;
    for (name, value) in settings.describe() {
        info!(name, value, "setting");
    }
    let pools = Pools::build(settings, random).await?;
    for (name, app) in pools.each() {
        let config = app.mongo.config();
        info!(name, max = config.max_pool_size, min = config.min_pool_size, "connections of a kind of work");
    }
    let listener = tokio::net::TcpListener::bind(settings.jobs_listen).await?;
    info!(listen = %settings.jobs_listen, holder, "jobs service starts");
    life.spawn("health", health::serve(listener, Arc::clone(&pools.control), life.clone(), metrics));
    let archive = Blobs::in_dir(&settings.archive_dir);
    let work = Arc::new(Work { app: Arc::clone(&pools.scheduled), archive });
    let runner = Runner::new(work, &holder, JOBS)?.controlled_by(&pools.control);
    let starting = life.clone();
    life.track(async move {
        if fit(&pools.control, &starting).await {
            loops::start(&pools, &starting, &holder);
            starting.spawn("schedule", ticking(Arc::new(runner), starting.clone()));
        }
    });
    Ok(life.run(Duration::ZERO, settings.drain).await)
}

/// Waits for the database, then looks whether it is as declared; if not the process ends. Nothing is changed before.
async fn fit(app: &App, life: &Lifecycle) -> bool {
    let mut told = false;
    loop {
        let unfit = tokio::select! {
            looked = indexes::drift(&app.mongo) => match looked {
                Ok(drift) if drift.is_empty() => return true,
                Ok(drift) => {
                    life.refuse(&format!("refusing to work: {}; {}", drift.join("; "), indexes::MEND_DRIFT));
                    return false;
                }
                Err(unfit) => unfit,
            },
            () = life.soft().cancelled() => return false,
        };
        if !unfit.passing() {
            life.refuse(&unfit.to_string());
            return false;
        }
        if !std::mem::replace(&mut told, true) {
            warn!(cause = %unfit, "waiting for the database");
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_AGAIN) => {}
            () = life.soft().cancelled() => return false,
        }
    }
}

/// Lets the runner look at every tick of the cron crate. Runs begun here are waited for when the process stops.
async fn ticking(
    runner: Arc<Runner>,
    life: Lifecycle,
) -> Result<(), tokio_cron_scheduler::JobSchedulerError> {
    let tick = Arc::new(Notify::new());
    let mut scheduler = JobScheduler::new().await?;
    let ticked = Arc::clone(&tick);
    scheduler.add(Tick::new_repeated(Duration::from_secs(1), move |_, _| ticked.notify_one())?).await?;
    scheduler.start().await?;
    loop {
        tokio::select! {
            () = tick.notified() => {}
            () = tokio::time::sleep(LOOK_ANYWAY) => {}
            () = life.soft().cancelled() => break,
        }
        match runner.look(Instant::now()).await {
            Ok(begun) => {
                for begun in begun {
                    let runner = Arc::clone(&runner);
                    life.track(async move {
                        runner.execute(begun).await;
                    });
                }
            }
            Err(e) => warn!(cause = %e, "the schedule could not be looked at"),
        }
    }
    scheduler.shutdown().await
}
