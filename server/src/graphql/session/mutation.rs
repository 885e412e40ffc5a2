//! Signing in and out.

use async_graphql::{Context, Object};
use daraa_domain::account::Phone;
use daraa_domain::session;

use super::types::{
    CodeRequestInput, CodeRequestPayload, SessionEndPayload, SessionObject, SessionRefreshInput,
    SessionRefreshPayload, SessionRevokeInput, SessionRevokePayload, SessionStartInput, SessionStartPayload,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Signing in and out.
#[derive(Debug, Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Sends a one-time code to a phone, valid for 5 minutes and 5 tries. At most 5 in 5 minutes per phone and per
    /// address.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn code_request(
        &self,
        ctx: &Context<'_>,
        input: CodeRequestInput,
    ) -> Result<CodeRequestPayload, ApiError> {
        let caller = ctx.caller();
        let outcome = async {
            let phone = Phone::parse(&input.phone)?;
            session::request_code(ctx.app(), caller.address, &phone, caller.lang).await
        }
        .await;
        CodeRequestPayload::answer(ctx, outcome.map(|requested| requested.expires_at))
    }

    /// Signs in with a one-time code. A phone nobody has yet gets an account: at most 3 an hour per address.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn session_start(
        &self,
        ctx: &Context<'_>,
        input: SessionStartInput,
    ) -> Result<SessionStartPayload, ApiError> {
        let caller = ctx.caller();
        let outcome =
            async { session::start(ctx.app(), input.parse(caller.address, caller.lang)?).await }.await;
        SessionStartPayload::answer(ctx, outcome.map(Into::into))
    }

    /// Exchanges a refresh token for the next tokens. A lost answer may be asked for again for 10 seconds; a used token
    /// that comes back later ends the session.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn session_refresh(
        &self,
        ctx: &Context<'_>,
        input: SessionRefreshInput,
    ) -> Result<SessionRefreshPayload, ApiError> {
        let outcome = session::refresh(ctx.app(), &input.refresh_token).await;
        SessionRefreshPayload::answer(ctx, outcome.map(Into::into))
    }

    /// Signs out on this device.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn session_end(&self, ctx: &Context<'_>) -> Result<SessionEndPayload, ApiError> {
        let outcome = session::end(ctx.app(), ctx.actor()).await;
        SessionEndPayload::answer(ctx, outcome.map(|id| id.to_string().into()))
    }

    /// Signs out on another device of the same person.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        input: SessionRevokeInput,
    ) -> Result<SessionRevokePayload, ApiError> {
        let outcome = async { session::revoke(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        SessionRevokePayload::answer(ctx, outcome.map(SessionObject))
    }
}
