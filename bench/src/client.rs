//! An ordinary client of the public API: GraphQL over HTTP with sign-in, retry and measurement.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// One request may take this long before it is asked again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A request that keeps failing for reasons that pass (fail-over, restart) is given up after this.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(150);

/// What came back instead of a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Expected failures, as data.
    #[error("refused: {}", .0.iter().map(|e| format!("{} ({})", e.code, e.message)).collect::<Vec<_>>().join(", "))]
    User(Vec<UserError>),
    /// A top-level error with its code.
    #[error("{code}: {message}")]
    Api {
        /// `extensions.code`.
        code: String,
        /// The public sentence.
        message: String,
    },
    /// No usable answer at all, for as long as we were willing to ask.
    #[error("no answer: {0}")]
    Transport(String),
}

impl CallError {
    /// Whether one of the user errors (or the top-level error) has this code.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        match self {
            Self::User(errors) => errors.iter().any(|e| e.code == wanted),
            Self::Api { code, .. } => code == wanted,
            Self::Transport(_) => false,
        }
    }

    /// The first code, for statistics.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::User(errors) => errors.first().map_or_else(|| "USER_ERROR".to_owned(), |e| e.code.clone()),
            Self::Api { code, .. } => code.clone(),
            Self::Transport(_) => "NO_ANSWER".to_owned(),
        }
    }
}

/// One entry of `userErrors`.
#[derive(Debug, Clone)]
pub struct UserError {
    /// The closed code.
    pub code: String,
    /// The public sentence.
    pub message: String,
}

/// Latencies and failures of all calls of one run.
#[derive(Debug, Default)]
pub struct Stats {
    inner: Mutex<StatsInner>,
}

#[derive(Debug, Default)]
struct StatsInner {
    latencies_us: Vec<u64>,
    by_operation: BTreeMap<String, Vec<u64>>,
    errors: BTreeMap<String, u64>,
    retries: u64,
}

impl Stats {
    fn answered(&self, operation: &str, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.latencies_us.push(us);
        inner.by_operation.entry(operation.to_owned()).or_default().push(us);
    }

    /// Counts a failure under its code.
    pub fn failed(&self, code: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner.errors.entry(code.to_owned()).or_default() += 1;
    }

    fn retried(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).retries += 1;
    }

    /// Failures by code.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<String, u64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).errors.clone()
    }

    /// How often a request was asked again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).retries
    }

    /// How many requests were answered, and the latency in ms at each of the given percentiles.
    #[must_use]
    pub fn latency_ms(&self, percentiles: &[u32]) -> (usize, Vec<f64>) {
        let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner).latencies_us.clone();
        all.sort_unstable();
        let at = percentiles.iter().map(|p| percentile(&all, *p) as f64 / 1000.0).collect();
        (all.len(), at)
    }

    /// The slowest operations: name, calls, p50 and p99 in ms.
    #[must_use]
    pub fn slowest(&self, count: usize) -> Vec<(String, usize, f64, f64)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<_> = inner
            .by_operation
            .iter()
            .map(|(name, taken)| {
                let mut sorted = taken.clone();
                sorted.sort_unstable();
                let ms = |p| percentile(&sorted, p) as f64 / 1000.0;
                (name.clone(), sorted.len(), ms(50), ms(99))
            })
            .collect();
        rows.sort_by(|a, b| b.3.total_cmp(&a.3));
        rows.truncate(count);
        rows
    }
}

/// The value at a percentile of a sorted list (nearest rank); 0 for an empty one.
#[must_use]
pub fn percentile(sorted: &[u64], percent: u32) -> u64 {
    let rank = (sorted.len() * percent as usize).div_ceil(100).max(1) - 1;
    sorted.get(rank.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// The address of the API and what was measured of it.
#[derive(Debug, Clone)]
pub struct Api {
    devices: Arc<AtomicU32>,
    /// `http://host:port/graphql`.
    pub url: String,
    /// What was measured.
    pub stats: Arc<Stats>,
}

impl Api {
    /// A client of `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { devices: Arc::new(AtomicU32::new(rand::random())), url: url.to_owned(), stats: Arc::default() }
    }

    /// `ws://host:port/graphql/ws`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("{}/ws", self.url.replacen("http", "ws", 1))
    }

    /// An anonymous caller with a device of its own. On this machine each device has its own loopback address,
    /// so that limits meant for one device do not meet another.
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        let mut builder = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy();
        if self.url.contains("//127.0.0.1") {
            let [_, a, b, c] = self.devices.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            builder = builder.local_address(IpAddr::from([127, a, b, c.clamp(1, 254)]));
        }
        // Only a TLS set-up could fail, and there is none.
        let http = builder.build().unwrap_or_default();
        Caller { api: self.clone(), http, tokens: Arc::default(), refreshing: Arc::default(), lang: "en" }
    }
}

/// The tokens of a signed-in device.
#[derive(Debug, Clone, Default)]
struct Tokens {
    access: Option<String>,
    refresh: Option<String>,
}

/// One person's app.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The API.
    pub api: Api,
    http: reqwest::Client,
    tokens: Arc<Mutex<Tokens>>,
    /// One refresh at a time: a token used twice looks stolen.
    refreshing: Arc<tokio::sync::Mutex<()>>,
    lang: &'static str,
}

impl Caller {
    /// Answers in this language from now on.
    #[must_use]
    pub fn speaking(mut self, lang: &'static str) -> Self {
        self.lang = lang;
        self
    }

    /// The access token, for the socket.
    #[must_use]
    pub fn access_token(&self) -> Option<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).access.clone()
    }

    /// The refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> Option<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).refresh.clone()
    }

    /// Takes the tokens of a `Session` object.
    pub fn take_tokens(&self, session: &Value) {
        let text = |name: &str| session[name].as_str().map(str::to_owned);
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) =
            Tokens { access: text("accessToken"), refresh: text("refreshToken") };
    }

    /// Signs in by phone; the code is read where the development SMS adapter writes it.
    ///
    /// # Errors
    /// Any refusal, or no code within a minute.
    pub async fn sign_in(
        &self,
        phone: &str,
        name: &str,
        codes: &crate::otp::Codes,
    ) -> Result<String, CallError> {
        // An app that signs in shows no old token: a token that is not valid any more is refused everywhere.
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Tokens::default();
        let since = codes.position();
        self.mutate("codeRequest", "expiresAt", json!({ "phone": phone })).await?;
        let code = codes
            .wait_for(phone, since)
            .await
            .ok_or_else(|| CallError::Transport(format!("no code for {phone}")))?;
        let input = json!({ "phone": phone, "code": code, "name": name, "deviceName": "simulated phone" });
        let selection = "session { accessToken refreshToken account { id } }";
        let payload = self.mutate("sessionStart", selection, input).await?;
        self.take_tokens(&payload["session"]);
        Ok(payload["session"]["account"]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Replaces the tokens by fresh ones.
    ///
    /// # Errors
    /// When the refresh token is refused.
    pub async fn refresh(&self) -> Result<(), CallError> {
        let _turn = self.refreshing.lock().await;
        self.refresh_in_turn().await
    }

    /// Replaces the tokens unless somebody did since `expired` was in use.
    ///
    /// # Errors
    /// When the refresh token is refused.
    pub async fn renew(&self, expired: Option<&str>) -> Result<(), CallError> {
        let _turn = self.refreshing.lock().await;
        if self.access_token().as_deref() != expired {
            return Ok(());
        }
        self.refresh_in_turn().await
    }

    async fn refresh_in_turn(&self) -> Result<(), CallError> {
        let input = json!({ "refreshToken": self.refresh_token() });
        // The same device, without the access token that is not valid any more.
        let anonymous = Self { tokens: Arc::default(), ..self.clone() };
        let payload =
            Box::pin(anonymous.mutate("sessionRefresh", "session { accessToken refreshToken }", input))
                .await?;
        self.take_tokens(&payload["session"]);
        Ok(())
    }

    /// A mutation with the usual shape; `selection` is the payload's without `userErrors`. Asked again while
    /// the service is away, so its effect must be protected by a state or an idempotency key.
    ///
    /// # Errors
    /// [`CallError::User`] when `userErrors` is not empty.
    pub async fn mutate(&self, name: &str, selection: &str, input: Value) -> Result<Value, CallError> {
        let mut type_name = name.to_owned();
        if let Some(first) = type_name.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        let document = format!(
            "mutation {type_name}($input: {type_name}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ code field message }} }} }}"
        );
        let mut data = self.query(&document, json!({ "input": input })).await?;
        let payload = data[name].take();
        match payload["userErrors"].as_array() {
            Some(errors) if !errors.is_empty() => {
                let text = |e: &Value, name: &str| e[name].as_str().unwrap_or_default().to_owned();
                Err(CallError::User(
                    errors
                        .iter()
                        .map(|e| UserError { code: text(e, "code"), message: text(e, "message") })
                        .collect(),
                ))
            }
            _ => Ok(payload),
        }
    }

    /// Any operation; the `data` of its answer. Asked again while the service is away.
    ///
    /// # Errors
    /// A top-level error that does not pass, or no answer.
    pub async fn query(&self, document: &str, variables: Value) -> Result<Value, CallError> {
        let started = Instant::now();
        let mut refreshed = false;
        loop {
            let access = self.access_token();
            let error = match self.once(document, &variables).await {
                Ok(data) => return Ok(data),
                Err(e) => e,
            };
            self.api.stats.failed(&error.code());
            let passes = matches!(&error, CallError::Transport(_))
                || error.is("UNAVAILABLE")
                || error.is("OVERLOADED");
            if error.is("TOKEN_EXPIRED") && !refreshed && self.refresh_token().is_some() {
                refreshed = true;
                Box::pin(self.renew(access.as_deref())).await?;
            } else if !passes || started.elapsed() > GIVE_UP_AFTER {
                return Err(error);
            } else {
                self.api.stats.retried();
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// The operation, asked exactly once.
    ///
    /// # Errors
    /// A top-level error, or no answer.
    pub async fn once(&self, document: &str, variables: &Value) -> Result<Value, CallError> {
        let started = Instant::now();
        let mut request = self
            .http
            .post(&self.api.url)
            .header("accept-language", self.lang)
            .json(&json!({ "query": document, "variables": variables }));
        if let Some(token) = self.access_token() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|e| CallError::Transport(chain(&e)))?;
        let status = answer.status();
        let mut body: Value =
            answer.json().await.map_err(|e| CallError::Transport(format!("{status}: {}", chain(&e))))?;
        self.api.stats.answered(operation_name(document), started.elapsed());
        if let Some(error) = body["errors"].as_array().and_then(|errors| errors.first()) {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            return Err(CallError::Api {
                code: text(&error["extensions"]["code"]),
                message: text(&error["message"]),
            });
        }
        Ok(body["data"].take())
    }
}

fn operation_name(document: &str) -> &str {
    document
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.split(['(', '{']).next())
        .filter(|word| !word.is_empty())
        .unwrap_or("query")
}

fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut source = e.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
