//! What a search finds.

use async_graphql::SimpleObject;
use daraa_domain::search::{FoundProduct, FoundStore, SearchResult};

use crate::graphql::catalog::ProductObject;
use crate::graphql::scalars::BigInt;
use crate::graphql::store::StoreObject;

/// A store that was found.
#[derive(SimpleObject)]
#[graphql(name = "FoundStore")]
pub struct FoundStoreObject {
    /// The store.
    pub store: StoreObject,
    /// How far it is, metres as the crow flies; null when no place was named.
    pub distance_m: Option<BigInt>,
    /// Takes orders now.
    pub open: bool,
}

impl From<FoundStore> for FoundStoreObject {
    fn from(found: FoundStore) -> Self {
        Self {
            store: found.store.into(),
            distance_m: found.distance_m.map(BigInt),
            open: found.open,
        }
    }
}

/// A product that was found.
#[derive(SimpleObject)]
#[graphql(name = "FoundProduct")]
pub struct FoundProductObject {
    /// The product.
    pub product: ProductObject,
    /// Who sells it.
    pub store: StoreObject,
    /// How far the store is, metres as the crow flies; null when no place was named.
    pub distance_m: Option<BigInt>,
    /// The store takes orders now.
    pub open: bool,
}

impl From<FoundProduct> for FoundProductObject {
    fn from(found: FoundProduct) -> Self {
        Self {
            product: found.product.into(),
            store: found.at.store.into(),
            distance_m: found.at.distance_m.map(BigInt),
            open: found.at.open,
        }
    }
}

/// What a search found: open stores first, then by distance.
#[derive(SimpleObject)]
#[graphql(name = "SearchResult")]
pub struct SearchResultObject {
    /// Stores by their names.
    pub stores: Vec<FoundStoreObject>,
    /// Products by theirs.
    pub products: Vec<FoundProductObject>,
}

impl From<SearchResult> for SearchResultObject {
    fn from(found: SearchResult) -> Self {
        Self {
            stores: found.stores.into_iter().map(Into::into).collect(),
            products: found.products.into_iter().map(Into::into).collect(),
        }
    }
}
