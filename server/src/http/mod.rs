//! HTTP: the router, its layers, and everything that is not GraphQL itself.

mod explorer;
mod graphql;
mod health;
mod identify;
mod layers;
mod socket;
mod sockets;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use daraa_domain::app::App;
use daraa_platform::config::{Mode, Settings};
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::telemetry::Metrics;
use tokio::sync::Semaphore;

use crate::graphql::feed::Hub;
use crate::graphql::map::{MapError, SchemaMap};
use crate::graphql::{ApiSchema, schema, sdl};

pub use self::health::PartHealth;
pub use daraa_platform::redis::address_subject;

/// Bytes of a request body, also of a WebSocket message.
pub const MAX_BODY: usize = 64 * 1024;
/// A client that sends its body slower than this is not waited for.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Requests worked on at once; more are told to come back. Far above what the database pool serves in time.
const MAX_IN_FLIGHT: usize = 1_024;

/// What transport is told from outside.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// What the process is run for: introspection and the explorer are off in production.
    pub mode: Mode,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// How many proxies in front append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

impl From<&Settings> for HttpConfig {
    fn from(settings: &Settings) -> Self {
        Self {
            mode: settings.mode,
            cors_origins: settings.cors_origins.clone(),
            trusted_proxies: settings.trusted_proxies,
        }
    }
}

/// The parts of a serving process. Shared by all requests.
pub struct Api {
    app: Arc<App>,
    schema: ApiSchema,
    map: SchemaMap,
    hub: Arc<Hub>,
    life: Lifecycle,
    metrics: Metrics,
    config: HttpConfig,
    health: health::Health,
    in_flight: Semaphore,
    sockets: sockets::Sockets,
    started: Instant,
    starting: AtomicBool,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Api {
    /// Puts the parts together. Call inside a Tokio runtime: the live feed starts listening.
    ///
    /// # Errors
    /// A schema whose rules cannot be read, or a root field without a rule: both are defects.
    pub fn new(
        app: Arc<App>,
        life: Lifecycle,
        metrics: Metrics,
        config: HttpConfig,
    ) -> Result<Arc<Self>, MapError> {
        let map = SchemaMap::parse(&sdl())?;
        let hub = Hub::start(Arc::clone(&app), &life);
        Ok(Arc::new(Self {
            schema: schema(Arc::clone(&app), Arc::clone(&hub), !config.mode.is_production()),
            map,
            hub,
            life,
            metrics,
            config,
            health: health::Health::default(),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            sockets: sockets::Sockets::default(),
            started: Instant::now(),
            starting: AtomicBool::new(false),
            app,
        }))
    }

    /// The shared parts of the domain.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &ApiSchema {
        &self.schema
    }

    /// The rules of the schema.
    #[must_use]
    pub fn map(&self) -> &SchemaMap {
        &self.map
    }

    /// The live feed.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The life of the process.
    #[must_use]
    pub fn life(&self) -> &Lifecycle {
        &self.life
    }

    /// Says that the start is not over yet: nothing is served, probes of readiness and start-up are red.
    pub fn starting(&self) {
        self.starting.store(true, Ordering::SeqCst);
    }

    /// Says that the process may serve: indexes match, nothing is missing.
    pub fn started(&self) {
        self.starting.store(false, Ordering::SeqCst);
    }
}

/// The router with all its layers.
pub fn router(api: Arc<Api>) -> Router {
    let mut work = Router::new()
        .route("/graphql", post(graphql::post))
        .route("/webhooks/pay", post(webhook::pay_default))
        .route("/webhooks/pay/{provider}", post(webhook::pay));
    if !api.config.mode.is_production() {
        work = work
            .route("/graphql", get(explorer::page))
            .route("/graphql/explorer.js", get(explorer::script))
            .route("/graphql/explorer.css", get(explorer::style));
    }
    let work = work.layer(axum::middleware::from_fn_with_state(Arc::clone(&api), layers::shed));
    let rest = Router::new()
        .route("/graphql/ws", get(socket::upgrade))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
        .route("/metrics", get(health::metrics));
    layers::wrap(work.merge(rest).fallback(layers::not_found), &api).with_state(api)
}
