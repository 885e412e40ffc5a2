//! Questions about couriers.

use async_graphql::{Context, Object};
use daraa_domain::courier::{self, CourierError, CourierStatus};

use super::types::CourierObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Questions about couriers.
#[derive(Debug, Default)]
pub struct CourierQuery;

#[Object]
impl CourierQuery {
    /// The courier you are; null when you never applied.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_courier(&self, ctx: &Context<'_>) -> Result<Option<CourierObject>, ApiError> {
        match courier::mine(ctx.app(), ctx.actor()).await {
            Err(CourierError::NotACourier) => Ok(None),
            other => Ok(Some(other?.into())),
        }
    }

    /// All couriers, newest first.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support, Role::Finance]))]
    async fn couriers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those who stand here.")] status: Option<CourierStatus>,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<CourierObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        Ok(connection(courier::list(ctx.app(), ctx.actor(), status, &page).await?, CourierObject::from))
    }
}
