//! Orders by id and by purchase, refunds by order.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::ids::{OrderGroupId, OrderId};
use daraa_domain::order::refund::{self, Refund};
use daraa_domain::order::{self, Order};

use crate::graphql::error::ApiError;

/// Loads orders by id; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct OrderLoader(pub Arc<App>);

impl Loader<OrderId> for OrderLoader {
    type Value = Arc<Order>;
    type Error = ApiError;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Arc<Order>>, ApiError> {
        let found = order::get_many_system(&self.0, ids).await?;
        Ok(found.into_iter().map(|order| (order.id, Arc::new(order))).collect())
    }
}

/// Loads the orders of purchases; who may see the purchase may see them.
#[derive(Debug)]
pub struct GroupOrdersLoader(pub Arc<App>);

impl Loader<OrderGroupId> for GroupOrdersLoader {
    type Value = Vec<Arc<Order>>;
    type Error = ApiError;

    async fn load(&self, ids: &[OrderGroupId]) -> Result<HashMap<OrderGroupId, Vec<Arc<Order>>>, ApiError> {
        let mut out: HashMap<OrderGroupId, Vec<Arc<Order>>> = HashMap::with_capacity(ids.len());
        for order in order::of_groups(&self.0, ids).await? {
            out.entry(order.group_id).or_default().push(Arc::new(order));
        }
        Ok(out)
    }
}

/// Loads the refunds of orders; who may see the order may see them.
#[derive(Debug)]
pub struct OrderRefundsLoader(pub Arc<App>);

impl Loader<OrderId> for OrderRefundsLoader {
    type Value = Vec<Refund>;
    type Error = ApiError;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Refund>>, ApiError> {
        let mut out: HashMap<OrderId, Vec<Refund>> = HashMap::with_capacity(ids.len());
        for refund in refund::of_orders(&self.0, ids).await? {
            out.entry(refund.order_id).or_default().push(refund);
        }
        Ok(out)
    }
}
