//! Reading reviews.

use async_graphql::{Context, ID, Object};
use daraa_domain::review::{self, ReviewError};

use super::types::ReviewObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Reading reviews.
#[derive(Debug, Default)]
pub struct ReviewQuery;

#[Object]
impl ReviewQuery {
    /// The reviews of a store, newest first. Hidden ones are shown only to its staff and to ops.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn store_reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The store, `sto_…`.")] store_id: ID,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<ReviewObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let store_id = store_id.parse().map_err(ReviewError::from)?;
        let found = review::of_store(ctx.app(), ctx.actor(), store_id, &page).await?;
        Ok(connection(found, ReviewObject::from))
    }
}
