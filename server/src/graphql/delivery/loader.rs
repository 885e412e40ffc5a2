//! Deliveries by their own id and by order, offers by id.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::delivery::offer::{self, CourierOffer};
use daraa_domain::delivery::{self, Delivery};
use daraa_domain::ids::{DeliveryId, OfferId, OrderId};

use crate::graphql::error::ApiError;

/// Loads deliveries by id; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct DeliveryLoader(pub Arc<App>);

impl Loader<DeliveryId> for DeliveryLoader {
    type Value = Arc<Delivery>;
    type Error = ApiError;

    async fn load(&self, ids: &[DeliveryId]) -> Result<HashMap<DeliveryId, Arc<Delivery>>, ApiError> {
        let found = delivery::get_many(&self.0, ids).await?;
        Ok(found.into_iter().map(|delivery| (delivery.id, Arc::new(delivery))).collect())
    }
}

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

/// Loads offers by id; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct OfferLoader(pub Arc<App>);

impl Loader<OfferId> for OfferLoader {
    type Value = Arc<CourierOffer>;
    type Error = ApiError;

    async fn load(&self, ids: &[OfferId]) -> Result<HashMap<OfferId, Arc<CourierOffer>>, ApiError> {
        let found = offer::get_many(&self.0, ids).await?;
        Ok(found.into_iter().map(|offer| (offer.id, Arc::new(offer))).collect())
    }
}
