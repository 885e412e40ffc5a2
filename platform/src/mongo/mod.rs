//! MongoDB: the tuned client, typed collections whose every operation has a deadline, transactions with a
//! bounded retry, declared indexes and numbered migrations.

pub mod changes;
mod coll;
mod error;
mod events;
pub mod index;
pub mod migrate;
pub mod record;
pub mod shape;
mod tx;
mod unfit;

pub use coll::{Coll, MAX_ROWS};
pub use error::DbError;
pub use tx::{Attempts, Tx, to_the_end};
pub use unfit::{OLDEST_SERVER, Unfit};

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, ReadPreferenceOptions, SelectionCriteria,
    ServerMonitoringMode, WriteConcern,
};
use serde::{Deserialize, Serialize};

/// Pool and deadline settings (requirement D2). All are configurable and printed at start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MongoConfig {
    /// Connection string without credentials, e.g. `mongodb://127.0.0.1:27117,…/?replicaSet=daraa`.
    pub uri: String,
    /// Database name.
    pub database: String,
    /// Database user.
    pub user: String,
    /// Largest pool per member.
    pub max_pool_size: u32,
    /// Connections kept open per member.
    pub min_pool_size: u32,
    /// An idle connection is closed after this.
    pub max_idle_ms: u64,
    /// How long an operation may look for a usable member.
    pub server_selection_ms: u64,
    /// How long a TCP and TLS handshake may take, and a look at a member: a member that is cut off is noticed after it.
    pub connect_ms: u64,
    /// How often each member is looked at; short, so that a fail-over is seen soon.
    pub heartbeat_ms: u64,
    /// Deadline of each operation on the request path.
    pub operation_ms: u64,
    /// Deadline of a whole transaction with its retries.
    pub transaction_ms: u64,
    /// Deadline of long operations (reports, exports, maintenance).
    pub long_operation_ms: u64,
    /// Whether the time and the failures of single commands are counted. The driver takes every command and every
    /// answer apart a second time for it: a list of 24 products costs three quarters more. Off where people wait for
    /// the answer, whose operations are counted by their names anyway.
    pub watch_commands: bool,
}

impl Default for MongoConfig {
    fn default() -> Self {
        Self {
            uri: "mongodb://127.0.0.1:27017/?replicaSet=daraa".to_owned(),
            database: "daraa".to_owned(),
            user: "daraa_app".to_owned(),
            max_pool_size: 50,
            min_pool_size: 10,
            max_idle_ms: 30_000,
            server_selection_ms: 5_000,
            connect_ms: 1_000,
            heartbeat_ms: 500,
            operation_ms: 1_500,
            transaction_ms: 10_000,
            long_operation_ms: 45_000,
            watch_commands: false,
        }
    }
}

impl MongoConfig {
    /// What a process that works in the background begins with: it waits for the database, nobody waits for it, so
    /// it gets by with few connections and leaves the others to those who serve people.
    #[must_use]
    pub fn background() -> Self {
        Self { max_pool_size: 30, min_pool_size: 2, watch_commands: true, ..Self::default() }
    }
}

/// A connected database with its deadlines. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mongo {
    client: mongodb::Client,
    db: mongodb::Database,
    config: MongoConfig,
    recorder: Option<Arc<record::Recorder>>,
}

impl Mongo {
    /// Sets the client up; the first operation connects. `app_name` is what the database and the metrics call it: a
    /// process has one client of a name.
    ///
    /// # Errors
    /// A malformed connection string.
    pub async fn connect(
        config: MongoConfig,
        password: &str,
        app_name: &'static str,
    ) -> Result<Self, DbError> {
        let parsed = ClientOptions::parse(&config.uri).await;
        let mut options = parsed.map_err(|e| DbError::Address { problem: e.to_string() })?;
        options.app_name = Some(app_name.to_owned());
        options.max_pool_size = Some(config.max_pool_size);
        options.min_pool_size = Some(config.min_pool_size);
        options.max_idle_time = Some(Duration::from_millis(config.max_idle_ms));
        options.server_selection_timeout = Some(Duration::from_millis(config.server_selection_ms));
        options.connect_timeout = Some(Duration::from_millis(config.connect_ms));
        options.heartbeat_freq = Some(Duration::from_millis(config.heartbeat_ms.max(500)));
        // A frozen member never answers a streaming monitor; polling notices it.
        options.server_monitoring_mode = Some(ServerMonitoringMode::Poll);
        options.retry_reads = Some(true);
        options.retry_writes = Some(true);
        options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).build());
        options.read_concern = Some(ReadConcern::majority());
        if !config.user.is_empty() {
            let mut credential = mongodb::options::Credential::default();
            credential.username = Some(config.user.clone());
            credential.password = Some(password.to_owned());
            credential.source = Some("admin".to_owned());
            options.credential = Some(credential);
        }
        events::watch(&mut options, &config, app_name);
        let client = mongodb::Client::with_options(options)?;
        let db = client.database(&config.database);
        Ok(Self { client, db, config, recorder: None })
    }

    /// The same client on another database (tests, restore).
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut config = self.config.clone();
        name.clone_into(&mut config.database);
        Self {
            client: self.client.clone(),
            db: self.client.database(name),
            config,
            recorder: self.recorder.clone(),
        }
    }

    /// The same client, telling `recorder` the shape of every query.
    #[must_use]
    pub fn recorded_by(self, recorder: Arc<record::Recorder>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// A typed collection that reads the primary: for whatever decides about money, stock or state.
    #[must_use]
    pub fn coll<T: Send + Sync>(&self, name: &'static str) -> Coll<T> {
        let deadline = Duration::from_millis(self.config.operation_ms);
        Coll::new(self.db.collection(name), name, deadline, self.recorder.clone())
    }

    /// A typed collection for browsing: prefers the primary, reads a secondary while there is none.
    #[must_use]
    pub fn browse<T: Send + Sync>(&self, name: &'static str) -> Coll<T> {
        let options = mongodb::options::CollectionOptions::builder()
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::PrimaryPreferred {
                options: Some(ReadPreferenceOptions::default()),
            }))
            .read_concern(ReadConcern::local())
            .build();
        Coll::new(
            self.db.collection_with_options(name, options),
            name,
            Duration::from_millis(self.config.operation_ms),
            self.recorder.clone(),
        )
    }

    /// The raw database, for commands (indexes, statistics, migrations).
    #[must_use]
    pub fn db(&self) -> &mongodb::Database {
        &self.db
    }

    /// The raw client.
    #[must_use]
    pub fn client(&self) -> &mongodb::Client {
        &self.client
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &MongoConfig {
        &self.config
    }

    /// The deadline of long operations.
    #[must_use]
    pub fn long_deadline(&self) -> Duration {
        Duration::from_millis(self.config.long_operation_ms)
    }

    /// Whether a primary answers within the operation deadline.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    pub async fn ping(&self) -> Result<(), DbError> {
        let command = self
            .db
            .run_command(doc! { "ping": 1 })
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        tokio::time::timeout(Duration::from_millis(self.config.operation_ms), command)
            .await
            .map_err(|_| DbError::Deadline { op: "db.ping" })??;
        Ok(())
    }
}
