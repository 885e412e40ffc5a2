//! The secret keys of one installation: what signs tokens, what peppers codes. Read from secret files at start.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// The shortest secret that is accepted, characters: 128 bits in hexadecimal.
pub const MIN_SECRET_CHARS: usize = 32;
/// How many token keys are accepted at once: the one in use and those being phased out.
const MAX_TOKEN_KEYS: usize = 8;
/// The longest key id, characters.
const MAX_KID_CHARS: usize = 32;

/// Secret files that cannot be used. Says where, never what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No token key at all.
    #[error("the token key file holds no key")]
    NoTokenKey,
    /// A line that is not a key.
    #[error("line {line} of the token key file is no key of at least {MIN_SECRET_CHARS} characters")]
    TokenKey {
        /// Which line, from 1.
        line: usize,
    },
    /// Two keys share an id, or there are too many.
    #[error("the token key file repeats a key id or holds more than {MAX_TOKEN_KEYS} keys")]
    TokenKeys,
    /// The pepper is too short.
    #[error("the pepper has fewer than {MIN_SECRET_CHARS} characters")]
    Pepper,
}

/// One key that signs or once signed tokens. What it signs with is derived, one key for each purpose.
#[derive(Clone)]
pub struct TokenKey {
    /// Its public name, in the token's header.
    pub kid: String,
    pub(crate) access: [u8; 32],
    pub(crate) refresh: [u8; 32],
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The secret keys of one installation. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Keys {
    signing: TokenKey,
    accepted: Vec<TokenKey>,
    codes: [u8; 32],
    phones: [u8; 32],
    audit: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("signing", &self.signing.kid).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the secret files. `token_keys` holds one random key a line, optionally named as `name:key`; the first signs,
    /// all are accepted: to rotate, a new key is put on top, and the old one is removed when the last token it signed
    /// has expired. The pepper may not be changed, for the audit chain is keyed by it.
    ///
    /// # Errors
    /// [`KeysError`] for anything too short or malformed.
    pub fn parse(token_keys: &str, pepper: &str) -> Result<Self, KeysError> {
        let mut accepted: Vec<TokenKey> = Vec::new();
        for (i, line) in token_keys.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = token_key(line).ok_or(KeysError::TokenKey { line: i + 1 })?;
            if accepted.len() == MAX_TOKEN_KEYS || accepted.iter().any(|other| other.kid == key.kid) {
                return Err(KeysError::TokenKeys);
            }
            accepted.push(key);
        }
        let signing = accepted.first().cloned().ok_or(KeysError::NoTokenKey)?;
        let pepper = secret(pepper.trim()).ok_or(KeysError::Pepper)?;
        Ok(Self {
            signing,
            accepted,
            codes: derive(pepper, "sign-in codes"),
            phones: derive(pepper, "sign-in phones"),
            audit: derive(pepper, "audit seals"),
        })
    }

    /// The key that signs new tokens.
    #[must_use]
    pub fn signing(&self) -> &TokenKey {
        &self.signing
    }

    /// The key a token names.
    #[must_use]
    pub fn by_kid(&self, kid: &str) -> Option<&TokenKey> {
        self.accepted.iter().find(|key| key.kid == kid)
    }

    /// The key of one-time codes.
    pub(crate) fn code_key(&self) -> &[u8; 32] {
        &self.codes
    }

    /// The key that hides phone numbers where only equality matters.
    pub(crate) fn phone_key(&self) -> &[u8; 32] {
        &self.phones
    }

    /// The key of the audit chain.
    pub(crate) fn audit_key(&self) -> &[u8; 32] {
        &self.audit
    }
}

fn token_key(line: &str) -> Option<TokenKey> {
    let (kid, key) = match line.split_once(':') {
        Some((kid, key)) => (kid.trim().to_owned(), key.trim()),
        // A key without a name is named by its hash, so that every process names it alike.
        None => (hex::encode(Sha256::digest(line).get(..4)?), line),
    };
    let well_named = (1..=MAX_KID_CHARS).contains(&kid.len())
        && kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let secret = secret(key).filter(|_| well_named)?;
    Some(TokenKey { kid, access: derive(secret, "access tokens"), refresh: derive(secret, "refresh tokens") })
}

fn secret(text: &str) -> Option<&[u8]> {
    Some(text.as_bytes()).filter(|bytes| bytes.len() >= MIN_SECRET_CHARS)
}

/// A key for one purpose: HMAC-SHA256 of the purpose under the secret.
fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    mac(secret, &[purpose.as_bytes()])
}

/// HMAC-SHA256 over the parts, each preceded by its length so that no two lists of parts read the same.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length");
    };
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::{Keys, KeysError};

    const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn the_first_line_signs_and_all_are_accepted() {
        let keys = Keys::parse(&format!("# rotated in March\nb:{SECRET}\n\na:{SECRET}00\n"), SECRET);
        let Ok(keys) = keys else { panic!("{keys:?}") };
        assert_eq!(keys.signing().kid, "b");
        assert!(keys.by_kid("a").is_some() && keys.by_kid("c").is_none());
        assert!(!format!("{keys:?}").contains("0001"));
    }

    #[test]
    fn a_key_without_a_name_is_named_by_its_hash() {
        let kid = |key: &str| Keys::parse(key, SECRET).map(|keys| keys.signing().kid.clone());
        assert_eq!(kid(SECRET), kid(SECRET));
        assert_ne!(kid(SECRET), kid(&format!("{SECRET}00")));
    }

    #[test]
    fn weak_or_broken_files_are_refused() {
        let long = format!("a:{SECRET}");
        assert_eq!(Keys::parse("", SECRET).err(), Some(KeysError::NoTokenKey));
        assert_eq!(Keys::parse("a:00", SECRET).err(), Some(KeysError::TokenKey { line: 1 }));
        assert_eq!(
            Keys::parse(&format!("a b:{SECRET}"), SECRET).err(),
            Some(KeysError::TokenKey { line: 1 })
        );
        assert_eq!(Keys::parse(&format!("{long}\n{long}"), SECRET).err(), Some(KeysError::TokenKeys));
        assert_eq!(Keys::parse(&long, "short").err(), Some(KeysError::Pepper));
    }
}
