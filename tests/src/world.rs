//! One test's world.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use daraa_domain::app::App;
use daraa_domain::indexes;
use daraa_platform::clock::{Clock, ManualClock};
use daraa_platform::config::Settings;
use daraa_platform::mongo::index;
use daraa_platform::mongo::record::Recorder;
use daraa_platform::random::Random;
use daraa_platform::time::Timestamp;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};

/// Every world begins at this instant: a Monday, noon in Damascus.
const BEGINNING: &str = "2026-01-05T09:00:00Z";

/// What `scripts/test` says about the parts.
///
/// # Panics
/// When the variable is missing: the tests were not started by `scripts/test`.
#[must_use]
pub fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run scripts/test, or `eval \"$(scripts/test --parts)\"` first")
    })
}

/// An empty marketplace on real parts.
#[derive(Debug)]
pub struct World {
    /// What every use case is given.
    pub app: Arc<App>,
    /// The clock of this world; it stands still until it is moved.
    pub clock: ManualClock,
    pub(crate) router: OnceLock<Router>,
    settings: Settings,
}

impl World {
    /// An empty world without a card provider.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// An empty world with further settings, e.g. `DARAA_PAY_URL`.
    pub async fn with(extra: &[(&str, String)]) -> Self {
        // Tests of one slot follow each other, so they may share a database: emptying it takes
        // milliseconds, making it seconds.
        let slot = std::env::var("NEXTEST_TEST_GLOBAL_SLOT").unwrap_or_else(|_| "0".to_owned());
        let random = Random::from_os();
        let prefix = format!("t{slot}-{}:", random.below(1 << 40));
        let settings = Settings::from_lookup(|name| {
            extra.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).or_else(|| {
                Some(match name {
                    "DARAA_MODE" => "test".to_owned(),
                    "DARAA_MONGO_URI" => env("DARAA_TEST_MONGO_URI"),
                    "DARAA_MONGO_USER" => env("DARAA_TEST_MONGO_USER"),
                    "DARAA_MONGO_DATABASE" => format!("daraa_test_{slot}"),
                    "DARAA_MONGO_MIN_POOL_SIZE" => "0".to_owned(),
                    "DARAA_REDIS_ADDR" => env("DARAA_TEST_REDIS_ADDR"),
                    "DARAA_REDIS_PREFIX" => prefix.clone(),
                    "DARAA_SECRETS_DIR" => env("DARAA_TEST_SECRETS_DIR"),
                    _ => return None,
                })
            })
        });
        let mut settings = settings.expect("test settings");
        let clock = ManualClock::at(Timestamp::parse_rfc3339(BEGINNING).expect("an instant"));
        settings.clock = Clock::Manual(clock.clone());
        let app = recorded(App::build(&settings, "daraa-test", random).await.expect("the parts"));
        empty(&app).await;
        Self { app: Arc::new(app), clock, router: OnceLock::new(), settings }
    }

    /// A second server on the same database, Redis and clock, with memory of its own.
    pub async fn another_server(&self) -> Arc<App> {
        let random = Random::from_os();
        Arc::new(recorded(App::build(&self.settings, "daraa-test", random).await.expect("the parts")))
    }

    /// [`Self::another_server`] that reads other secret files.
    pub async fn another_server_with_secrets(&self, dir: &std::path::Path) -> Arc<App> {
        let mut settings = self.settings.clone();
        settings.secrets = daraa_platform::config::Secrets::in_dir(dir);
        Arc::new(App::build(&settings, "daraa-test", Random::from_os()).await.expect("the parts"))
    }

    /// The settings its servers are made of.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Now, in this world.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Moves the clock forward.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

/// Where the shapes of all queries are collected when `scripts/test` wants them: a file a process.
fn recorded(app: App) -> App {
    let Ok(dir) = std::env::var("DARAA_TEST_QUERIES_DIR") else { return app };
    let file = std::path::Path::new(&dir).join(format!("{}.jsonl", std::process::id()));
    let recorder = Recorder::to(&file).expect("a file for the shapes of queries");
    App { mongo: app.mongo.recorded_by(Arc::new(recorder)), ..app }
}

/// Makes the declared indexes the real ones, then removes every document.
async fn empty(app: &App) {
    if !index::diff(&app.mongo, indexes::ALL).await.expect("indexes").is_empty() {
        app.mongo.db().drop().await.expect("drop");
        index::apply(&app.mongo, indexes::ALL, |_| ()).await.expect("indexes");
    }
    let names = app.mongo.db().list_collection_names().await.expect("collections");
    join_all(names.iter().map(|name| {
        let collection = app.mongo.db().collection::<Document>(name);
        async move { collection.delete_many(doc! {}).await.expect("empty") }
    }))
    .await;
}
