//! Deliveries by order.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::delivery::{self, Delivery};
use daraa_domain::ids::OrderId;

use crate::graphql::error::ApiError;

/// Loads the deliveries of orders; who may see the order may see its delivery.
#[derive(Debug)]
pub struct OrderDeliveryLoader(pub Arc<App>);

impl Loader<OrderId> for OrderDeliveryLoader {
    type Value = Arc<Delivery>;
    type Error = ApiError;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Arc<Delivery>>, ApiError> {
        let found = delivery::of_orders(&self.0, ids).await?;
        Ok(found
            .into_iter()
            .map(Arc::new)
            .flat_map(|d| d.order_ids.clone().into_iter().map(move |id| (id, Arc::clone(&d))))
            .collect())
    }
}
