//! The stored menu: sections, products with their variants and modifier groups.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MenuSectionId, ModifierGroupId, ModifierId, ProductId, StoreId, VariantId};
use crate::store::Rating;
use crate::text::LocalText;

pub(super) const SECTIONS: &str = "menu_sections";
pub(super) const PRODUCTS: &str = "products";

/// Sections of one menu.
pub const MAX_SECTIONS: u64 = 100;
/// Products of one store.
pub const MAX_PRODUCTS: u64 = 5_000;
/// Variants of one product.
pub const MAX_VARIANTS: usize = 50;
/// Modifier groups of one product.
pub const MAX_GROUPS: usize = 20;
/// Modifiers of one group.
pub const MAX_MODIFIERS: usize = 50;
/// Images of one product.
pub const MAX_IMAGES: usize = 10;
/// A price is at most this many minor units: keeps every sum of an order far from overflow.
pub const MAX_PRICE_MINOR: i64 = 1_000_000_000_000;

/// The declared indexes of the sections.
pub const SECTION_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: SECTIONS,
    about: "A section of a store's menu.",
    kept: Kept::ByUse("the store deletes it when no product is in it"),
    shard_key: ShardKey::Whole("a few rows a store, and menus are cached"),
    shape: Shape::of::<MenuSection>(),
    indexes: &[IndexSpec::new(
        "menu_sections_store",
        &[Key::Asc("store_id"), Key::Asc("position"), Key::Asc("_id")],
        "the sections of a store's menu in order",
    )],
};

/// The declared indexes of the products.
pub const PRODUCT_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: PRODUCTS,
    about: "Something a store sells, with its variants and modifiers.",
    kept: Kept::ForGood("orders name it; a store hides or archives it"),
    shard_key: ShardKey::Whole(
        "variants are unique over all stores, and a cart asks by variant \
        without naming its store; 50,000 products are about 150 MB and cached. Beyond that: by \
        `store_id`, with the store beside the variant in carts",
    ),
    shape: Shape::of::<Product>(),
    indexes: &[
        IndexSpec::new(
            "products_section",
            &[Key::Asc("store_id"), Key::Asc("section_id"), Key::Asc("_id")],
            "which products are in a section of a store",
        ),
        IndexSpec::new(
            "products_store_status",
            &[Key::Asc("store_id"), Key::Asc("status"), Key::Asc("_id")],
            "the products of a store, for everybody or its staff, page by page; how many it has",
        ),
        IndexSpec::new(
            "products_variant",
            &[Key::Asc("variants.id")],
            "the product of a variant, at cart and checkout",
        )
        .unique(),
        IndexSpec::new(
            "products_prefixes",
            &[Key::Asc("prefixes"), Key::Asc("status"), Key::Asc("_id"), Key::Asc("store_id")],
            "published products with a word that begins so; the store is judged from the index alone",
        ),
    ],
};

/// A section of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MenuSection {
    /// The id.
    #[serde(rename = "_id")]
    pub id: MenuSectionId,
    /// Whose menu.
    pub store_id: StoreId,
    /// What people read.
    pub name: LocalText,
    /// Shown in this order.
    pub position: i64,
    /// Grows with every change.
    pub version: i64,
}

/// Whether a product can be seen and bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProductStatus {
    /// Being written; only staff see it.
    Draft,
    /// For sale.
    Published,
    /// Taken off the menu.
    Hidden,
    /// Gone for good: kept for the orders that have it, in no list and no section.
    Archived,
}

impl ProductStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Published, Self::Hidden, Self::Archived];
    /// Those a store has, as opposed to had.
    pub const KEPT: [Self; 3] = [Self::Draft, Self::Published, Self::Hidden];

    /// The stored text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Published => "PUBLISHED",
            Self::Hidden => "HIDDEN",
            Self::Archived => "ARCHIVED",
        }
    }
}

/// How a product is taxed; the rates are platform settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxClass {
    /// The usual rate.
    #[default]
    Standard,
    /// A lower rate (basic food, medicine).
    Reduced,
    /// None.
    Exempt,
}

/// The switch of a variant, whatever its stock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VariantStatus {
    /// Can be bought.
    Available,
    /// Switched off by the staff.
    Unavailable,
}

/// What is priced, stocked and sold: a size, a flavour, or the product itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// The id.
    pub id: VariantId,
    /// Distinguishes it from its siblings; may be empty when it is the only one.
    pub name: LocalText,
    /// The price of one, before modifiers.
    pub price: Money,
    /// The store's own number.
    pub sku: Option<String>,
    /// The switch.
    pub status: VariantStatus,
}

/// One choice of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Modifier {
    /// The id.
    pub id: ModifierId,
    /// What people read.
    pub name: LocalText,
    /// Added to the price of one; zero or more.
    pub price: Money,
    /// Can be chosen now.
    pub available: bool,
}

/// A question asked with a product: "which sauce?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModifierGroup {
    /// The id.
    pub id: ModifierGroupId,
    /// What people read.
    pub name: LocalText,
    /// At least so many must be chosen.
    pub min: i64,
    /// At most so many may be chosen.
    pub max: i64,
    /// The choices.
    pub modifiers: Vec<Modifier>,
}

/// Something a store sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// The id.
    #[serde(rename = "_id")]
    pub id: ProductId,
    /// Whose.
    pub store_id: StoreId,
    /// Where on the menu.
    pub section_id: Option<MenuSectionId>,
    /// What people read.
    pub name: LocalText,
    /// More about it; may be empty.
    pub description: LocalText,
    /// Whether it can be seen and bought.
    pub status: ProductStatus,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// At least one.
    pub variants: Vec<Variant>,
    /// The questions asked with it.
    pub modifier_groups: Vec<ModifierGroup>,
    /// Addresses of pictures.
    pub images: Vec<String>,
    /// Its ratings.
    pub rating: Rating,
    /// The beginnings of the words of its name, folded.
    pub prefixes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

impl Product {
    /// The variant with this id.
    #[must_use]
    pub fn variant(&self, id: VariantId) -> Option<&Variant> {
        self.variants.iter().find(|v| v.id == id)
    }

    /// The modifier with this id, and its group.
    #[must_use]
    pub fn modifier(&self, id: ModifierId) -> Option<(&ModifierGroup, &Modifier)> {
        self.modifier_groups
            .iter()
            .find_map(|group| group.modifiers.iter().find(|m| m.id == id).map(|modifier| (group, modifier)))
    }
}
