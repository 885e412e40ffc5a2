//! Health and metrics for whoever watches the process.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use daraa_domain::app::App;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::telemetry::Metrics;
use serde_json::{Value, json};

/// Recorded values are folded into the histograms this often.
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
struct Health {
    app: Arc<App>,
    life: Lifecycle,
    metrics: Metrics,
}

/// The routes: `/health/live`, `/health/ready`, `/metrics`.
fn router(app: Arc<App>, life: Lifecycle, metrics: Metrics) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "alive" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(render))
        .with_state(Health { app, life, metrics })
}

async fn render(State(health): State<Health>) -> String {
    // A Redis that is away shows in its failures.
    drop(health.app.redis.note_fullness().await);
    health.metrics.render()
}

/// Ready when the database and Redis answer and the process is not stopping.
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let (mongo, redis) = tokio::join!(health.app.mongo.ping(), health.app.redis.ping());
    let draining = health.life.draining();
    let ready = mongo.is_ok() && redis.is_ok() && !draining;
    let said = |ok: bool| if ok { "up" } else { "away" };
    let body = json!({
        "ready": ready,
        "mongodb": said(mongo.is_ok()),
        "redis": said(redis.is_ok()),
        "draining": draining,
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Serves until the process stops taking work.
pub(crate) async fn serve(
    listener: tokio::net::TcpListener,
    app: Arc<App>,
    life: Lifecycle,
    metrics: Metrics,
) -> std::io::Result<()> {
    let soft = life.soft().clone();
    let upkeep = metrics.clone();
    let fold = async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.upkeep();
        }
    };
    let serving = axum::serve(listener, router(app, life, metrics))
        .with_graceful_shutdown(async move { soft.cancelled().await });
    tokio::select! {
        result = serving => result,
        () = fold => Ok(()),
    }
}
