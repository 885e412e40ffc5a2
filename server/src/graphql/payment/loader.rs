//! Payments by purchase.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::ids::OrderGroupId;
use daraa_domain::payment::{self, PaymentIntent};

use super::types::PaymentObject;
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Loads the payments of purchases; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct GroupPaymentLoader(pub Arc<App>);

impl Loader<OrderGroupId> for GroupPaymentLoader {
    type Value = Arc<PaymentIntent>;
    type Error = ApiError;

    async fn load(
        &self,
        ids: &[OrderGroupId],
    ) -> Result<HashMap<OrderGroupId, Arc<PaymentIntent>>, ApiError> {
        let found = payment::of_groups(&self.0, ids).await?;
        Ok(found.into_iter().map(|payment| (payment.group_id, Arc::new(payment))).collect())
    }
}

/// The payment of a purchase, for objects whose viewer may see it.
///
/// # Errors
/// Database failure.
pub async fn of_group(ctx: &Context<'_>, group_id: OrderGroupId) -> Result<Option<PaymentObject>, ApiError> {
    Ok(ctx.loader::<GroupPaymentLoader, _>().load_one(group_id).await?.map(PaymentObject))
}
