//! The order of what was found. Pure.

use std::sync::Arc;

use daraa_platform::ids::TypedId as _;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;

use super::model::{FoundProduct, FoundStore};
use crate::place::Point;
use crate::store::{Store, covers, is_open};

/// A store as it was found; `None` when it does not deliver to the place.
pub(super) fn found(store: &Arc<Store>, near: Option<Point>, now: Timestamp) -> Option<FoundStore> {
    if near.is_some_and(|point| !covers(store, point)) {
        return None;
    }
    Some(FoundStore {
        distance_m: near.map(|point| store.point.distance_m(point)),
        open: is_open(store, now),
        store: Arc::clone(store),
    })
}

/// Open first, then nearest, then by id, so that the order is always the same.
fn rank(store: &FoundStore) -> (bool, i64, ObjectId) {
    (!store.open, store.distance_m.unwrap_or(0), store.store.id.oid())
}

/// The best `first` stores.
pub(super) fn best_stores(mut found: Vec<FoundStore>, first: usize) -> Vec<FoundStore> {
    found.sort_by_key(rank);
    found.truncate(first);
    found
}

/// The best `first` products.
pub(super) fn best_products(mut found: Vec<FoundProduct>, first: usize) -> Vec<FoundProduct> {
    found.sort_by_key(|p| (rank(&p.at), p.product.id.oid()));
    found.truncate(first);
    found
}
