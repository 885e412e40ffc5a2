//! Webhook signatures: HMAC-SHA256 over `timestamp.body`, compared in constant time, with a limited age.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::time::Timestamp;

/// The header with the time of signing, whole seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "x-pay-timestamp";
/// The header with the signature, lower-case hex.
pub const SIGNATURE_HEADER: &str = "x-pay-signature";
/// A signature older or further in the future than this is not believed; bounds replays of a recorded request.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_secs(300);

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature is missing, malformed or wrong.
    #[error("wrong webhook signature")]
    Signature,
    /// It was signed too long ago, or in the future.
    #[error("webhook signature is too old or from the future")]
    Stale,
    /// It is signed but not in the agreed form.
    #[error("malformed webhook body")]
    Malformed,
}

fn mac(secret: &[u8], timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// The signature of `body` at `timestamp`, lower-case hex.
#[must_use]
pub fn sign(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    mac(secret, timestamp, body).map(|m| hex::encode(m.finalize().into_bytes())).unwrap_or_default()
}

pub(super) fn verify(
    secret: &[u8],
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), WebhookError> {
    let signature = hex::decode(signature).map_err(|_| WebhookError::Signature)?;
    // `verify_slice` compares in constant time.
    mac(secret, timestamp, body)
        .and_then(|m| m.verify_slice(&signature).ok())
        .ok_or(WebhookError::Signature)?;
    let signed_secs: i64 = timestamp.parse().map_err(|_| WebhookError::Signature)?;
    let age_secs = now.secs().saturating_sub(signed_secs).unsigned_abs();
    if age_secs > WEBHOOK_TOLERANCE.as_secs() { Err(WebhookError::Stale) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn believes_only_what_was_signed_recently_with_the_secret() {
        let now = Timestamp::from_millis(1_000_000_000);
        let signature = sign(b"secret", "1000000", b"{}");
        assert_eq!(verify(b"secret", "1000000", &signature, b"{}", now), Ok(()));
        assert_eq!(verify(b"other", "1000000", &signature, b"{}", now), Err(WebhookError::Signature));
        assert_eq!(verify(b"secret", "1000001", &signature, b"{}", now), Err(WebhookError::Signature));
        assert_eq!(verify(b"secret", "1000000", &signature, b"{} ", now), Err(WebhookError::Signature));
        assert_eq!(verify(b"secret", "1000000", "zz", b"{}", now), Err(WebhookError::Signature));
        assert_eq!(verify(b"secret", "1000000", "", b"{}", now), Err(WebhookError::Signature));
        for shift_secs in [-301, 301] {
            let later = Timestamp::from_millis((1_000_000 + shift_secs) * 1000);
            assert_eq!(verify(b"secret", "1000000", &signature, b"{}", later), Err(WebhookError::Stale));
        }
    }
}
