//! The collections of the menu and the cache of products.

use std::collections::{BTreeSet, HashMap};

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{Direction, PageRequest};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use mongodb::bson::{Bson, Document, doc};

use super::model::{MAX_SECTIONS, MenuSection, PRODUCTS, Product, ProductStatus, SECTIONS};
use crate::app::App;
use crate::ids::{MenuSectionId, ProductId, StoreId, VariantId};

fn key(id: &ProductId) -> CacheKey<Product> {
    CacheKey::new("product", 1, id)
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection = CachedCollection {
    collection: PRODUCTS,
    name: |id| Some(key(&ProductId::from(id.as_object_id()?)).name().to_owned()),
};

/// Through the cache; unknown ones are left out.
pub(super) async fn get_many(app: &App, ids: &[ProductId]) -> Result<HashMap<ProductId, Product>, DbError> {
    app.cache
        .get_many_or_load(ids, key, ttl::PRODUCT, |missing| async move {
            Ok(find_many(app, &missing).await?.into_iter().map(|product| (product.id, product)).collect())
        })
        .await
}

async fn find_many(app: &App, ids: &[ProductId]) -> Result<Vec<Product>, DbError> {
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(PRODUCTS).find_many("db.product.find_many", filter, Document::new(), MAX_ROWS).await
}

/// The products of variants, from the primary.
pub(super) async fn of_variants(app: &App, ids: &[VariantId]) -> Result<Vec<Product>, DbError> {
    let wanted: BTreeSet<VariantId> = ids.iter().copied().collect();
    let wanted: Vec<VariantId> = wanted.into_iter().collect();
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

pub(super) async fn find_in_tx(app: &App, tx: &mut Tx, id: ProductId) -> Result<Option<Product>, DbError> {
    app.mongo.coll(PRODUCTS).find_one_in_tx(tx, "db.product.find", doc! { "_id": id }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, product: &Product) -> Result<(), DbError> {
    forget_after(app, tx, product.id);
    app.mongo.coll(PRODUCTS).insert_in_tx(tx, "db.product.insert", product).await
}

/// Sets fields of the product as it was read (by version); `None` when it changed since.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    product: &Product,
    fields: Document,
) -> Result<Option<Product>, DbError> {
    let filter = doc! { "_id": product.id, "version": product.version };
    let update = doc! { "$set": fields, "$inc": { "version": 1_i64 } };
    forget_after(app, tx, product.id);
    app.mongo.coll(PRODUCTS).find_one_and_update_in_tx(tx, "db.product.set", filter, update).await
}

fn forget_after(app: &App, tx: &mut Tx, id: ProductId) {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key(&id)).await });
}

/// How many products a store has.
pub(super) async fn count(app: &App, store_id: StoreId, cap: u64) -> Result<u64, DbError> {
    let filter = doc! { "store_id": store_id, "status": kept() };
    app.mongo.coll::<Product>(PRODUCTS).count_up_to("db.product.count", filter, cap).await
}

/// Whether a product of the store is in a section.
pub(super) async fn in_section_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    section_id: MenuSectionId,
) -> Result<bool, DbError> {
    let filter = doc! { "store_id": store_id, "section_id": section_id };
    let products = app.mongo.coll::<Product>(PRODUCTS);
    Ok(products.find_one_in_tx(tx, "db.product.in_section", filter).await?.is_some())
}

fn kept() -> Document {
    doc! { "$in": ProductStatus::KEPT.map(ProductStatus::as_str).to_vec() }
}

/// The products of a store in the order they were made; of one status, or all it has.
pub(super) async fn of_store(
    app: &App,
    store_id: StoreId,
    status: Option<ProductStatus>,
    page: &PageRequest,
) -> Result<Vec<Product>, DbError> {
    let mut filter = doc! { "store_id": store_id };
    match status {
        Some(status) => filter.insert("status", status.as_str()),
        None => filter.insert("status", kept()),
    };
    let forward = page.direction == Direction::Forward;
    if let Some(from) = &page.from {
        filter.insert("_id", doc! { if forward { "$gt" } else { "$lt" }: from.id });
    }
    let sort = doc! { "_id": if forward { 1 } else { -1 } };
    app.mongo.browse(PRODUCTS).find_many("db.product.of_store", filter, sort, page.fetch_limit()).await
}

/// Published products with words that begin so, of these stores, in the order of ids.
pub(super) async fn matching(
    app: &App,
    prefixes: &[String],
    among: &[StoreId],
    limit: i64,
) -> Result<Vec<Product>, DbError> {
    let filter = doc! {
        "prefixes": { "$all": prefixes },
        "status": ProductStatus::Published.as_str(),
        "store_id": { "$in": among },
    };
    app.mongo.browse(PRODUCTS).find_many("db.product.matching", filter, doc! { "_id": 1 }, limit).await
}

/// The stores that have published products with words that begin so, at most 1,000.
pub(super) async fn stores_matching(app: &App, prefixes: &[String]) -> Result<Vec<StoreId>, DbError> {
    #[derive(serde::Deserialize)]
    struct Row {
        #[serde(rename = "_id")]
        id: StoreId,
    }
    let pipeline = vec![
        doc! { "$match": {
            "prefixes": { "$all": prefixes },
            "status": ProductStatus::Published.as_str(),
        } },
        doc! { "$limit": MAX_ROWS },
        doc! { "$group": { "_id": "$store_id" } },
    ];
    let rows: Vec<Row> =
        app.mongo.browse::<Product>(PRODUCTS).aggregate("db.product.stores_matching", pipeline).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The sections of a menu in order.
pub(super) async fn sections(app: &App, store_id: StoreId) -> Result<Vec<MenuSection>, DbError> {
    let sort = doc! { "store_id": 1, "position": 1, "_id": 1 };
    let limit = i64::try_from(MAX_SECTIONS).unwrap_or(MAX_ROWS);
    app.mongo
        .browse(SECTIONS)
        .find_many("db.section.of_store", doc! { "store_id": store_id }, sort, limit)
        .await
}

pub(super) async fn section(app: &App, id: MenuSectionId) -> Result<Option<MenuSection>, DbError> {
    app.mongo.coll(SECTIONS).find_one("db.section.find", doc! { "_id": id }).await
}

pub(super) async fn count_sections(app: &App, store_id: StoreId, cap: u64) -> Result<u64, DbError> {
    let filter = doc! { "store_id": store_id };
    app.mongo.coll::<MenuSection>(SECTIONS).count_up_to("db.section.count", filter, cap).await
}

pub(super) async fn insert_section_in_tx(app: &App, tx: &mut Tx, row: &MenuSection) -> Result<(), DbError> {
    app.mongo.coll(SECTIONS).insert_in_tx(tx, "db.section.insert", row).await
}

/// Sets fields of a section as it was read (by version); `None` when it changed since.
pub(super) async fn set_section_in_tx(
    app: &App,
    tx: &mut Tx,
    row: &MenuSection,
    fields: Document,
) -> Result<Option<MenuSection>, DbError> {
    let filter = doc! { "_id": row.id, "version": row.version };
    let update = doc! { "$set": fields, "$inc": { "version": 1_i64 } };
    app.mongo.coll(SECTIONS).find_one_and_update_in_tx(tx, "db.section.set", filter, update).await
}

/// Marks a section as used by a product of its store, so that it is not deleted at the same moment; `false` when the
/// store has no such section.
pub(super) async fn use_section_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    id: MenuSectionId,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "store_id": store_id };
    let sections = app.mongo.coll::<MenuSection>(SECTIONS);
    sections.update_one_in_tx(tx, "db.section.use", filter, doc! { "$inc": { "uses": 1_i64 } }).await
}

pub(super) async fn delete_section_in_tx(app: &App, tx: &mut Tx, id: MenuSectionId) -> Result<bool, DbError> {
    let sections = app.mongo.coll::<MenuSection>(SECTIONS);
    Ok(sections.delete_many_in_tx(tx, "db.section.delete", doc! { "_id": id }).await? > 0)
}

/// A value as it is stored.
pub(super) fn bson(value: &impl serde::Serialize) -> Result<Bson, DbError> {
    Ok(mongodb::bson::serialize_to_bson(value)?)
}
