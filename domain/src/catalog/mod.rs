//! Menus: sections, products, variants, modifier groups; and their stock.
//!
//! Calls: store, audit, idempotency, outbox. Called by: search, cart, pricing, order, review.

mod error;
mod model;
mod rules;
mod service;
pub mod stock;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::CACHED;
pub use error::{CatalogError, CatalogErrorCode};
pub use model::{
    MAX_GROUPS, MAX_IMAGES, MAX_MODIFIERS, MAX_PRICE_MINOR, MAX_PRODUCTS, MAX_SECTIONS, MAX_VARIANTS,
    MenuSection, Modifier, ModifierGroup, PRODUCT_INDEXES, Product, ProductStatus, SECTION_INDEXES, TaxClass,
    Variant, VariantStatus,
};
pub use rules::{
    GroupDraft, ModifierDraft, ProductAction, TRANSITIONS, VariantDraft, check_groups, check_images,
    check_variants, decide, validate_choice,
};
pub use service::{
    CreateProduct, CreateSection, FreshVariant, UpdateProduct, act, add_rating_in_tx, create_product,
    create_section, delete_section, fresh_variants, get, get_many, products, remove_rating_in_tx, sections,
    set_variant_status, update_product, update_section, variants, view,
};
pub(crate) use service::{matching, stores_matching};
pub use stock::{StockItem, StockLevel, confirm, consume, release, reserve};
