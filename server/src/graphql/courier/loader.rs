//! Couriers by id.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::courier::{self, Courier};
use daraa_domain::ids::CourierId;

use crate::graphql::error::ApiError;

/// Loads couriers; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct CourierLoader(pub Arc<App>);

impl Loader<CourierId> for CourierLoader {
    type Value = Arc<Courier>;
    type Error = ApiError;

    async fn load(&self, ids: &[CourierId]) -> Result<HashMap<CourierId, Arc<Courier>>, ApiError> {
        let found = courier::get_many(&self.0, ids).await?;
        Ok(found.into_iter().map(|courier| (courier.id, Arc::new(courier))).collect())
    }
}
