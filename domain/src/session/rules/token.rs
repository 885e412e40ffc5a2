//! The tokens: access tokens are JWTs (HS256, key named by `kid`), refresh tokens are an HMAC over their session and
//! generation. Pure, but for the clock's `now` that is passed in.

use std::collections::HashSet;
use std::str::FromStr as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use daraa_platform::fault::Infra;
use daraa_platform::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::ids::{AccountId, SessionId};
use crate::keys::{Keys, mac};
use crate::session::error::SessionError;

const ISSUER: &str = "daraa";
/// Ours have about 330 characters; a longer one is not even looked at.
const MAX_TOKEN_CHARS: usize = 1_024;
/// Two servers' clocks may differ by this much.
const MAX_SKEW: Duration = Duration::from_secs(5);

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A genuine access token within its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) struct Access {
    pub(in crate::session) account_id: AccountId,
    pub(in crate::session) session_id: SessionId,
    pub(in crate::session) expires_at: Timestamp,
}

/// Signs an access token; returns it with the instant it expires, whole seconds.
pub(in crate::session) fn sign_access(
    keys: &Keys,
    account_id: AccountId,
    session_id: SessionId,
    now: Timestamp,
    life: Duration,
) -> Result<(String, Timestamp), SessionError> {
    let exp = now.plus(life).secs();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: account_id.to_string(),
        sid: session_id.to_string(),
        iat: now.secs(),
        nbf: now.secs(),
        exp,
    };
    let key = keys.signing();
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key.access))
        .map_err(|e| Infra::defect(format!("signing a token: {e}")))?;
    Ok((token, Timestamp::from_millis(exp.saturating_mul(1_000))))
}

/// Checks an access token. The algorithm is pinned, and time is judged by the given clock, never by the machine's.
pub(in crate::session) fn check_access(
    keys: &Keys,
    token: &str,
    now: Timestamp,
) -> Result<Access, SessionError> {
    if token.len() > MAX_TOKEN_CHARS {
        return Err(SessionError::TokenInvalid);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| SessionError::TokenInvalid)?;
    let key = header.kid.as_deref().and_then(|kid| keys.by_kid(kid)).ok_or(SessionError::TokenInvalid)?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.required_spec_claims = HashSet::new();
    let claims: Claims = jsonwebtoken::decode(token, &DecodingKey::from_secret(&key.access), &validation)
        .map_err(|_| SessionError::TokenInvalid)?
        .claims;
    let forged = |_| SessionError::TokenInvalid;
    let access = Access {
        account_id: AccountId::from_str(&claims.sub).map_err(forged)?,
        session_id: SessionId::from_str(&claims.sid).map_err(forged)?,
        expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1_000)),
    };
    if claims.iss != ISSUER || claims.nbf > now.plus(MAX_SKEW).secs() {
        return Err(SessionError::TokenInvalid);
    }
    if now >= access.expires_at {
        return Err(SessionError::TokenExpired);
    }
    Ok(access)
}

/// A refresh token as it was presented; genuine only once [`RefreshToken::genuine`] says so.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::session) struct RefreshToken {
    pub(in crate::session) session_id: SessionId,
    pub(in crate::session) generation: i64,
    kid: String,
    mac: [u8; 32],
}

/// The refresh token of a generation: `<kid>.<session>.<generation>.<mac>`.
pub(in crate::session) fn sign_refresh(
    keys: &Keys,
    session_id: SessionId,
    generation: i64,
    nonce: &str,
) -> String {
    let key = keys.signing();
    let mac = URL_SAFE_NO_PAD.encode(refresh_mac(&key.refresh, session_id, generation, nonce));
    format!("{}.{session_id}.{generation}.{mac}", key.kid)
}

impl RefreshToken {
    pub(in crate::session) fn parse(text: &str) -> Result<Self, SessionError> {
        let read = || {
            if text.len() > MAX_TOKEN_CHARS {
                return None;
            }
            let mut parts = text.split('.');
            let kid = parts.next()?.to_owned();
            let session_id = SessionId::from_str(parts.next()?).ok()?;
            let generation = parts.next()?.parse().ok()?;
            let mac = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?.try_into().ok()?;
            parts.next().is_none().then_some(Self { session_id, generation, kid, mac })
        };
        read().ok_or(SessionError::RefreshInvalid)
    }

    /// Whether one of our keys made it for the session with this nonce. Constant time.
    pub(in crate::session) fn genuine(&self, keys: &Keys, nonce: &str) -> bool {
        keys.by_kid(&self.kid).is_some_and(|key| {
            let expected = refresh_mac(&key.refresh, self.session_id, self.generation, nonce);
            expected.ct_eq(&self.mac).into()
        })
    }
}

fn refresh_mac(key: &[u8; 32], session_id: SessionId, generation: i64, nonce: &str) -> [u8; 32] {
    mac(key, &[session_id.to_string().as_bytes(), &generation.to_be_bytes(), nonce.as_bytes()])
}
