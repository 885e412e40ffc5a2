//! Questions about staff.

use async_graphql::{Context, ID, Object};
use daraa_domain::store::{StoreError, staff};

use super::types::{InvitationObject, StaffObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Questions about staff.
#[derive(Debug, Default)]
pub struct StaffQuery;

#[Object]
impl StaffQuery {
    /// The people of a store, at most 100.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations, Role::Support]))]
    async fn store_staff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which store, `sto_…`.")] store_id: ID,
    ) -> Result<Vec<StaffObject>, ApiError> {
        let id = store_id.parse().map_err(StoreError::from)?;
        Ok(staff::list(ctx.app(), ctx.actor(), id).await?.into_iter().map(StaffObject).collect())
    }

    /// The open invitations of a store (owner), at most 100.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which store, `sto_…`.")] store_id: ID,
    ) -> Result<Vec<InvitationObject>, ApiError> {
        let id = store_id.parse().map_err(StoreError::from)?;
        let open = staff::invitations(ctx.app(), ctx.actor(), id).await?;
        Ok(open.into_iter().map(InvitationObject).collect())
    }

    /// The open invitations for your number, at most 100.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_invitations(&self, ctx: &Context<'_>) -> Result<Vec<InvitationObject>, ApiError> {
        let open = staff::my_invitations(ctx.app(), ctx.actor()).await?;
        Ok(open.into_iter().map(InvitationObject).collect())
    }
}
