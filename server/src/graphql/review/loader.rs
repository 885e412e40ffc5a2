//! Reviews by order, ratings by courier.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::ids::{CourierId, OrderId};
use daraa_domain::review::{self, Review};
use daraa_domain::store::Rating;

use super::types::ReviewObject;
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::store::RatingObject;

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

/// Loads the ratings of couriers; nothing for who has none.
#[derive(Debug)]
pub struct CourierRatingLoader(pub Arc<App>);

impl Loader<CourierId> for CourierRatingLoader {
    type Value = Rating;
    type Error = ApiError;

    async fn load(&self, ids: &[CourierId]) -> Result<HashMap<CourierId, Rating>, ApiError> {
        Ok(review::ratings(&self.0, ids).await?)
    }
}

/// The rating of a courier.
///
/// # Errors
/// Database failure.
pub async fn of_courier(ctx: &Context<'_>, id: CourierId) -> Result<RatingObject, ApiError> {
    Ok(RatingObject(ctx.loader::<CourierRatingLoader, _>().load_one(id).await?.unwrap_or_default()))
}

/// The review of an order, for objects whose viewer may see the order.
///
/// # Errors
/// Database failure.
pub async fn of_order(ctx: &Context<'_>, order_id: OrderId) -> Result<Option<ReviewObject>, ApiError> {
    Ok(ctx.loader::<OrderReviewLoader, _>().load_one(order_id).await?.map(ReviewObject))
}
