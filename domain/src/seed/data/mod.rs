//! The texts and numbers of the demo city.

mod model;

pub(super) use model::{CATEGORIES, COURIERS, CUSTOMERS, OPS, STORES};
