//! Questions about deliveries and offers.

use async_graphql::{Context, ID, Object};
use daraa_domain::delivery::{self, DeliveryError, DeliveryStatus, offer};

use super::types::{DeliveryObject, OfferObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Questions about deliveries and offers.
#[derive(Debug, Default)]
pub struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// A delivery, for its customer, its store's staff, its courier and ops; null for everybody else.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `dlv_…`.")] id: ID,
    ) -> Result<Option<DeliveryObject>, ApiError> {
        let outcome = async {
            delivery::get_for(ctx.app(), ctx.actor(), id.parse().map_err(DeliveryError::from)?).await
        }
        .await;
        Ok(found(outcome)?.map(DeliveryObject::from))
    }

    /// The offers you can answer now, newest first.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn my_offers(&self, ctx: &Context<'_>) -> Result<Vec<OfferObject>, ApiError> {
        let offers = offer::live_of(ctx.app(), ctx.actor()).await?;
        Ok(offers.into_iter().map(OfferObject::from).collect())
    }

    /// The deliveries you bring or brought, newest first.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn my_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those you have now.", default)] active: bool,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<DeliveryObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let statuses = if active { DeliveryStatus::WITH_COURIER } else { &[] };
        let page = delivery::mine(ctx.app(), ctx.actor(), statuses, &page).await?;
        Ok(connection(page, DeliveryObject::from))
    }

    /// All deliveries, newest first.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support]))]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that stand here.")] statuses: Option<Vec<DeliveryStatus>>,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<DeliveryObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let statuses = statuses.unwrap_or_default();
        let page = delivery::list(ctx.app(), ctx.actor(), &statuses, &page).await?;
        Ok(connection(page, DeliveryObject::from))
    }
}
