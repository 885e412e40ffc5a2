//! My addresses.

use async_graphql::{Context, Object};
use daraa_domain::address;

use super::types::AddressObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Queries about addresses.
#[derive(Debug, Default)]
pub struct AddressQuery;

#[Object]
impl AddressQuery {
    /// The saved addresses of the signed-in person, newest first; at most 50.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_addresses(&self, ctx: &Context<'_>) -> Result<Vec<AddressObject>, ApiError> {
        let addresses = address::list(ctx.app(), ctx.actor()).await?;
        Ok(addresses.into_iter().map(AddressObject).collect())
    }
}
