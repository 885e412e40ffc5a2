//! Use cases of menus.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::CatalogError;
use super::model::{Product, ProductStatus, Variant, VariantStatus};
use super::stock::{self, StockLevel};
use super::store;
use crate::app::App;
use crate::ids::{ProductId, VariantId};

/// A variant as it is right now: its product, its price, how much is left.
#[derive(Debug, Clone)]
pub struct FreshVariant {
    /// Its product.
    pub product: Arc<Product>,
    /// The variant.
    pub variant: Variant,
    /// How much can be bought.
    pub stock: StockLevel,
}

impl FreshVariant {
    /// Whether it is for sale at all, whatever its stock.
    #[must_use]
    pub fn on_sale(&self) -> bool {
        self.product.status == ProductStatus::Published && self.variant.status == VariantStatus::Available
    }
}

/// One product in any status; the caller decides who may see it.
///
/// # Errors
/// [`CatalogError::ProductNotFound`], or database failure.
pub async fn get(app: &App, id: ProductId) -> Result<Arc<Product>, CatalogError> {
    get_many(app, &[id]).await?.remove(&id).ok_or(CatalogError::ProductNotFound)
}

/// Many products at once; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn get_many(
    app: &App,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, Arc<Product>>, CatalogError> {
    let found = store::get_many(app, ids).await?;
    Ok(found.into_iter().map(|(id, product)| (id, Arc::new(product))).collect())
}

/// The products of variants, fresh from the primary, without stock; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn variants(
    app: &App,
    ids: &[VariantId],
) -> Result<HashMap<VariantId, (Arc<Product>, Variant)>, CatalogError> {
    let mut out = HashMap::with_capacity(ids.len());
    for product in store::of_variants(app, ids).await? {
        let product = Arc::new(product);
        for variant in product.variants.iter().filter(|v| ids.contains(&v.id)) {
            out.insert(variant.id, (Arc::clone(&product), variant.clone()));
        }
    }
    Ok(out)
}

/// Variants with price and stock as they are right now, fresh from the primary, in the order asked for; what does
/// not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn fresh_variants(app: &App, ids: &[VariantId]) -> Result<Vec<FreshVariant>, CatalogError> {
    let (mut products, items) = tokio::try_join!(variants(app, ids), stock::items(app, ids))?;
    Ok(ids
        .iter()
        .filter_map(|id| {
            let (product, variant) = products.remove(id)?;
            // A variant without books cannot be sold.
            let stock = items.get(id).map_or(StockLevel::Left(0), stock::StockItem::level);
            Some(FreshVariant { product, variant, stock })
        })
        .collect())
}
