//! The stored cart and its standing problems.

use daraa_platform::fault::Lang;
use daraa_platform::money::Money;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CartId, CartLineId, ModifierId, ProductId, StoreId, VariantId};

pub(super) const COLLECTION: &str = "carts";

/// A cart holds this many lines at most; more is not a meal.
pub const MAX_LINES: usize = 50;
/// A cart spans this many stores at most: each becomes an order with its own courier.
pub const MAX_STORES: usize = 5;
/// The most of one line.
pub const MAX_QUANTITY: i64 = 99;
/// The longest note on a line.
pub const MAX_NOTE_CHARS: usize = 200;
/// The most modifiers on a line.
pub const MAX_MODIFIERS: usize = 30;

/// The declared indexes. No TTL index: the platform's clock may run apart from the machine's (simulation), so the
/// cleanup job removes abandoned carts.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A basket of a customer or guest.",
    kept: Kept::ByJob { job: "cleanup", after: "7 days after its last change, or sooner by its owner" },
    shard_key: ShardKey::Whole(
        "a cart is found by its person or by its guest, both unique, and no \
        key heads both; it holds the baskets of a week only",
    ),
    shape: Shape::of::<Cart>(),
    indexes: &[
        IndexSpec::new("carts_account", &[Key::Asc("account_id")], "the one cart of a customer")
            .unique()
            .partial(&[("account_id", PartialValue::Exists)]),
        IndexSpec::new("carts_guest", &[Key::Asc("guest_hash")], "the cart of a guest, by its token's hash")
            .unique()
            .partial(&[("guest_hash", PartialValue::Exists)]),
        IndexSpec::new("carts_updated", &[Key::Asc("updated_at")], "the cleanup job removes abandoned carts"),
    ],
};

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartLine {
    /// The id.
    pub id: CartLineId,
    /// The store.
    pub store_id: StoreId,
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// How many, 1 to [`MAX_QUANTITY`].
    pub quantity: i64,
    /// The chosen modifiers, sorted.
    pub modifier_ids: Vec<ModifierId>,
    /// What the customer asks for.
    pub note: Option<String>,
    /// The unit price (with modifiers) the customer last saw when touching the line.
    pub seen_price: Money,
}

/// A mutable basket across stores; of an account, or of a guest who holds its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cart {
    /// The id.
    #[serde(rename = "_id")]
    pub id: CartId,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// SHA-256 of the guest's token, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_hash: Option<String>,
    /// The lines in the order they were added.
    pub lines: Vec<CartLine>,
    /// Counts the changes.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Cart {
    /// The stores of its lines, each once, in the order they came in.
    #[must_use]
    pub fn store_ids(&self) -> Vec<StoreId> {
        let mut out = Vec::new();
        for line in &self.lines {
            if !out.contains(&line.store_id) {
                out.push(line.store_id);
            }
        }
        out
    }
}

/// What is wrong with a cart or a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CartProblemCode {
    /// The store takes no orders now.
    StoreClosed,
    /// The store does not deliver to the address.
    OutOfArea,
    /// The items of the store cost less than it accepts.
    BelowMinimum,
    /// The price is not the one the customer saw.
    PriceChanged,
    /// There is less than the cart asks for.
    SoldOut,
    /// It is not sold any more, or its choices are not possible any more.
    Unavailable,
    /// Stores with different currencies cannot be paid together.
    MixedCurrencies,
}

/// A standing problem, tied to lines and stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartProblem {
    /// What it is.
    pub code: CartProblemCode,
    /// The lines it is about.
    pub line_ids: Vec<CartLineId>,
    /// The stores it is about.
    pub store_ids: Vec<StoreId>,
    /// How many there are, for [`CartProblemCode::SoldOut`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity_available: Option<i64>,
    /// The least worth, for [`CartProblemCode::BelowMinimum`]; the new unit price, for
    /// [`CartProblemCode::PriceChanged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl CartProblem {
    /// A sentence for people.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let amount = self.amount.map(|amount| amount.formatted(lang)).unwrap_or_default();
        let left = self.quantity_available.unwrap_or(0);
        match (self.code, lang) {
            (CartProblemCode::StoreClosed, Lang::En) => "The store takes no orders now.".to_owned(),
            (CartProblemCode::StoreClosed, Lang::Ar) => "المتجر لا يستقبل الطلبات الآن.".to_owned(),
            (CartProblemCode::OutOfArea, Lang::En) => {
                "The store does not deliver to this address.".to_owned()
            }
            (CartProblemCode::OutOfArea, Lang::Ar) => "المتجر لا يوصل إلى هذا العنوان.".to_owned(),
            (CartProblemCode::BelowMinimum, Lang::En) => format!("The store accepts orders from {amount}."),
            (CartProblemCode::BelowMinimum, Lang::Ar) => format!("الحد الأدنى للطلب من المتجر {amount}."),
            (CartProblemCode::PriceChanged, Lang::En) => format!("The price is now {amount}."),
            (CartProblemCode::PriceChanged, Lang::Ar) => format!("أصبح السعر {amount}."),
            (CartProblemCode::SoldOut, Lang::En) => format!("Only {left} are left."),
            (CartProblemCode::SoldOut, Lang::Ar) => format!("بقي {left} فقط."),
            (CartProblemCode::Unavailable, Lang::En) => "This item is not available any more.".to_owned(),
            (CartProblemCode::Unavailable, Lang::Ar) => "هذا الصنف لم يعد متوفراً.".to_owned(),
            (CartProblemCode::MixedCurrencies, Lang::En) => {
                "Stores with different currencies cannot be paid together.".to_owned()
            }
            (CartProblemCode::MixedCurrencies, Lang::Ar) => {
                "لا يمكن الدفع معاً لمتاجر بعملات مختلفة.".to_owned()
            }
        }
    }
}
