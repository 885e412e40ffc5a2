//! Sessions, tokens and their inputs.

use std::net::IpAddr;

use async_graphql::{Context, ID, InputObject, Object};
use daraa_domain::account::{PersonName, Phone};
use daraa_domain::ids::SessionId;
use daraa_domain::session::{
    DeviceName, EndReason, OneTimeCode, Session, SessionError, SessionErrorCode, StartSession, Tokens,
};
use daraa_platform::fault::Lang;
use daraa_platform::time::Timestamp;

use crate::graphql::account::AccountObject;
use crate::graphql::context::Ctx as _;

crate::user_errors!(
    /// What was wrong with a request about signing in.
    SessionUserError, SessionError, SessionErrorCode
);

/// A signed-in device.
#[derive(Debug, Clone)]
pub struct SessionObject(pub Session);

/// A device a person is, or was, signed in on.
#[Object(name = "Session")]
impl SessionObject {
    /// The id, `ses_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What the device calls itself; null when it did not say.
    async fn device_name(&self) -> Option<&str> {
        self.0.device_name.as_deref()
    }

    /// When the person signed in.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When the device last refreshed its tokens.
    async fn refreshed_at(&self) -> Timestamp {
        self.0.refreshed_at
    }

    /// When the session ends unless it is refreshed, or when it ended.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Why it ended; null while it is alive.
    async fn end_reason(&self) -> Option<EndReason> {
        self.0.ended.map(|ended| ended.reason)
    }

    /// Whether this request came with this session.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        ctx.actor().person().is_ok_and(|person| person.session_id == self.0.id)
    }
}

/// What a signed-in device is given.
#[derive(Debug, Clone)]
pub struct TokensObject(pub Tokens);

impl From<Tokens> for TokensObject {
    fn from(tokens: Tokens) -> Self {
        Self(tokens)
    }
}

/// What a signed-in device is given. Tokens are secrets: keep them out of logs and addresses.
#[Object(name = "SessionTokens")]
impl TokensObject {
    /// The session, `ses_…`.
    async fn session_id(&self) -> ID {
        self.0.session_id.to_string().into()
    }

    /// Goes with every request as `Authorization: Bearer …`; accepted for 15 minutes.
    async fn access_token(&self) -> &str {
        &self.0.access_token
    }

    /// Until when the access token is accepted.
    async fn access_expires_at(&self) -> Timestamp {
        self.0.access_expires_at
    }

    /// Exchanged once for the next tokens by `sessionRefresh`. Used again later it ends the session.
    async fn refresh_token(&self) -> &str {
        &self.0.refresh_token
    }

    /// Until when the refresh token is accepted.
    async fn refresh_expires_at(&self) -> Timestamp {
        self.0.refresh_expires_at
    }

    /// The signed-in person.
    async fn account(&self) -> AccountObject {
        self.0.account.clone().into()
    }
}

/// Asks for a one-time code.
#[derive(InputObject)]
pub struct CodeRequestInput {
    /// Where the code is sent: E.164, or a Syrian local number such as 0944123456.
    pub phone: String,
}

crate::payload!(
    /// What `codeRequest` answers; the same for known and unknown phones.
    CodeRequestPayload, SessionError, {
        /// Until when the code can be used; null when there are `userErrors`.
        expires_at: Timestamp
    }
);

/// Signs in with a one-time code; a phone nobody has yet gets an account.
#[derive(InputObject)]
pub struct SessionStartInput {
    /// The phone the code was sent to.
    pub phone: String,
    /// The six digits.
    pub code: String,
    /// For a new account: the person's name, 1 to 80 characters.
    pub name: Option<String>,
    /// For a new account: the language of messages; that of `Accept-Language` when left out.
    pub lang: Option<Lang>,
    /// What the device calls itself, 1 to 80 characters.
    pub device_name: Option<String>,
}

impl SessionStartInput {
    pub(super) fn parse(self, ip: IpAddr, lang: Lang) -> Result<StartSession, SessionError> {
        Ok(StartSession {
            ip,
            phone: Phone::parse(&self.phone)?,
            code: OneTimeCode::parse(&self.code)?,
            name: self.name.as_deref().map(PersonName::parse).transpose()?,
            lang: self.lang.unwrap_or(lang),
            device_name: self.device_name.as_deref().map(DeviceName::parse).transpose()?,
        })
    }
}

crate::payload!(
    /// What `sessionStart` answers.
    SessionStartPayload, SessionError, {
        /// The tokens of the device; null when there are `userErrors`.
        session: TokensObject
    }
);

/// Exchanges a refresh token.
#[derive(InputObject)]
pub struct SessionRefreshInput {
    /// The refresh token given last.
    pub refresh_token: String,
}

crate::payload!(
    /// What `sessionRefresh` answers.
    SessionRefreshPayload, SessionError, {
        /// The next tokens of the device; null when there are `userErrors`.
        session: TokensObject
    }
);

crate::payload!(
    /// What `sessionEnd` answers.
    SessionEndPayload, SessionError, {
        /// The session that ended, `ses_…`.
        session_id: ID
    }
);

/// Ends a session on another device.
#[derive(Debug, InputObject)]
pub struct SessionRevokeInput {
    /// Which, `ses_…`.
    pub session_id: ID,
}

impl SessionRevokeInput {
    pub(super) fn parse(&self) -> Result<SessionId, SessionError> {
        Ok(self.session_id.parse()?)
    }
}

crate::payload!(
    /// What `sessionRevoke` answers.
    SessionRevokePayload, SessionError, {
        /// The ended session; null when there are `userErrors`.
        session: SessionObject
    }
);
