//! Changes of accounts.

use async_graphql::{Context, Object};
use daraa_domain::account;

use super::types::{AccountUpdateInput, AccountUpdatePayload, OpsRoleGrantInput, OpsRoleGrantPayload};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of accounts.
#[derive(Debug, Default)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Changes one's own name or language.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn account_update(
        &self,
        ctx: &Context<'_>,
        input: AccountUpdateInput,
    ) -> Result<AccountUpdatePayload, ApiError> {
        let outcome = async { account::update(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        AccountUpdatePayload::answer(ctx, outcome.map(Into::into))
    }

    /// Gives an ops role to the account of a phone, or takes it away; recorded in the audit log. Nobody changes their
    /// own role.
    #[graphql(directive = requires::apply(vec![Role::Admin]))]
    async fn ops_role_grant(
        &self,
        ctx: &Context<'_>,
        input: OpsRoleGrantInput,
    ) -> Result<OpsRoleGrantPayload, ApiError> {
        let outcome = async { account::grant_ops_role(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OpsRoleGrantPayload::answer(ctx, outcome.map(Into::into))
    }
}
