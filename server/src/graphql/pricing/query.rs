//! Looking at quotes.

use async_graphql::{Context, ID, Object};
use daraa_domain::ids::QuoteId;
use daraa_domain::pricing;

use super::types::QuoteObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};

/// Looking at quotes.
#[derive(Debug, Default)]
pub struct PricingQuery;

#[Object]
impl PricingQuery {
    /// One of your quotes.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn quote(&self, ctx: &Context<'_>, id: ID) -> Result<Option<QuoteObject>, ApiError> {
        let id: QuoteId = id.parse()?;
        Ok(found(pricing::get_for(ctx.app(), ctx.actor(), id).await)?.map(QuoteObject::from))
    }
}
