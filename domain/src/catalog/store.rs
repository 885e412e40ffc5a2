//! The collections of the menu.

use std::collections::{BTreeSet, HashMap};

use daraa_platform::mongo::{DbError, MAX_ROWS};
use mongodb::bson::{Bson, Document, doc};

use super::model::{PRODUCTS, Product};
use crate::app::App;
use crate::ids::{ProductId, VariantId};

pub(super) async fn get_many(app: &App, ids: &[ProductId]) -> Result<HashMap<ProductId, Product>, DbError> {
    let wanted: Vec<Bson> = ids.iter().map(|id| Bson::from(*id)).collect();
    let filter = doc! { "_id": { "$in": wanted } };
    let rows: Vec<Product> =
        app.mongo.coll(PRODUCTS).find_many("db.product.find_many", filter, Document::new(), MAX_ROWS).await?;
    Ok(rows.into_iter().map(|product| (product.id, product)).collect())
}

/// The products of variants, from the primary.
pub(super) async fn of_variants(app: &App, ids: &[VariantId]) -> Result<Vec<Product>, DbError> {
    let wanted: BTreeSet<VariantId> = ids.iter().copied().collect();
    let wanted: Vec<Bson> = wanted.into_iter().map(Bson::from).collect();
    let mut out = Vec::new();
    for part in wanted.chunks(usize::try_from(MAX_ROWS).unwrap_or(usize::MAX)) {
        let filter = doc! { "variants.id": { "$in": part } };
        out.extend(
            app.mongo
                .coll(PRODUCTS)
                .find_many("db.product.of_variants", filter, Document::new(), MAX_ROWS)
                .await?,
        );
    }
    Ok(out)
}
