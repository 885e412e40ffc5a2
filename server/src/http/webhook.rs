//! `POST /webhooks/pay`: news from the payment provider. The room checks the signature.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use daraa_domain::payment::{self, SignedWebhook};
use daraa_platform::fault::{Fault as _, FaultKind};
use daraa_platform::ports::pay::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use tracing::warn;

use super::{Api, BODY_DEADLINE, MAX_BODY};

/// The one provider there is.
const CARD: &str = "card";

/// News of the card provider.
pub(super) async fn pay_default(State(api): State<Arc<Api>>, headers: HeaderMap, body: Body) -> StatusCode {
    receive(&api, CARD, &headers, body).await
}

/// News of a named provider.
pub(super) async fn pay(
    State(api): State<Arc<Api>>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    if provider != CARD {
        return StatusCode::NOT_FOUND;
    }
    receive(&api, CARD, &headers, body).await
}

async fn receive(api: &Api, provider: &'static str, headers: &HeaderMap, body: Body) -> StatusCode {
    let body = match tokio::time::timeout(BODY_DEADLINE, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let webhook =
        SignedWebhook { timestamp: text(TIMESTAMP_HEADER), signature: text(SIGNATURE_HEADER), body: &body };
    match payment::receive_webhook(api.app(), provider, webhook).await {
        Ok(()) => StatusCode::OK,
        Err(e) => {
            warn!(provider, code = e.code(), cause = %e, "a payment webhook was not taken");
            match e.kind() {
                FaultKind::Unavailable | FaultKind::RateLimited => StatusCode::SERVICE_UNAVAILABLE,
                FaultKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNAUTHORIZED,
            }
        }
    }
}
