//! What is asked and what is found; nothing here is stored.

use std::sync::Arc;

use crate::catalog::Product;
use crate::place::Point;
use crate::store::Store;

/// The longest text that is looked for.
pub const MAX_TEXT_CHARS: usize = 200;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// The words, the last one perhaps unfinished.
    pub text: String,
    /// Only what can be delivered here.
    pub near: Option<Point>,
    /// At most so many stores, and so many products.
    pub first: u32,
}

/// A store that was found.
#[derive(Debug, Clone)]
pub struct FoundStore {
    /// The store.
    pub store: Arc<Store>,
    /// How far it is, metres as the crow flies, when a place was named.
    pub distance_m: Option<i64>,
    /// Takes orders now.
    pub open: bool,
}

/// A product that was found, with its store.
#[derive(Debug, Clone)]
pub struct FoundProduct {
    /// The product.
    pub product: Arc<Product>,
    /// Where it is sold.
    pub at: FoundStore,
}

/// What was found: open stores first, then by distance.
#[derive(Debug, Clone, Default)]
pub struct SearchResult {
    /// Stores by their names.
    pub stores: Vec<FoundStore>,
    /// Products by theirs.
    pub products: Vec<FoundProduct>,
}
