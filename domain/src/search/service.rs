//! The one use case: search.

use std::sync::Arc;

use daraa_platform::paging::MAX_PAGE;
use tracing::instrument;

use super::error::SearchError;
use super::model::{FoundProduct, MAX_TEXT_CHARS, SearchQuery, SearchResult};
use super::rules::{best_products, best_stores, found};
use crate::app::App;
use crate::catalog;
use crate::fold::query_prefixes;
use crate::ids::StoreId;
use crate::store::{self, StoreStatus, near};

/// So many matches of each kind are put in order; further ones are not seen. Words that match more are too short.
const WINDOW: i64 = 200;

/// Active stores and their published products whose words begin like all words asked for. Nothing to look for
/// (punctuation, a single letter) finds nothing.
///
/// # Errors
/// [`SearchError::TextTooLong`], [`SearchError::BadSize`], or database failure.
#[instrument(name = "svc.search.find", skip_all)]
pub async fn stores_and_products(app: &App, query: &SearchQuery) -> Result<SearchResult, SearchError> {
    if query.text.chars().count() > MAX_TEXT_CHARS {
        return Err(SearchError::TextTooLong { max: MAX_TEXT_CHARS });
    }
    if !(1..=MAX_PAGE).contains(&query.first) {
        return Err(SearchError::BadSize { max: MAX_PAGE });
    }
    let prefixes = query_prefixes(&query.text);
    if prefixes.is_empty() {
        return Ok(SearchResult::default());
    }
    let first = usize::try_from(query.first).unwrap_or(usize::MAX);
    let now = app.clock.now();
    let serving = match query.near {
        Some(point) => Some(near::serving(app, point).await?),
        None => None,
    };
    let (stores, products) = tokio::try_join!(
        async { Ok::<_, SearchError>(store::matching(app, &prefixes, serving.as_deref(), WINDOW).await?) },
        find_products(app, &prefixes, serving.as_deref()),
    )?;
    let store_ids: Vec<StoreId> = products.iter().map(|p| p.store_id).collect();
    let sellers = store::get_many(app, &store_ids).await?;
    Ok(SearchResult {
        stores: best_stores(stores.iter().filter_map(|s| found(s, query.near, now)).collect(), first),
        products: best_products(
            products
                .into_iter()
                .filter_map(|product| {
                    let at = found(sellers.get(&product.store_id)?, query.near, now)?;
                    Some(FoundProduct { product, at })
                })
                .collect(),
            first,
        ),
    })
}

async fn find_products(
    app: &App,
    prefixes: &[String],
    serving: Option<&[StoreId]>,
) -> Result<Vec<Arc<catalog::Product>>, SearchError> {
    let among = match serving {
        Some(ids) => ids.to_vec(),
        None => {
            let ids = catalog::stores_matching(app, prefixes).await?;
            let stores = store::get_many(app, &ids).await?;
            stores.into_values().filter(|s| s.status == StoreStatus::Active).map(|s| s.id).collect()
        }
    };
    if among.is_empty() {
        return Ok(Vec::new());
    }
    Ok(catalog::matching(app, prefixes, &among, WINDOW).await?.into_iter().map(Arc::new).collect())
}
