//! Products and stock by id.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::catalog::{self, Product, StockItem, stock};
use daraa_domain::ids::{ProductId, VariantId};

use crate::graphql::error::ApiError;

/// Loads products in any status; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct ProductLoader(pub Arc<App>);

impl Loader<ProductId> for ProductLoader {
    type Value = Arc<Product>;
    type Error = ApiError;

    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Arc<Product>>, ApiError> {
        Ok(catalog::get_many(&self.0, ids).await?)
    }
}

/// Loads the stock of variants, fresh: it is never cached.
#[derive(Debug)]
pub struct StockLoader(pub Arc<App>);

impl Loader<VariantId> for StockLoader {
    type Value = StockItem;
    type Error = ApiError;

    async fn load(&self, ids: &[VariantId]) -> Result<HashMap<VariantId, StockItem>, ApiError> {
        Ok(stock::items(&self.0, ids).await?)
    }
}
