//! Menus and stock in the API.

mod input;
mod loader;
mod mutation;
mod query;
mod types;

pub use loader::{ProductLoader, StockLoader};
pub use mutation::CatalogMutation;
pub use query::CatalogQuery;
pub use types::{
    MenuSectionObject, ModifierGroupObject, ModifierObject, ProductObject, StockObject, VariantObject,
};
