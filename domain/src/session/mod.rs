//! Sign-in: one-time codes, device sessions, access and refresh tokens.
//!
//! A person proves a phone with a one-time code ([`request_code`], [`start`]) and gets a session of the device: a short
//! access token (JWT, checked by [`identify`] on every request) and a refresh token that is exchanged for the next one
//! at each use ([`refresh`]). A refresh token used again later reveals a thief: the whole session ends.
//!
//! Calls: account, audit. Called by: transport only.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{SessionError, SessionErrorCode};
pub use model::{
    CODE_INDEXES, CodeRequested, EndReason, Ended, INDEXES, RefreshState, Session, StartSession, Tokens,
};
pub use rules::{
    ACCESS_LIFE, CODE_LIFE, DeviceName, MAX_ATTEMPTS, MAX_SESSIONS, OneTimeCode, REFRESH_LIFE, RETRY_GRACE,
};
pub use service::{
    Identity, end, identify, identify_with_expiry, list, refresh, request_code, revoke, start,
};
pub use store::SessionCache;
