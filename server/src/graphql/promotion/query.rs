//! Questions about coupons.

use async_graphql::{Context, ID, Object};
use daraa_domain::promotion::{self, PromotionError};

use super::types::CouponObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Questions about coupons.
#[derive(Debug, Default)]
pub struct PromotionQuery;

#[Object]
impl PromotionQuery {
    /// The coupons of a store (for its managers and ops), or the platform's own (for ops), newest first.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations, Role::Finance, Role::Support]))]
    async fn coupons(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The store, `sto_…`; the platform's own coupons when left out.")] store_id: Option<
            ID,
        >,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<CouponObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let store_id = store_id.map(|id| id.parse()).transpose().map_err(PromotionError::from)?;
        let found = promotion::list(ctx.app(), ctx.actor(), store_id, &page).await?;
        Ok(connection(found, CouponObject))
    }
}
