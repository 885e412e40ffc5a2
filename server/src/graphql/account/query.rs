//! Who I am.

use async_graphql::{Context, Object};
use daraa_domain::account;

use super::types::AccountObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Queries about accounts.
#[derive(Debug, Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// The signed-in person.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn me(&self, ctx: &Context<'_>) -> Result<AccountObject, ApiError> {
        let id = ctx.actor().person().map_err(daraa_platform::fault::Infra::from)?.account_id;
        Ok(AccountObject(account::get(ctx.app(), id).await?))
    }
}
