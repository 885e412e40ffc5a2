//! The menu and what belongs to it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use daraa_domain::catalog::{
    CatalogError, CatalogErrorCode, MenuSection, Modifier, ModifierGroup, Product, ProductStatus, StockItem,
    StockLevel, TaxClass, Variant, VariantStatus,
};
use daraa_platform::time::Timestamp;

use super::loader::StockLoader;
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::{BigInt, LocalTextObject, MoneyObject};
use crate::graphql::store::{RatingObject, StoreLoader, StoreObject};

crate::user_errors!(
    /// What was wrong with a request about a menu or stock.
    CatalogUserError, CatalogError, CatalogErrorCode,
    extras {
        /// How many are left, when too few are.
        quantity_available: BigInt = |e: &CatalogError| match e {
            CatalogError::SoldOut { available, .. } => Some(BigInt(*available)),
            CatalogError::StockBelowZero { on_hand } => Some(BigInt(*on_hand)),
            _ => None,
        },
        /// Which variant is sold out, `var_…`.
        variant_id: async_graphql::ID = |e: &CatalogError| match e {
            CatalogError::SoldOut { variant, .. } => Some(variant.to_string().into()),
            _ => None,
        },
    }
);

/// A section of a menu.
#[derive(Debug, Clone)]
pub struct MenuSectionObject(pub MenuSection);

/// A section of a menu. Products say which section they are in.
#[Object(name = "MenuSection")]
impl MenuSectionObject {
    /// The id, `mns_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people read.
    async fn name(&self) -> LocalTextObject {
        self.0.name.clone().into()
    }

    /// Shown in this order.
    async fn position(&self) -> BigInt {
        self.0.position.into()
    }

    /// Counts the changes.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }
}

/// Something a store sells.
#[derive(Debug, Clone)]
pub struct ProductObject(pub Arc<Product>);

impl From<Arc<Product>> for ProductObject {
    fn from(product: Arc<Product>) -> Self {
        Self(product)
    }
}

impl From<Product> for ProductObject {
    fn from(product: Product) -> Self {
        Self(Arc::new(product))
    }
}

/// Something a store sells. Everybody sees published ones; a store's staff and ops see all.
#[Object(name = "Product")]
impl ProductObject {
    /// The id, `prd_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Who sells it.
    async fn store(&self, ctx: &Context<'_>) -> Result<Option<StoreObject>, ApiError> {
        Ok(ctx.loader::<StoreLoader, _>().load_one(self.0.store_id).await?.map(StoreObject::from))
    }

    /// Where on the menu, `mns_…`.
    async fn section_id(&self) -> Option<ID> {
        self.0.section_id.map(|id| id.to_string().into())
    }

    /// What people read.
    async fn name(&self) -> LocalTextObject {
        self.0.name.clone().into()
    }

    /// More about it; may be empty.
    async fn description(&self) -> LocalTextObject {
        self.0.description.clone().into()
    }

    /// Whether it can be seen and bought.
    async fn status(&self) -> ProductStatus {
        self.0.status
    }

    /// How it is taxed.
    async fn tax_class(&self) -> TaxClass {
        self.0.tax_class
    }

    /// What can be put into a cart: 1 to 50.
    async fn variants(&self) -> Vec<VariantObject> {
        let variant = |v: &Variant| VariantObject { product: Arc::clone(&self.0), variant: v.clone() };
        self.0.variants.iter().map(variant).collect()
    }

    /// The questions asked with it, at most 20.
    async fn modifier_groups(&self) -> Vec<ModifierGroupObject> {
        self.0.modifier_groups.iter().cloned().map(ModifierGroupObject).collect()
    }

    /// Addresses of pictures, at most 10.
    async fn images(&self) -> &[String] {
        &self.0.images
    }

    /// Its ratings.
    async fn rating(&self) -> RatingObject {
        RatingObject(self.0.rating)
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }
}

/// What is priced, stocked and sold.
#[derive(Debug, Clone)]
pub struct VariantObject {
    /// Its product.
    pub product: Arc<Product>,
    /// The variant.
    pub variant: Variant,
}

impl VariantObject {
    async fn stock_item(&self, ctx: &Context<'_>) -> Result<Option<StockItem>, ApiError> {
        ctx.loader::<StockLoader, _>().load_one(self.variant.id).await
    }

    async fn level(&self, ctx: &Context<'_>) -> Result<StockLevel, ApiError> {
        Ok(self.stock_item(ctx).await?.map_or(StockLevel::Left(0), |item| item.level()))
    }
}

/// What is priced, stocked and sold: a size, a flavour, or the product itself.
#[Object(name = "Variant")]
impl VariantObject {
    /// The id, `var_…`.
    async fn id(&self) -> ID {
        self.variant.id.to_string().into()
    }

    /// Distinguishes it from its siblings; may be empty when it is the only one.
    async fn name(&self) -> LocalTextObject {
        self.variant.name.clone().into()
    }

    /// The price of one, before modifiers.
    async fn price(&self) -> MoneyObject {
        self.variant.price.into()
    }

    /// The store's own number.
    async fn sku(&self) -> Option<&str> {
        self.variant.sku.as_deref()
    }

    /// The switch.
    async fn status(&self) -> VariantStatus {
        self.variant.status
    }

    /// Whether one can be bought right now: on the menu, switched on, in stock.
    async fn available(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let on_sale = self.product.status == ProductStatus::Published
            && self.variant.status == VariantStatus::Available;
        Ok(on_sale && self.level(ctx).await?.covers(1))
    }

    /// How many can be bought right now; null when they are not counted.
    async fn quantity_available(&self, ctx: &Context<'_>) -> Result<Option<BigInt>, ApiError> {
        Ok(match self.level(ctx).await? {
            StockLevel::Untracked => None,
            StockLevel::Left(left) => Some(BigInt(left)),
        })
    }

    /// The books of its stock; only for the store's staff and ops, null for others.
    async fn stock(&self, ctx: &Context<'_>) -> Result<Option<StockObject>, ApiError> {
        let actor = ctx.actor();
        if actor.rank_in(self.product.store_id).is_none() && !actor.is_ops() {
            return Ok(None);
        }
        Ok(self.stock_item(ctx).await?.map(StockObject))
    }
}

/// The stock of a variant.
#[derive(Debug, Clone)]
pub struct StockObject(pub StockItem);

/// The books of a variant's stock. Always: `initial = onHand + reserved + sold + adjusted`.
#[Object(name = "Stock")]
impl StockObject {
    /// Which variant, `var_…`.
    async fn variant_id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Counted; otherwise only the variant's switch matters.
    async fn tracked(&self) -> bool {
        self.0.tracked
    }

    /// Can be sold.
    async fn on_hand(&self) -> BigInt {
        self.0.on_hand.into()
    }

    /// Held by orders that are under way.
    async fn reserved(&self) -> BigInt {
        self.0.reserved.into()
    }

    /// Gone with completed orders.
    async fn sold(&self) -> BigInt {
        self.0.sold.into()
    }

    /// Taken out by hand, net: negative after goods came in.
    async fn adjusted(&self) -> BigInt {
        self.0.adjusted.into()
    }

    /// What it began with.
    async fn initial(&self) -> BigInt {
        self.0.initial.into()
    }

    /// Counts the changes.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }
}

/// A question asked with a product.
#[derive(Debug, Clone)]
pub struct ModifierGroupObject(pub ModifierGroup);

/// A question asked with a product: "which sauce?".
#[Object(name = "ModifierGroup")]
impl ModifierGroupObject {
    /// The id, `mgr_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people read.
    async fn name(&self) -> LocalTextObject {
        self.0.name.clone().into()
    }

    /// At least so many must be chosen.
    async fn min(&self) -> BigInt {
        self.0.min.into()
    }

    /// At most so many may be chosen.
    async fn max(&self) -> BigInt {
        self.0.max.into()
    }

    /// The choices, at most 50.
    async fn modifiers(&self) -> Vec<ModifierObject> {
        self.0.modifiers.iter().cloned().map(ModifierObject).collect()
    }
}

/// One choice of a group.
#[derive(Debug, Clone)]
pub struct ModifierObject(pub Modifier);

/// One choice of a group.
#[Object(name = "Modifier")]
impl ModifierObject {
    /// The id, `mod_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people read.
    async fn name(&self) -> LocalTextObject {
        self.0.name.clone().into()
    }

    /// Added to the price of one.
    async fn price(&self) -> MoneyObject {
        self.0.price.into()
    }

    /// Can be chosen now.
    async fn available(&self) -> bool {
        self.0.available
    }
}
