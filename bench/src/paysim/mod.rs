//! A simulated card payment provider, a process of its own that shares no code with the system it serves.
//!
//! It is idempotent by the client's reference, keeps an append-only log to compare ledgers with, and behaves
//! badly on purpose where real providers do: lost and slow answers, and webhooks that come late, twice and
//! out of order. The card token chooses the behaviour:
//!
//! | token | behaviour |
//! |---|---|
//! | `tok_ok` | authorised |
//! | `tok_declined`, `tok_insufficient` | declined, with that reason |
//! | `tok_requires_action` | waits until the customer confirms (`POST /v1/payments/ID/confirm`) or refuses (`…/refuse`) |
//! | `tok_lost_answer` | every request is done, but the connection breaks before its answer arrives |
//! | `tok_slow` | authorised, but the answer takes longer than any sensible deadline |
//! | `tok_refund_declined` | authorised and captured normally, refunds are declined |
//! | any other | declined, `invalid_card` |

pub mod book;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use book::{Authorise, Book, Change, Effect, Kind, LogEntry, Refusal};
pub use webhooks::{Delivery, Event};

/// Lines of the log in one answer.
const LOG_PAGE: usize = 1_000;

/// How a provider is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where news is sent; without it news is kept for [`Running::take_webhooks`].
    pub webhook_url: Option<String>,
    /// The bearer key clients show, and the key webhooks are signed with.
    pub key: String,
    /// The log file; without it the log lives in memory.
    pub log: Option<PathBuf>,
    /// Seed of the webhook schedule.
    pub seed: u64,
    /// The longest delay of a webhook.
    pub max_delay: Duration,
    /// How long `tok_slow` waits with its answer.
    pub slow: Duration,
}

impl Config {
    /// In-process on a free port, in memory, keeping its webhooks: for tests.
    #[must_use]
    pub fn in_process(key: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            webhook_url: None,
            key: key.to_owned(),
            log: None,
            seed: 1,
            max_delay: Duration::from_millis(200),
            slow: Duration::from_secs(10),
        }
    }
}

struct Provider {
    config: Config,
    page: String,
    book: Mutex<Book>,
    sender: Arc<webhooks::Sender>,
}

/// A running provider; it stops when this value is dropped.
pub struct Running {
    address: SocketAddr,
    provider: Arc<Provider>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.provider.sender.stop();
    }
}

impl Running {
    /// Its address, e.g. `http://127.0.0.1:41234`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends news to `url` from now on.
    pub fn set_webhook_url(&self, url: String) {
        self.provider.sender.set_url(url);
    }

    /// The news nobody was told yet, oldest first; for tests that deliver it themselves.
    #[must_use]
    pub fn take_webhooks(&self) -> Vec<Delivery> {
        self.provider.sender.take_kept()
    }

    /// The whole log.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.provider.book.lock().unwrap_or_else(PoisonError::into_inner).log_after(0, usize::MAX)
    }

    /// What the customer does on the bank's page.
    ///
    /// # Errors
    /// The payment does not exist or does not wait for it.
    pub fn confirm_action(&self, payment_id: &str, agreed: bool) -> Result<(), Refusal> {
        self.provider.confirm(payment_id, agreed).map(|_| ())
    }

    /// Runs until its task ends.
    pub async fn wait(mut self) {
        (&mut self.task).await.ok();
    }
}

/// Starts a provider.
///
/// # Errors
/// The address is taken, or the log cannot be opened.
pub async fn start(config: Config) -> std::io::Result<Running> {
    let listener = tokio::net::TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let provider = Arc::new(Provider {
        page: format!("http://{address}"),
        book: Mutex::new(Book::open(config.log.as_deref())?),
        sender: Arc::new(webhooks::Sender::new(
            config.key.clone(),
            config.seed,
            config.max_delay,
            config.webhook_url.clone(),
        )?),
        config,
    });
    let router = router(Arc::clone(&provider));
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the provider stopped");
        }
    });
    Ok(Running { address, provider, task })
}

/// Milliseconds since the epoch by the machine's clock: the provider knows no simulated time.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Provider {
    fn act(&self, act: impl FnOnce(&mut Book, i64) -> Result<Effect, Refusal>) -> Result<Effect, Refusal> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let effect = act(&mut book, now_ms())?;
        if let Some(entry) = &effect.fresh {
            self.sender.announce(entry);
        }
        Ok(effect)
    }

    fn confirm(&self, id: &str, agreed: bool) -> Result<Effect, Refusal> {
        self.act(|book, at_ms| book.confirm(at_ms, id, agreed))
    }

    async fn answer(&self, outcome: Result<Effect, Refusal>) -> Response {
        let effect = match outcome {
            Ok(effect) => effect,
            Err(refusal) => return refuse(refusal),
        };
        // Only the first answer is lost or slow; asking again by the same reference gets one.
        if effect.fresh.is_some() {
            match effect.token.as_str() {
                "tok_lost_answer" => return broken(),
                "tok_slow" if effect.operation.kind == Kind::Authorise => {
                    tokio::time::sleep(self.config.slow).await;
                }
                _ => {}
            }
        }
        shown(&effect)
    }
}

fn shown(effect: &Effect) -> Response {
    Json(json!({ "operation": effect.operation, "payment": effect.payment })).into_response()
}

fn refuse(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::ReferenceReused => StatusCode::CONFLICT,
        Refusal::Log => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Amount | Refusal::State | Refusal::Currency => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Json(json!({ "error": refusal.code() }))).into_response()
}

/// An answer whose body breaks off: the client cannot know what happened.
fn broken() -> Response {
    let cut = futures_util::stream::once(async { Err::<&[u8], _>(std::io::Error::other("answer lost")) });
    Response::new(Body::from_stream(cut))
}

fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/v1/payments", post(authorise))
        .route("/v1/payments/{id}/capture", post(capture))
        .route("/v1/payments/{id}/void", post(void))
        .route("/v1/payments/{id}/refund", post(refund))
        .route("/v1/operations/{reference}", get(lookup))
        .route("/log", get(log))
        .route_layer(from_fn_with_state(Arc::clone(&provider), authenticate))
        // The customer's own browser comes here, without our key.
        .route("/v1/payments/{id}/confirm", post(confirm))
        .route("/v1/payments/{id}/refuse", post(refuse_action))
        .route("/health", get(health))
        .with_state(provider)
}

type Provided = State<Arc<Provider>>;

async fn authenticate(
    State(provider): Provided,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let shown = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if shown.strip_prefix("Bearer ") == Some(provider.config.key.as_str()) {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorised" }))).into_response()
    }
}

async fn authorise(State(provider): Provided, Json(request): Json<Authorise>) -> Response {
    let outcome = provider.act(|book, at_ms| book.authorise(at_ms, &provider.page, &request));
    provider.answer(outcome).await
}

async fn capture(State(provider): Provided, Path(id): Path<String>, Json(request): Json<Change>) -> Response {
    let outcome = provider.act(|book, at_ms| book.change(at_ms, &id, Kind::Capture, &request));
    provider.answer(outcome).await
}

async fn void(State(provider): Provided, Path(id): Path<String>, Json(request): Json<Change>) -> Response {
    let outcome = provider.act(|book, at_ms| book.change(at_ms, &id, Kind::Void, &request));
    provider.answer(outcome).await
}

async fn refund(State(provider): Provided, Path(id): Path<String>, Json(request): Json<Change>) -> Response {
    let outcome = provider.act(|book, at_ms| book.change(at_ms, &id, Kind::Refund, &request));
    provider.answer(outcome).await
}

async fn confirm(State(provider): Provided, Path(id): Path<String>) -> Response {
    provider.confirm(&id, true).map_or_else(refuse, |effect| shown(&effect))
}

async fn refuse_action(State(provider): Provided, Path(id): Path<String>) -> Response {
    provider.confirm(&id, false).map_or_else(refuse, |effect| shown(&effect))
}

async fn lookup(State(provider): Provided, Path(reference): Path<String>) -> Response {
    let found = provider.book.lock().unwrap_or_else(PoisonError::into_inner).lookup(&reference);
    found.map_or_else(refuse, |effect| shown(&effect))
}

#[derive(Debug, Deserialize)]
struct LogRange {
    #[serde(default)]
    after: u64,
}

async fn log(State(provider): Provided, Query(range): Query<LogRange>) -> Json<Value> {
    let entries =
        provider.book.lock().unwrap_or_else(PoisonError::into_inner).log_after(range.after, LOG_PAGE);
    Json(json!({ "entries": entries }))
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

#[cfg(test)]
mod tests;
