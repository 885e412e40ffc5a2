//! Making quotes.

use async_graphql::{Context, Object};
use daraa_domain::pricing;

use super::types::{QuoteCreateInput, QuoteCreatePayload, QuoteObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Making quotes.
#[derive(Debug, Default)]
pub struct PricingMutation;

#[Object]
impl PricingMutation {
    /// Prices your cart, every line with its rule; the quote holds until it expires.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn quote_create(
        &self,
        ctx: &Context<'_>,
        input: QuoteCreateInput,
    ) -> Result<QuoteCreatePayload, ApiError> {
        let outcome = async { pricing::create(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        QuoteCreatePayload::answer(ctx, outcome.map(QuoteObject::from))
    }
}
