//! Use cases of stores.

use std::collections::HashMap;
use std::sync::Arc;

use daraa_platform::mongo::Tx;

use super::error::StoreError;
use super::model::Store;
use super::store;
use crate::app::App;
use crate::ids::StoreId;

/// One store in any status; the caller decides who may see it.
///
/// # Errors
/// [`StoreError::StoreNotFound`], or database failure.
pub async fn get(app: &App, id: StoreId) -> Result<Arc<Store>, StoreError> {
    get_many(app, &[id]).await?.remove(&id).ok_or(StoreError::StoreNotFound)
}

/// Many stores at once; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn get_many(app: &App, ids: &[StoreId]) -> Result<HashMap<StoreId, Arc<Store>>, StoreError> {
    let found = store::get_many(app, ids).await?;
    Ok(found.into_iter().map(|(id, store)| (id, Arc::new(store))).collect())
}

/// Counts a review's stars (1 to 5) in the transaction that keeps the review.
///
/// # Errors
/// [`StoreError::StoreNotFound`], [`StoreError::OutOfRange`], or database failure.
pub async fn add_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    stars: i64,
) -> Result<(), StoreError> {
    if !(1..=5).contains(&stars) {
        return Err(StoreError::OutOfRange { what: "stars", min: 1, max: 5 });
    }
    let found = store::find_in_tx(app, tx, store_id).await?.ok_or(StoreError::StoreNotFound)?;
    if store::set_rating_in_tx(app, tx, store_id, found.rating.plus(stars)).await? {
        Ok(())
    } else {
        Err(StoreError::StoreNotFound)
    }
}
