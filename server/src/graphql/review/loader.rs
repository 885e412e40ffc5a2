//! Reviews by order.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::ids::OrderId;
use daraa_domain::review::{self, Review};

use super::types::ReviewObject;
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Loads the reviews of orders; who may see the order, the asking object has decided.
#[derive(Debug)]
pub struct OrderReviewLoader(pub Arc<App>);

impl Loader<OrderId> for OrderReviewLoader {
    type Value = Arc<Review>;
    type Error = ApiError;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Arc<Review>>, ApiError> {
        let found = review::of_orders(&self.0, ids).await?;
        Ok(found.into_iter().map(|(id, review)| (id, Arc::new(review))).collect())
    }
}

/// The review of an order, for objects whose viewer may see the order.
///
/// # Errors
/// Database failure.
pub async fn of_order(ctx: &Context<'_>, order_id: OrderId) -> Result<Option<ReviewObject>, ApiError> {
    Ok(ctx.loader::<OrderReviewLoader, _>().load_one(order_id).await?.map(ReviewObject))
}
