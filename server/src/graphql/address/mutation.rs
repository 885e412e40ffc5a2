//! Changes of saved addresses.

use async_graphql::{Context, Object};
use daraa_domain::address;

use super::types::{
    AddressCreateInput, AddressCreatePayload, AddressDeleteInput, AddressDeletePayload, AddressObject,
    AddressUpdateInput, AddressUpdatePayload,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of saved addresses.
#[derive(Debug, Default)]
pub struct AddressMutation;

#[Object]
impl AddressMutation {
    /// Saves an address of the signed-in person.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn address_create(
        &self,
        ctx: &Context<'_>,
        input: AddressCreateInput,
    ) -> Result<AddressCreatePayload, ApiError> {
        let outcome = async { address::create(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        AddressCreatePayload::answer(ctx, outcome.map(AddressObject))
    }

    /// Changes one's own address; orders keep the copy they were placed with.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn address_update(
        &self,
        ctx: &Context<'_>,
        input: AddressUpdateInput,
    ) -> Result<AddressUpdatePayload, ApiError> {
        let outcome = async { address::update(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        AddressUpdatePayload::answer(ctx, outcome.map(AddressObject))
    }

    /// Forgets one's own address; orders keep the copy they were placed with.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn address_delete(
        &self,
        ctx: &Context<'_>,
        input: AddressDeleteInput,
    ) -> Result<AddressDeletePayload, ApiError> {
        let outcome = async { address::delete(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        AddressDeletePayload::answer(ctx, outcome.map(|id| id.to_string().into()))
    }
}
