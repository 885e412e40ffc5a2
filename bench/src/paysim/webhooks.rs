//! News of every change, signed, sent late, twice and out of order by a seeded schedule.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::book::{LogEntry, Operation, Payment};

/// A news item is tried this often before it is given up; the receiver can still look the payment up.
const MAX_TRIES: u32 = 8;
/// The pause after the first failed try; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A receiver that has not answered by then is tried again.
const DEADLINE: Duration = Duration::from_secs(3);
/// Deliveries under way at the same time.
const MAX_PARALLEL: usize = 16;
/// How many undelivered items are kept for a test to take when there is no receiver's address.
const MAX_KEPT: usize = 10_000;

/// The body of a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// The same for every repeat.
    pub id: String,
    /// When it happened, ms since the epoch.
    pub created_ms: i64,
    /// The request.
    pub operation: Operation,
    /// The payment right after.
    pub payment: Payment,
}

/// A signed webhook, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Header `x-pay-timestamp`.
    pub timestamp: String,
    /// Header `x-pay-signature`.
    pub signature: String,
    /// The JSON body.
    pub body: String,
}

impl Delivery {
    fn sign(secret: &str, body: String) -> Self {
        let timestamp = (super::now_ms() / 1000).to_string();
        let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map(|mut mac| {
                mac.update(format!("{timestamp}.{body}").as_bytes());
                hex::encode(mac.finalize().into_bytes())
            })
            .unwrap_or_default();
        Self { timestamp, signature, body }
    }
}

/// Sends the news.
#[derive(Debug)]
pub(super) struct Sender {
    secret: String,
    seed: u64,
    max_delay: Duration,
    url: Mutex<Option<String>>,
    kept: Mutex<VecDeque<Delivery>>,
    client: reqwest::Client,
    slots: Semaphore,
}

impl Sender {
    pub(super) fn new(
        secret: String,
        seed: u64,
        max_delay: Duration,
        url: Option<String>,
    ) -> std::io::Result<Self> {
        let client = reqwest::Client::builder().timeout(DEADLINE).build().map_err(std::io::Error::other)?;
        Ok(Self {
            secret,
            seed,
            max_delay,
            url: Mutex::new(url),
            kept: Mutex::default(),
            client,
            slots: Semaphore::new(MAX_PARALLEL),
        })
    }

    pub(super) fn set_url(&self, url: String) {
        *self.url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    /// Ends all deliveries before their next try.
    pub(super) fn stop(&self) {
        *self.url.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn take_kept(&self) -> Vec<Delivery> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    /// When the copies of a news item go out: each item once or twice, each copy after a delay of its own,
    /// so that later news overtakes earlier. The same seed gives the same schedule.
    fn schedule(&self, seq: u64) -> Vec<Duration> {
        let mut random = StdRng::seed_from_u64(self.seed ^ seq.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let copies = if random.random_range(0..3) == 0 { 2 } else { 1 };
        (0..copies).map(|_| self.max_delay.mul_f64(random.random::<f64>())).collect()
    }

    pub(super) fn announce(self: &Arc<Self>, entry: &LogEntry) {
        let event = Event {
            id: format!("evt_{:06}", entry.seq),
            created_ms: entry.at_ms,
            operation: entry.operation.clone(),
            payment: entry.payment.clone(),
        };
        let Ok(body) = serde_json::to_string(&event) else { return };
        if self.url.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MAX_KEPT {
                kept.pop_front();
            }
            kept.push_back(Delivery::sign(&self.secret, body));
            return;
        }
        for delay in self.schedule(entry.seq) {
            let (sender, body) = (Arc::clone(self), body.clone());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                sender.deliver(body).await;
            });
        }
    }

    async fn deliver(&self, body: String) {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=MAX_TRIES {
            let Some(url) = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
            let delivery = Delivery::sign(&self.secret, body.clone());
            let sent = {
                let Ok(_slot) = self.slots.acquire().await else { return };
                self.client
                    .post(url)
                    .header("content-type", "application/json")
                    .header("x-pay-timestamp", delivery.timestamp)
                    .header("x-pay-signature", delivery.signature)
                    .body(delivery.body)
                    .send()
                    .await
            };
            match sent {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => tracing::debug!(attempt, status = %answer.status(), "webhook refused"),
                Err(error) => tracing::debug!(attempt, %error, "webhook not delivered"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        tracing::warn!("webhook given up after {MAX_TRIES} tries");
    }
}
