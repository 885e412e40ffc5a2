//! The webhook inbox: signature first, then stored, then processed, once, in whatever order news arrives.

use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::ports::pay::{DeclineCode, PayEvent, PayOperationStatus};
use tracing::{debug, warn};

use super::error::PaymentError;
use super::model::{StoredWebhook, WebhookState};
use super::rules::{self, Verdict};
use super::{service, store};
use crate::app::App;

/// A stored webhook is left to its receiver for this long before the job takes it.
const GRACE: Duration = Duration::from_secs(10);
/// A webhook that was dealt with is kept this long, 30 days: a provider repeats its news for days at most.
const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// Webhooks processed in one run of the job.
const BATCH: i64 = 100;

/// The signed parts of a webhook as it came.
#[derive(Debug, Clone, Copy)]
pub struct SignedWebhook<'a> {
    /// The header with the time of signing.
    pub timestamp: &'a str,
    /// The header with the signature.
    pub signature: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Takes a webhook of the card provider: checks the signature, stores it, processes it. A repeat has no effect.
///
/// # Errors
/// [`PaymentError::WebhookRejected`] unless the provider signed it; database failure (the provider sends it
/// again then).
pub async fn receive_webhook(
    app: &App,
    provider: &str,
    webhook: SignedWebhook<'_>,
) -> Result<(), PaymentError> {
    let SignedWebhook { timestamp, signature, body } = webhook;
    app.ports.pay.verify_webhook(timestamp, signature, body).map_err(|e| {
        warn!(error = %e, "webhook refused");
        PaymentError::WebhookRejected
    })?;
    let event = PayEvent::parse(body).map_err(|_| PaymentError::WebhookRejected)?;
    let text = String::from_utf8(body.to_vec()).map_err(|_| PaymentError::WebhookRejected)?;
    let now = app.clock.now();
    let stored = StoredWebhook {
        id: format!("{provider}:{}", event.id),
        body: text,
        state: WebhookState::Pending,
        attempts: 0,
        next_try_at: now.plus(GRACE),
        received_at: now,
    };
    if !store::insert_webhook(app, &stored).await? {
        let known = store::find_webhook(app, &stored.id).await?;
        if known.is_some_and(|known| known.state != WebhookState::Pending) {
            debug!(id = stored.id, "webhook came again");
            return Ok(());
        }
    }
    process(app, &stored.id, &event).await
}

async fn process(app: &App, id: &str, event: &PayEvent) -> Result<(), PaymentError> {
    let reference = &event.operation.reference;
    // A request is written down before it is sent, so news of an unknown one is not about us.
    let Some(payment) = store::find_by_reference(app, reference).await? else {
        warn!(id, "webhook about an unknown request");
        store::end_webhook(app, id, WebhookState::Ignored).await?;
        return Ok(());
    };
    let verdict = match event.operation.status {
        PayOperationStatus::Succeeded => Verdict::Done { provider_id: event.payment.id.clone() },
        PayOperationStatus::RequiresAction => Verdict::RequiresAction {
            provider_id: event.payment.id.clone(),
            url: event.payment.action_url.clone(),
        },
        PayOperationStatus::Declined => {
            Verdict::Declined(event.operation.decline_code.unwrap_or(DeclineCode::Other))
        }
    };
    service::record(app, payment.id, reference, &verdict, "provider:card").await?;
    store::end_webhook(app, id, WebhookState::Done).await?;
    Ok(())
}

/// Processes webhooks that were stored by a process that then died. One bounded batch; says how many.
///
/// # Errors
/// Database failure.
pub async fn process_webhooks(app: &App) -> Result<u64, PaymentError> {
    let now = app.clock.now();
    let mut done = 0;
    for stored in store::due_webhooks(app, now, BATCH).await? {
        let outcome = match PayEvent::parse(stored.body.as_bytes()) {
            Ok(event) => process(app, &stored.id, &event).await,
            Err(_) => {
                store::end_webhook(app, &stored.id, WebhookState::Ignored).await?;
                continue;
            }
        };
        match outcome {
            Ok(()) => done += 1,
            Err(e) => {
                warn!(id = stored.id, error = %e, "webhook cannot be processed yet");
                let later = now.plus(rules::retry_after(stored.attempts));
                store::postpone_webhook(app, &stored.id, later).await?;
            }
        }
    }
    Ok(done)
}

/// Removes a batch of webhooks that were dealt with and came more than 30 days ago; says how many, 0 when none is left.
/// One that was not dealt with stays.
///
/// # Errors
/// Database failure.
pub async fn purge_webhooks(app: &App) -> Result<u64, Infra> {
    Ok(store::purge_webhooks(app, app.clock.now().minus(KEEP)).await?)
}
