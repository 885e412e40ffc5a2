//! Orders, purchases, queues.

use async_graphql::{Context, ID, Object};
use daraa_domain::ids::{OrderGroupId, OrderId, StoreId};
use daraa_domain::order::refund::{self, RefundStatus};
use daraa_domain::order::{self, OrderError, OrderFilter, OrderStatus};

use super::refund::RefundObject;
use super::types::{CancelPreviewObject, OrderGroupObject, OrderObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Queries about orders.
#[derive(Debug, Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// An order you are a party of.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Result<Option<OrderObject>, ApiError> {
        let id: OrderId = id.parse()?;
        Ok(found(order::get_for(ctx.app(), ctx.actor(), id).await)?.map(OrderObject::from))
    }

    /// One of your purchases.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order_group(&self, ctx: &Context<'_>, id: ID) -> Result<Option<OrderGroupObject>, ApiError> {
        let id: OrderGroupId = id.parse()?;
        Ok(found(order::group_for(ctx.app(), ctx.actor(), id).await)?.map(OrderGroupObject::from))
    }

    /// Your own orders, newest first.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in one of these states.")] statuses: Option<Vec<OrderStatus>>,
        #[graphql(desc = "The first so many, at most 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<OrderObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let rows = order::of_customer(ctx.app(), ctx.actor(), &filter(statuses), &page).await?;
        Ok(connection(rows, OrderObject::from))
    }

    /// A store's orders, newest first; for its staff and ops.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Support, Role::Operations, Role::Finance]))]
    async fn store_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The store, `sto_…`.")] store_id: ID,
        #[graphql(desc = "Only in one of these states.")] statuses: Option<Vec<OrderStatus>>,
        #[graphql(desc = "The first so many, at most 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<OrderObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let store_id: StoreId = store_id.parse()?;
        let rows = order::of_store(ctx.app(), ctx.actor(), store_id, &filter(statuses), &page).await?;
        Ok(connection(rows, OrderObject::from))
    }

    /// All orders, newest first; for ops.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Operations, Role::Finance]))]
    async fn ops_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in one of these states.")] statuses: Option<Vec<OrderStatus>>,
        #[graphql(desc = "The first so many, at most 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<OrderObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let rows = order::all(ctx.app(), ctx.actor(), &filter(statuses), &page).await?;
        Ok(connection(rows, OrderObject::from))
    }

    /// What cancelling would cost now; null when there is no such order for you.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order_cancel_preview(
        &self,
        ctx: &Context<'_>,
        order_id: ID,
    ) -> Result<Option<CancelPreviewObject>, ApiError> {
        let id: OrderId = order_id.parse()?;
        match order::preview_cancel(ctx.app(), ctx.actor(), id).await {
            Ok(preview) => Ok(Some(Some(preview).into())),
            Err(OrderError::InvalidTransition { .. } | OrderError::ActionNotAllowed) => Ok(Some(None.into())),
            Err(e) => found(Err(e)),
        }
    }

    /// Refunds in one state, newest first; for ops.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance]))]
    async fn refunds(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The state.")] status: RefundStatus,
        #[graphql(desc = "The first so many, at most 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<RefundObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let rows = refund::list(ctx.app(), ctx.actor(), status, &page).await?;
        Ok(connection(rows, RefundObject::from))
    }
}

fn filter(statuses: Option<Vec<OrderStatus>>) -> OrderFilter {
    OrderFilter { statuses: statuses.unwrap_or_default() }
}
