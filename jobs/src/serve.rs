//! `daraa-jobs serve`: the long-lived process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daraa_domain::app::App;
use daraa_platform::config::Settings;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::telemetry;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job as Tick, JobScheduler};
use tracing::{info, warn};

use crate::runner::Runner;
use crate::schedule::JOBS;
use crate::tasks::Work;
use crate::{health, loops};

/// Without a tick for this long the runner looks by itself.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);

/// Serves until a signal.
///
/// # Errors
/// What kept the process from starting.
pub(crate) async fn serve(
    settings: &Settings,
    work: Work,
    holder: String,
) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    let life = Lifecycle::new();
    let metrics = telemetry::init_metrics()?;
    for (name, value) in settings.describe() {
        info!(name, value, "setting");
    }
    let work = Arc::new(work);
    let app: Arc<App> = Arc::clone(&work.app);
    let listener = tokio::net::TcpListener::bind(settings.jobs_listen).await?;
    info!(listen = %settings.jobs_listen, holder, "jobs service starts");
    life.spawn("health", health::serve(listener, Arc::clone(&app), life.clone(), metrics));
    loops::start(&app, &life, &holder);
    let runner = Arc::new(Runner::new(work, &holder, JOBS)?);
    life.spawn("schedule", ticking(runner, life.clone()));
    Ok(life.run(Duration::ZERO, settings.drain).await)
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
