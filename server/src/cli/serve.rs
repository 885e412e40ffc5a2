//! `daraa-server serve`: the long-lived process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use daraa_domain::app::App;
use daraa_domain::indexes;
use daraa_platform::config::Settings;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::random::Random;
use daraa_platform::telemetry::{self, Metrics};
use tracing::{error, info, warn};

use super::CliResult;
use crate::http::{Api, HttpConfig, router};

/// How long a balancer is given to notice that the process is not ready any more.
const UNREADY: Duration = Duration::from_secs(3);
/// While the database is away at the start it is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Recorded values are folded into histograms this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves until a signal.
pub(super) async fn serve(settings: &Settings) -> CliResult {
    let life = Lifecycle::new();
    let metrics = telemetry::init_metrics()?;
    for (name, value) in settings.describe() {
        info!(name, value, "setting");
    }
    let app = Arc::new(App::build(settings, "daraa-server", Random::from_os()).await?);
    let api = Api::new(app, life.clone(), metrics.clone(), HttpConfig::from(settings))?;
    if let [first, ..] = api.map().unruled_roots().as_slice() {
        return Err(format!("{first} has no @requires").into());
    }
    api.starting();
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    info!(listen = %settings.listen, mode = settings.mode.name(), "server starts");
    let soft = life.soft().clone();
    // Answers are small and wanted at once: they must not wait to be joined with the next.
    let listener = listener.tap_io(|tcp| {
        if let Err(e) = tcp.set_nodelay(true) {
            warn!(cause = %e, "nodelay could not be set");
        }
    });
    let service = router(Arc::clone(&api)).into_make_service_with_connect_info::<SocketAddr>();
    life.spawn("http", async move {
        axum::serve(listener, service).with_graceful_shutdown(async move { soft.cancelled().await }).await
    });
    life.spawn("metrics.upkeep", upkeep(metrics, life.clone()));
    let starting = Arc::clone(&api);
    let stop = life.clone();
    life.track(async move { begin(&starting, &stop).await });
    let unready = if settings.mode.is_production() { UNREADY } else { Duration::ZERO };
    Ok(life.run(unready, settings.drain).await)
}

/// Waits for the database, then looks whether it is as declared: a starting server changes nothing.
async fn begin(api: &Api, life: &Lifecycle) {
    let mut told = false;
    loop {
        match indexes::drift(&api.app().mongo).await {
            Ok(drift) if drift.is_empty() => {
                api.started();
                info!("ready to serve");
                return;
            }
            Ok(drift) => {
                for what in &drift {
                    error!(drift = what, "the database is not as declared");
                }
                life.refuse(&format!("refusing to serve: {}; {}", drift.join("; "), indexes::MEND_DRIFT));
                return;
            }
            Err(unfit) if unfit.passing() => {
                if !std::mem::replace(&mut told, true) {
                    warn!(cause = %unfit, "waiting for the database");
                }
            }
            Err(unfit) => {
                life.refuse(&format!("refusing to serve: {unfit}"));
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_AGAIN) => {}
            () = life.soft().cancelled() => return,
        }
    }
}

async fn upkeep(metrics: Metrics, life: Lifecycle) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(UPKEEP_EVERY) => metrics.upkeep(),
            () = life.soft().cancelled() => return Ok(()),
        }
    }
}
