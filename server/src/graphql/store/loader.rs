//! Stores and categories by id.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use daraa_domain::app::App;
use daraa_domain::ids::{StoreCategoryId, StoreId};
use daraa_domain::store::category::{self, StoreCategory};
use daraa_domain::store::{self, Store};

use crate::graphql::error::ApiError;

/// Loads stores in any status; who may see which, the asking object has decided.
#[derive(Debug)]
pub struct StoreLoader(pub Arc<App>);

impl Loader<StoreId> for StoreLoader {
    type Value = Arc<Store>;
    type Error = ApiError;

    async fn load(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arc<Store>>, ApiError> {
        Ok(store::get_many(&self.0, ids).await?)
    }
}

/// Loads categories; everybody may see them.
#[derive(Debug)]
pub struct CategoryLoader(pub Arc<App>);

impl Loader<StoreCategoryId> for CategoryLoader {
    type Value = StoreCategory;
    type Error = ApiError;

    async fn load(
        &self,
        ids: &[StoreCategoryId],
    ) -> Result<HashMap<StoreCategoryId, StoreCategory>, ApiError> {
        let tree = category::all(&self.0).await?;
        Ok(tree.iter().filter(|c| ids.contains(&c.id)).map(|c| (c.id, c.clone())).collect())
    }
}
