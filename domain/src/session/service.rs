//! Use cases of signing in.

mod limits;

use std::net::IpAddr;
use std::sync::Arc;

use daraa_platform::fault::Lang;
use daraa_platform::ports::sms::SmsMessage;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::doc;
use subtle::ConstantTimeEq as _;
use tracing::{info, warn};

use super::error::SessionError;
use super::model::{
    CodeRequested, EndReason, Ended, RefreshState, Session, StartSession, StoredCode, Tokens,
};
use super::rules::token::{self, RefreshToken};
use super::rules::{
    self, ACCESS_LIFE, CODE_LIFE, MAX_SESSIONS, OneTimeCode, REFRESH_LIFE, RETRY_GRACE, RefreshDecision,
    shown,
};
use super::store;
use crate::account::{self, Account, Phone};
use crate::actor::{Actor, Person};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::SessionId;
use crate::keys::mac;

/// Sends a one-time code to a phone. The answer, and all that is done for it, is the same for known and unknown phones.
///
/// # Errors
/// Too many requests, Redis or the SMS gateway away, or database failure.
pub async fn request_code(
    app: &App,
    ip: IpAddr,
    phone: &Phone,
    lang: Lang,
) -> Result<CodeRequested, SessionError> {
    let hidden = hidden_phone(app, phone);
    limits::request_code(app, ip, &hidden).await?;
    let now = app.clock.now();
    let code = OneTimeCode::random(&app.random);
    let expires_at = now.plus(shown(&app.clock, CODE_LIFE));
    let stored = StoredCode {
        mac: code_mac(app, phone, &code),
        id: hidden,
        attempts: 0,
        created_at: now,
        expires_at,
        used_at: None,
    };
    store::put_code(app, &stored).await?;
    let text = match lang {
        Lang::Ar => format!("رمز الدخول إلى درعا: {}. لا تعطه لأحد.", code.as_str()),
        Lang::En => format!("Your Daraa code is {}. Do not give it to anyone.", code.as_str()),
    };
    let message = SmsMessage { phone: phone.as_str().to_owned(), text, code: Some(code.as_str().to_owned()) };
    app.ports.sms.send(&message).await?;
    Ok(CodeRequested { expires_at })
}

/// Opens a session with a code; a phone nobody has yet gets an account.
///
/// # Errors
/// A wrong code, too many tries, Redis away, or database failure.
pub async fn start(app: &App, command: StartSession) -> Result<Tokens, SessionError> {
    let hidden = hidden_phone(app, &command.phone);
    limits::sign_in(app, command.ip, &hidden).await?;
    let now = app.clock.now();
    // The try is counted before the code is looked at, so that parallel guesses count, too.
    let stored = store::count_attempt(app, &hidden, now).await?.ok_or(SessionError::CodeInvalid)?;
    let given = code_mac(app, &command.phone, &command.code);
    if !bool::from(given.as_bytes().ct_eq(stored.mac.as_bytes())) {
        info!(attempts = stored.attempts, "a wrong code was tried");
        return Err(SessionError::CodeInvalid);
    }
    if account::find_by_phone(app, &command.phone).await?.is_none() {
        // Asked only now: who has no code learns nothing about the phone.
        limits::registration(app, command.ip).await?;
    }
    let session_id = app.ids.next();
    let nonce = hex::encode(app.random.bytes::<16>());
    let (account, session, ended) = transact!(&app.mongo, "session.start", SessionError, |tx| {
        if !store::use_code_in_tx(app, tx, &stored, now).await? {
            return Err(SessionError::CodeInvalid);
        }
        let known = account::find_by_phone_in_tx(app, tx, &command.phone).await?;
        let account = match known {
            Some(account) => account,
            None => {
                let (phone, name) = (command.phone.clone(), command.name.clone());
                account::create_in_tx(app, tx, phone, name, command.lang).await?
            }
        };
        let session = Session {
            id: session_id,
            account_id: account.id,
            device_name: command.device_name.as_ref().map(|name| name.as_str().to_owned()),
            created_at: now,
            refreshed_at: now,
            expires_at: now.plus(shown(&app.clock, REFRESH_LIFE)),
            ended: None,
            refresh: RefreshState { generation: 1, nonce: nonce.clone() },
        };
        let alive = store::alive_of_in_tx(app, tx, account.id, now, MAX_SESSIONS + 1).await?;
        let keep = usize::try_from(MAX_SESSIONS - 1).unwrap_or(0);
        let mut ended = Vec::new();
        for oldest in alive.iter().skip(keep) {
            let reason = Ended { at: now, reason: EndReason::TooManySessions };
            store::end_in_tx(app, tx, oldest.id, reason).await?;
            ended.push(oldest.id);
        }
        store::insert_in_tx(app, tx, &session).await?;
        Ok((account, session, ended))
    })?;
    for id in ended {
        app.sessions.forget(id).await;
    }
    info!(account.id = %account.id, session.id = %session.id, "signed in");
    tokens(app, account, &session, now)
}

/// Exchanges a refresh token for the next pair of tokens. A lost answer may be asked for again for [`RETRY_GRACE`]; a
/// used token that comes back later ends the session.
///
/// # Errors
/// The token is of no use, or database failure.
pub async fn refresh(app: &App, refresh_token: &str) -> Result<Tokens, SessionError> {
    let token = RefreshToken::parse(refresh_token)?;
    // Twice: when another request exchanged the token between reading and writing, the second look decides.
    for _ in 0..2 {
        let session = store::find(app, token.session_id).await?.ok_or(SessionError::RefreshInvalid)?;
        if !token.genuine(&app.keys, &session.refresh.nonce) {
            return Err(SessionError::RefreshInvalid);
        }
        let now = app.clock.now();
        match rules::decide(&session, token.generation, now, shown(&app.clock, RETRY_GRACE)) {
            RefreshDecision::Rotate => {
                let expires_at = now.plus(shown(&app.clock, REFRESH_LIFE));
                if let Some(session) = store::rotate(app, &session, now, expires_at).await? {
                    app.sessions.forget(session.id).await;
                    return tokens_of(app, &session, now).await;
                }
            }
            RefreshDecision::AnswerAgain => return tokens_of(app, &session, now).await,
            RefreshDecision::Reused => {
                end_reused(app, &session, token.generation).await?;
                return Err(SessionError::RefreshInvalid);
            }
            RefreshDecision::Refused => return Err(SessionError::RefreshInvalid),
        }
    }
    Err(SessionError::RefreshInvalid)
}

async fn end_reused(app: &App, session: &Session, generation: i64) -> Result<(), SessionError> {
    let ended = Ended { at: app.clock.now(), reason: EndReason::RefreshReused };
    let actor = Actor::System("session");
    transact!(&app.mongo, "session.end_reused", SessionError, |tx| {
        if store::end_in_tx(app, tx, session.id, ended).await? {
            let details = doc! {
                "account_id": session.account_id.to_string(),
                "generation": generation,
                "current": session.refresh.generation,
            };
            let subject = session.id.to_string();
            let entry = NewAudit { actor: &actor, action: "session.refresh_reused", subject, details };
            audit::record_in_tx(app, tx, entry).await?;
        }
        Ok(())
    })?;
    app.sessions.forget(session.id).await;
    warn!(
        account.id = %session.account_id,
        session.id = %session.id,
        "a used refresh token came back; the session was ended"
    );
    Ok(())
}

/// Who an access token speaks for, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person, with the roles they hold now.
    pub actor: Actor,
    /// When the token expires: a subscription ends then.
    pub expires_at: Timestamp,
    /// The language the person chose.
    pub lang: Lang,
}

/// Who asks, by their access token.
///
/// # Errors
/// The token is not ours, has expired, its session has ended, or database failure.
pub async fn identify(app: &App, access_token: &str) -> Result<Actor, SessionError> {
    Ok(identify_with_expiry(app, access_token).await?.actor)
}

/// Who asks, until when, and in which language; subscriptions ask again now and then.
///
/// # Errors
/// The token is not ours, has expired, its session has ended, or database failure.
pub async fn identify_with_expiry(app: &App, access_token: &str) -> Result<Identity, SessionError> {
    let now = app.clock.now();
    let access = token::check_access(&app.keys, access_token, now)?;
    let load = async { Ok(store::find(app, access.session_id).await?) };
    let session = app
        .sessions
        .get_or_load(access.session_id, load)
        .await?
        .filter(|session| session.account_id == access.account_id && session.alive(now))
        .ok_or(SessionError::TokenInvalid)?;
    let account = account::get(app, access.account_id).await?;
    let actor = Actor::Person(Person {
        account_id: account.id,
        session_id: session.id,
        ops: account.ops,
        courier_id: account.courier_id,
        staff: account.memberships.clone(),
    });
    Ok(Identity { actor, expires_at: access.expires_at, lang: account.lang })
}

/// Signs out: ends the session the request came with.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn end(app: &App, actor: &Actor) -> Result<SessionId, SessionError> {
    let id = actor.person()?.session_id;
    store::end(app, id, Ended { at: app.clock.now(), reason: EndReason::SignedOut }).await?;
    app.sessions.forget(id).await;
    Ok(id)
}

/// Ends another session of the same person; one that has ended already is a success without effect.
///
/// # Errors
/// Not signed in, no such session of this person, or database failure.
pub async fn revoke(app: &App, actor: &Actor, id: SessionId) -> Result<Session, SessionError> {
    let person = actor.person()?;
    let mine = |session: &Session| session.account_id == person.account_id;
    store::find(app, id).await?.filter(mine).ok_or(SessionError::SessionNotFound)?;
    store::end(app, id, Ended { at: app.clock.now(), reason: EndReason::Revoked }).await?;
    app.sessions.forget(id).await;
    store::find(app, id).await?.ok_or(SessionError::SessionNotFound)
}

/// The devices a person is signed in on, newest first; at most [`MAX_SESSIONS`].
///
/// # Errors
/// Not signed in, or database failure.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Session>, SessionError> {
    let account_id = actor.person()?.account_id;
    Ok(store::alive_of(app, account_id, app.clock.now(), MAX_SESSIONS).await?)
}

async fn tokens_of(app: &App, session: &Session, now: Timestamp) -> Result<Tokens, SessionError> {
    let account = account::get(app, session.account_id).await?;
    tokens(app, Arc::unwrap_or_clone(account), session, now)
}

fn tokens(app: &App, account: Account, session: &Session, now: Timestamp) -> Result<Tokens, SessionError> {
    let life = shown(&app.clock, ACCESS_LIFE);
    let (access_token, access_expires_at) = token::sign_access(&app.keys, account.id, session.id, now, life)?;
    let RefreshState { generation, nonce } = &session.refresh;
    Ok(Tokens {
        session_id: session.id,
        access_token,
        access_expires_at,
        refresh_token: token::sign_refresh(&app.keys, session.id, *generation, nonce),
        refresh_expires_at: session.expires_at,
        account,
    })
}

fn hidden_phone(app: &App, phone: &Phone) -> String {
    hex::encode(mac(app.keys.phone_key(), &[phone.as_str().as_bytes()]))
}

fn code_mac(app: &App, phone: &Phone, code: &OneTimeCode) -> String {
    hex::encode(mac(app.keys.code_key(), &[phone.as_str().as_bytes(), code.as_str().as_bytes()]))
}
