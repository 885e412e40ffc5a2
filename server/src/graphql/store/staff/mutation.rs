//! Changes of staff.

use async_graphql::{Context, Object};
use daraa_domain::ids::AccountId;
use daraa_domain::store::staff;

use super::types::{
    InvitationObject, StoreInvitationAcceptInput, StoreInvitationAcceptPayload, StoreInvitationRevokeInput,
    StoreInvitationRevokePayload, StoreStaffInviteInput, StoreStaffInvitePayload, StoreStaffRemoveInput,
    StoreStaffRemovePayload,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of staff.
#[derive(Debug, Default)]
pub struct StaffMutation;

#[Object]
impl StaffMutation {
    /// Invites the person behind a number to work for a store (owner); open for 7 days.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_staff_invite(
        &self,
        ctx: &Context<'_>,
        input: StoreStaffInviteInput,
    ) -> Result<StoreStaffInvitePayload, ApiError> {
        let outcome = async { staff::invite(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        StoreStaffInvitePayload::answer(ctx, outcome.map(InvitationObject))
    }

    /// Takes an invitation for your number; you work for the store from then on.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn store_invitation_accept(
        &self,
        ctx: &Context<'_>,
        input: StoreInvitationAcceptInput,
    ) -> Result<StoreInvitationAcceptPayload, ApiError> {
        let outcome =
            async { staff::accept(ctx.app(), ctx.actor(), input.invitation_id.parse()?).await }.await;
        StoreInvitationAcceptPayload::answer(ctx, outcome.map(InvitationObject))
    }

    /// Takes an open invitation back (owner).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_invitation_revoke(
        &self,
        ctx: &Context<'_>,
        input: StoreInvitationRevokeInput,
    ) -> Result<StoreInvitationRevokePayload, ApiError> {
        let outcome =
            async { staff::revoke(ctx.app(), ctx.actor(), input.invitation_id.parse()?).await }.await;
        StoreInvitationRevokePayload::answer(ctx, outcome.map(InvitationObject))
    }

    /// Ends somebody's work for a store: owners anybody's, everybody their own. The last owner stays.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_staff_remove(
        &self,
        ctx: &Context<'_>,
        input: StoreStaffRemoveInput,
    ) -> Result<StoreStaffRemovePayload, ApiError> {
        let outcome = async {
            let account_id: AccountId = input.account_id.parse()?;
            staff::remove(ctx.app(), ctx.actor(), input.store_id.parse()?, account_id).await?;
            Ok(account_id.to_string().into())
        }
        .await;
        StoreStaffRemovePayload::answer(ctx, outcome)
    }
}
