//! What a search finds.

use async_graphql::SimpleObject;
use daraa_domain::search::SearchResult;

use crate::graphql::catalog::ProductObject;
use crate::graphql::store::StoreObject;

/// What a search found: open stores first, then by distance.
#[derive(SimpleObject)]
#[graphql(name = "SearchResult")]
pub struct SearchResultObject {
    /// Stores by their names.
    pub stores: Vec<StoreObject>,
    /// Products by theirs.
    pub products: Vec<ProductObject>,
}

impl From<SearchResult> for SearchResultObject {
    fn from(found: SearchResult) -> Self {
        Self {
            stores: found.stores.into_iter().map(|found| found.store.into()).collect(),
            products: found.products.into_iter().map(|found| found.product.into()).collect(),
        }
    }
}
