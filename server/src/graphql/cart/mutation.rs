//! Changes of carts.

use async_graphql::{Context, Object};
use daraa_domain::cart;

use super::types::{
    CartClearInput, CartClearPayload, CartCreateGuestPayload, CartLineAddInput, CartLineAddPayload,
    CartLineRemoveInput, CartLineRemovePayload, CartLineUpdateInput, CartLineUpdatePayload, CartMergeInput,
    CartMergePayload, CartObject, owner,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of carts.
#[derive(Debug, Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Makes a cart for a guest; whoever holds its token may use it.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart_create_guest(&self, ctx: &Context<'_>) -> Result<CartCreateGuestPayload, ApiError> {
        CartCreateGuestPayload::answer(ctx, cart::create_guest(ctx.app()).await)
    }

    /// Puts something into the cart; the same with the same choices joins the line there is.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart_line_add(
        &self,
        ctx: &Context<'_>,
        input: CartLineAddInput,
    ) -> Result<CartLineAddPayload, ApiError> {
        let owner = owner(ctx, input.guest_token.as_deref())?;
        let outcome = async { cart::add_line(ctx.app(), &owner, input.parse()?).await }.await;
        CartLineAddPayload::answer(ctx, outcome.map(CartObject::from))
    }

    /// Changes how many there are of a line, and accepts its price of today.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart_line_update(
        &self,
        ctx: &Context<'_>,
        input: CartLineUpdateInput,
    ) -> Result<CartLineUpdatePayload, ApiError> {
        let owner = owner(ctx, input.guest_token.as_deref())?;
        let change = async {
            let line_id = input.line_id.parse()?;
            cart::update_line(ctx.app(), &owner, line_id, i64::from(input.quantity)).await
        };
        CartLineUpdatePayload::answer(ctx, change.await.map(CartObject::from))
    }

    /// Takes a line out.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart_line_remove(
        &self,
        ctx: &Context<'_>,
        input: CartLineRemoveInput,
    ) -> Result<CartLineRemovePayload, ApiError> {
        let owner = owner(ctx, input.guest_token.as_deref())?;
        let outcome = async { cart::remove_line(ctx.app(), &owner, input.line_id.parse()?).await }.await;
        CartLineRemovePayload::answer(ctx, outcome.map(CartObject::from))
    }

    /// Empties the cart.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart_clear(
        &self,
        ctx: &Context<'_>,
        input: CartClearInput,
    ) -> Result<CartClearPayload, ApiError> {
        let owner = owner(ctx, input.guest_token.as_deref())?;
        CartClearPayload::answer(ctx, cart::clear(ctx.app(), &owner).await.map(CartObject::from))
    }

    /// Moves a guest's lines into your cart; the guest's cart is gone afterwards.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn cart_merge(
        &self,
        ctx: &Context<'_>,
        input: CartMergeInput,
    ) -> Result<CartMergePayload, ApiError> {
        let outcome = cart::merge(ctx.app(), ctx.actor(), &input.guest_token).await;
        CartMergePayload::answer(ctx, outcome.map(CartObject::from))
    }
}
