//! The HTTP adapter of the card provider.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use super::{
    AuthoriseRequest, ChangeRequest, DeclineCode, PayLookup, PayOperation, PayOperationKind,
    PayOperationStatus, PayOutcome, ProviderPayment, WebhookError, webhook,
};
use crate::clock::Clock;
use crate::fault::Infra;
use crate::ports::breaker::Breaker;

const PORT: &str = "pay";
/// A provider that has not answered by then is not waited for; the outcome is then unknown.
pub const PAY_CALL_DEADLINE: Duration = Duration::from_secs(3);
/// Longest answer that is read; a real one is well below a kilobyte.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// When the provider refused the connection, it is not asked again before.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How the provider is reached.
#[derive(Clone)]
pub struct PayConfig {
    /// Its address without a trailing slash, e.g. `http://127.0.0.1:4100`.
    pub base_url: String,
    /// The bearer key of our account, read from a secret file.
    pub api_key: String,
    /// The key its webhooks are signed with, read from a secret file.
    pub webhook_secret: String,
    /// The deadline of a call; [`PAY_CALL_DEADLINE`] unless a test needs less.
    pub deadline: Duration,
}

impl fmt::Debug for PayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayConfig").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// A provider over HTTP with JSON bodies.
#[derive(Debug, Clone)]
pub struct HttpPay {
    client: reqwest::Client,
    config: PayConfig,
    breaker: Breaker,
}

#[derive(Debug, Deserialize)]
struct Answer {
    operation: PayOperation,
    payment: ProviderPayment,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
}

enum Reply {
    Ok(Answer),
    Refused { status: StatusCode, code: String },
    NotSent { retry_after: Duration },
    Unknown { cause: String },
}

impl HttpPay {
    /// Sets the client up; nothing is sent yet. `clock` drives the circuit breaker.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(config: PayConfig, clock: Clock) -> Result<Self, Infra> {
        Ok(Self {
            client: crate::ports::http_client(PORT, config.deadline)?,
            config,
            breaker: Breaker::new(PORT, clock),
        })
    }

    pub(super) async fn authorise(&self, request: &AuthoriseRequest) -> PayOutcome {
        let body = json!({
            "reference": request.reference,
            "token": request.token,
            "amount_minor": request.amount.amount_minor,
            "currency": request.amount.currency,
            "description": request.description,
        });
        outcome(self.post("authorise", "/v1/payments", &body).await)
    }

    pub(super) async fn change(&self, kind: PayOperationKind, request: &ChangeRequest) -> PayOutcome {
        let verb = match kind {
            PayOperationKind::Capture => "capture",
            PayOperationKind::Void => "void",
            PayOperationKind::Refund => "refund",
            // Made by `authorise`, which takes a card and no payment.
            PayOperationKind::Authorise => return PayOutcome::Refused { code: "not_a_change".to_owned() },
        };
        if !safe_segment(&request.provider_id) {
            return PayOutcome::Refused { code: "malformed_payment_id".to_owned() };
        }
        let body = json!({
            "reference": request.reference,
            "amount_minor": request.amount.amount_minor,
            "currency": request.amount.currency,
        });
        outcome(self.post(verb, &format!("/v1/payments/{}/{verb}", request.provider_id), &body).await)
    }

    pub(super) async fn lookup(&self, reference: &str) -> PayLookup {
        if !safe_segment(reference) {
            return PayLookup::NotSeen;
        }
        let url = format!("{}/v1/operations/{reference}", self.config.base_url);
        match self.call("lookup", self.client.get(url)).await {
            Reply::Ok(answer) => PayLookup::Found(outcome(Reply::Ok(answer))),
            Reply::Refused { status: StatusCode::NOT_FOUND, .. } => PayLookup::NotSeen,
            Reply::Refused { status, code } => PayLookup::Unknown { cause: format!("{status} {code}") },
            Reply::NotSent { .. } => PayLookup::Unknown { cause: "not sent".to_owned() },
            Reply::Unknown { cause } => PayLookup::Unknown { cause },
        }
    }

    pub(super) fn verify_webhook(
        &self,
        timestamp: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<(), WebhookError> {
        let secret = self.config.webhook_secret.as_bytes();
        webhook::verify(secret, timestamp, signature, body, Clock::System.now())
    }

    async fn post(&self, verb: &'static str, path: &str, body: &Value) -> Reply {
        let url = format!("{}{path}", self.config.base_url);
        self.call(verb, self.client.post(url).json(body)).await
    }

    async fn call(&self, verb: &'static str, request: reqwest::RequestBuilder) -> Reply {
        if let Err(retry_after) = self.breaker.admit() {
            return Reply::NotSent { retry_after };
        }
        let started = std::time::Instant::now();
        let reply = exchange(request.bearer_auth(&self.config.api_key)).await;
        metrics::histogram!("daraa_port_call_seconds", "port" => PORT, "verb" => verb)
            .record(started.elapsed().as_secs_f64());
        match &reply {
            Reply::Ok(_) | Reply::Refused { .. } => self.breaker.success(),
            Reply::NotSent { .. } => {
                self.breaker.failure();
                warn!(verb, "payment provider refuses connections");
            }
            Reply::Unknown { cause } => {
                self.breaker.failure();
                warn!(verb, cause, "payment provider gave no answer");
            }
        }
        reply
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Reply {
    let mut response = match request.send().await {
        Ok(response) => response,
        // Without a connection nothing was sent; with one nobody can tell.
        Err(e) if e.is_connect() || e.is_builder() => return Reply::NotSent { retry_after: RETRY_AFTER },
        Err(e) => return Reply::Unknown { cause: e.without_url().to_string() },
    };
    let status = response.status();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER_BYTES => {
                return Reply::Unknown { cause: "answer too long".to_owned() };
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(e) => return Reply::Unknown { cause: e.without_url().to_string() },
        }
    }
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_or_else(|e| Reply::Unknown { cause: format!("unreadable answer: {e}") }, Reply::Ok);
    }
    match serde_json::from_slice::<Refusal>(&body) {
        Ok(_) if status == StatusCode::TOO_MANY_REQUESTS => Reply::NotSent { retry_after: RETRY_AFTER },
        Ok(refusal) if status.is_client_error() => Reply::Refused { status, code: refusal.error },
        // A proxy in between may answer 4xx or 5xx after the provider has acted.
        _ => Reply::Unknown { cause: format!("status {status}") },
    }
}

fn outcome(reply: Reply) -> PayOutcome {
    match reply {
        Reply::Ok(Answer { operation, payment }) => match operation.status {
            PayOperationStatus::Succeeded => PayOutcome::Done(payment),
            PayOperationStatus::RequiresAction => PayOutcome::RequiresAction(payment),
            PayOperationStatus::Declined => {
                PayOutcome::Declined { code: operation.decline_code.unwrap_or(DeclineCode::Other) }
            }
        },
        Reply::Refused { code, .. } => PayOutcome::Refused { code },
        Reply::NotSent { retry_after } => PayOutcome::NotSent { retry_after },
        Reply::Unknown { cause } => PayOutcome::Unknown { cause },
    }
}

/// Whether a text may stand in a URL path without escaping: ours and the provider's ids always may.
fn safe_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'))
}
