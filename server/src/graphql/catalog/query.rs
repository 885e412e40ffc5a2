//! Questions about products.

use async_graphql::{Context, ID, Object};
use daraa_domain::catalog;
use daraa_domain::ids::ProductId;

use super::types::ProductObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};

/// Questions about products.
#[derive(Debug, Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// One product; null when there is none, or it is not for you to see.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, `prd_…`.")] id: ID,
    ) -> Result<Option<ProductObject>, ApiError> {
        let outcome = async { catalog::view(ctx.app(), ctx.actor(), id.parse::<ProductId>()?).await }.await;
        found(outcome.map(ProductObject))
    }
}
