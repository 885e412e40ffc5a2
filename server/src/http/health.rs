//! Liveness, readiness, start-up, metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use tokio::sync::Mutex;

use super::Api;

/// A look at the parts is good this long: probes must not add load.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How one part of the system is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartHealth {
    /// Which part.
    pub part: &'static str,
    /// Whether it answers.
    pub ok: bool,
    /// How long it took to answer.
    pub took_ms: u64,
}

/// The last look at the parts.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<(Instant, Vec<PartHealth>)>>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: &'static str,
    mode: &'static str,
    uptime_ms: u64,
    draining: bool,
    sockets: usize,
    parts: Vec<PartHealth>,
}

async fn look(api: &Api) -> Vec<PartHealth> {
    let mut last = api.health.0.lock().await;
    if let Some((at, parts)) = &*last
        && at.elapsed() < LOOK_EVERY
    {
        return parts.clone();
    }
    let started = Instant::now();
    let took = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mongo = async {
        let answer = api.app.mongo.ping().await;
        PartHealth { part: "mongo", ok: answer.is_ok(), took_ms: took() }
    };
    let redis = async {
        let answer = api.app.redis.ping().await;
        PartHealth { part: "redis", ok: answer.is_ok(), took_ms: took() }
    };
    let (mongo, redis) = tokio::join!(mongo, redis);
    let parts = vec![mongo, redis];
    for part in &parts {
        metrics::gauge!("daraa_part_up", "part" => part.part).set(if part.ok { 1.0 } else { 0.0 });
    }
    *last = Some((Instant::now(), parts.clone()));
    parts
}

fn report(api: &Api, ok: bool, parts: Vec<PartHealth>) -> impl IntoResponse + use<> {
    let report = Report {
        status: if ok { "ok" } else { "unavailable" },
        mode: api.config.mode.name(),
        uptime_ms: u64::try_from(api.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        draining: api.life.draining(),
        sockets: api.sockets.count(),
        parts,
    };
    (if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(report))
}

/// The process runs; says nothing about its parts.
pub(super) async fn live(State(api): State<Arc<Api>>) -> impl IntoResponse {
    report(&api, true, Vec::new())
}

/// Requests may be sent here: started, not stopping, database and Redis answer.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let parts = look(&api).await;
    let ok = !api.starting.load(Ordering::SeqCst) && !api.life.draining() && parts.iter().all(|part| part.ok);
    report(&api, ok, parts)
}

/// The start is over.
pub(super) async fn startup(State(api): State<Arc<Api>>) -> impl IntoResponse {
    report(&api, !api.starting.load(Ordering::SeqCst), Vec::new())
}

/// Metrics in the text format of Prometheus.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> impl IntoResponse {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let sockets = api.sockets.count() as f64;
    metrics::gauge!("daraa_websockets").set(sockets);
    metrics::gauge!("daraa_uptime_seconds").set(api.started.elapsed().as_secs_f64());
    let (open, idle) = api.app.redis.connections();
    metrics::gauge!("daraa_redis_connections", "state" => "open").set(f64::from(open));
    metrics::gauge!("daraa_redis_connections", "state" => "idle").set(f64::from(idle));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
}
