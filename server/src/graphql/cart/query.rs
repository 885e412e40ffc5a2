//! Looking into the cart.

use async_graphql::{Context, Object};
use daraa_domain::cart;

use super::types::{CartObject, owner};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};

/// Looking into the cart.
#[derive(Debug, Default)]
pub struct CartQuery;

#[Object]
impl CartQuery {
    /// Your cart; a guest's with its token (as argument or in the header `X-Cart-Token`), null when the token is no
    /// cart's.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn cart(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of a guest's cart.")] guest_token: Option<String>,
    ) -> Result<Option<CartObject>, ApiError> {
        let owner = owner(ctx, guest_token.as_deref())?;
        Ok(found(cart::get(ctx.app(), &owner).await)?.map(CartObject::from))
    }
}
