//! The cart, its problems and its inputs.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use daraa_domain::cart::{
    self, AddLine, Cart, CartError, CartErrorCode, CartOwner, CartProblem, CartProblemCode, Look, LookedLine,
};
use daraa_domain::ids::{ModifierId, StoreId};
use daraa_platform::fault::Lang;
use daraa_platform::ids::MalformedId;
use daraa_platform::money::Money;
use tokio::sync::OnceCell;

use crate::graphql::catalog::{ProductObject, VariantObject};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::order::ChosenModifierObject;
use crate::graphql::scalars::{BigInt, LocalTextObject, MoneyObject};
use crate::graphql::store::{StoreLoader, StoreObject};

crate::user_errors!(
    /// What was wrong with a request about a cart.
    CartUserError, CartError, CartErrorCode
);

/// Whose cart is meant: the guest's whose token came with the input or the header, else the signed-in person's.
pub(super) fn owner(ctx: &Context<'_>, guest_token: Option<&str>) -> Result<CartOwner, ApiError> {
    let token = guest_token.or(ctx.caller().cart_token.as_deref());
    Ok(CartOwner::of(ctx.actor(), token)?)
}

/// What a customer means to buy.
#[derive(Debug, Clone)]
pub struct CartObject {
    cart: Arc<Cart>,
    look: Arc<OnceCell<Look>>,
}

impl From<Cart> for CartObject {
    fn from(cart: Cart) -> Self {
        Self { cart: Arc::new(cart), look: Arc::new(OnceCell::new()) }
    }
}

impl CartObject {
    /// Prices and stock of this moment, looked at once an answer.
    async fn look(&self, ctx: &Context<'_>) -> Result<&Look, ApiError> {
        let look = || cart::look(ctx.app(), &self.cart.lines, None);
        Ok(self.look.get_or_try_init(look).await?)
    }
}

/// What a customer means to buy, across stores, at the prices of this moment.
#[Object(name = "Cart")]
impl CartObject {
    /// The id, `crt_…`.
    async fn id(&self) -> ID {
        self.cart.id.to_string().into()
    }

    /// Counts the changes.
    async fn version(&self) -> BigInt {
        self.cart.version.into()
    }

    /// How many lines there are; at most 50.
    async fn line_count(&self) -> i32 {
        i32::try_from(self.cart.lines.len()).unwrap_or(i32::MAX)
    }

    /// The lines by store, at most 5 stores.
    async fn stores(&self, ctx: &Context<'_>) -> Result<Vec<CartStoreObject>, ApiError> {
        let look = self.look(ctx).await?;
        let of = |store_id| {
            let lines = look.lines.iter().filter(|looked| looked.line.store_id == store_id);
            Ok(CartStoreObject {
                store_id,
                lines: lines.cloned().collect(),
                subtotal: look.subtotal(store_id)?,
            })
        };
        self.cart.store_ids().into_iter().map(of).collect()
    }

    /// What is wrong at this moment, tied to lines and stores.
    async fn problems(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One of your addresses, `adr_…`: also says which stores do not deliver there.")]
        address_id: Option<ID>,
    ) -> Result<Vec<CartProblemObject>, ApiError> {
        let shown =
            |look: &Look| look.problems.iter().map(|p| CartProblemObject::new(p, ctx.lang())).collect();
        let Some(address_id) = address_id else { return Ok(shown(self.look(ctx).await?)) };
        let point = cart::place_of(ctx.app(), ctx.actor(), address_id.parse()?).await?;
        Ok(shown(&cart::look(ctx.app(), &self.cart.lines, Some(point)).await?))
    }
}

/// The lines of one store.
#[derive(Debug, Clone)]
pub struct CartStoreObject {
    store_id: StoreId,
    lines: Vec<LookedLine>,
    subtotal: Option<Money>,
}

/// The lines of one store.
#[Object(name = "CartStore")]
impl CartStoreObject {
    /// The store, `sto_…`.
    async fn store_id(&self) -> ID {
        self.store_id.to_string().into()
    }

    /// The store; null when it is gone.
    async fn store(&self, ctx: &Context<'_>) -> Result<Option<StoreObject>, ApiError> {
        Ok(ctx.loader::<StoreLoader, _>().load_one(self.store_id).await?.map(StoreObject::from))
    }

    /// The lines in the order they were added.
    async fn lines(&self) -> Vec<CartLineObject> {
        self.lines.iter().cloned().map(CartLineObject).collect()
    }

    /// What the lines that can be bought cost; null when none can.
    async fn subtotal(&self) -> Option<MoneyObject> {
        self.subtotal.map(MoneyObject)
    }
}

/// One line of a cart.
#[derive(Debug, Clone)]
pub struct CartLineObject(LookedLine);

/// One line of a cart, at the price of this moment.
#[Object(name = "CartLine")]
impl CartLineObject {
    /// The id, `cln_…`.
    async fn id(&self) -> ID {
        self.0.line.id.to_string().into()
    }

    /// The variant; null when it is gone.
    async fn variant(&self) -> Option<VariantObject> {
        let fresh = self.0.fresh.as_ref()?;
        Some(VariantObject { product: Arc::clone(&fresh.product), variant: fresh.variant.clone() })
    }

    /// Its product; null when it is gone.
    async fn product(&self) -> Option<ProductObject> {
        self.0.fresh.as_ref().map(|fresh| ProductObject(Arc::clone(&fresh.product)))
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.0.line.quantity).unwrap_or(i32::MAX)
    }

    /// The chosen modifiers.
    async fn modifiers(&self) -> Vec<ChosenModifierObject> {
        let Some(fresh) = &self.0.fresh else { return Vec::new() };
        let chosen = self.0.line.modifier_ids.iter().filter_map(|id| fresh.product.modifier(*id));
        chosen
            .map(|(_, modifier)| ChosenModifierObject {
                id: modifier.id.to_string().into(),
                name: LocalTextObject(modifier.name.clone()),
                price: modifier.price.into(),
            })
            .collect()
    }

    /// Price of one with its modifiers; null when it cannot be bought like this any more.
    async fn unit_price(&self) -> Option<MoneyObject> {
        self.0.unit_price.map(MoneyObject)
    }

    /// Price of the line; null when it cannot be bought like this any more.
    async fn total(&self) -> Result<Option<MoneyObject>, ApiError> {
        Ok(self.0.total()?.map(MoneyObject))
    }

    /// What the customer asks for.
    async fn note(&self) -> Option<&str> {
        self.0.line.note.as_deref()
    }
}

/// A standing problem, tied to lines and stores.
#[derive(Debug, SimpleObject)]
#[graphql(name = "CartProblem")]
pub struct CartProblemObject {
    /// What it is.
    pub code: CartProblemCode,
    /// A sentence for people, in the language of `Accept-Language`.
    pub message: String,
    /// The lines it is about, `cln_…`.
    pub line_ids: Vec<ID>,
    /// The stores it is about, `sto_…`.
    pub store_ids: Vec<ID>,
    /// How many there are, for `SOLD_OUT`.
    pub quantity_available: Option<BigInt>,
    /// The least worth of items for `BELOW_MINIMUM`, the new unit price for `PRICE_CHANGED`.
    pub amount: Option<MoneyObject>,
}

impl CartProblemObject {
    /// A problem in the caller's language.
    #[must_use]
    pub fn new(problem: &CartProblem, lang: Lang) -> Self {
        Self {
            code: problem.code,
            message: problem.message(lang),
            line_ids: problem.line_ids.iter().map(|id| id.to_string().into()).collect(),
            store_ids: problem.store_ids.iter().map(|id| id.to_string().into()).collect(),
            quantity_available: problem.quantity_available.map(BigInt),
            amount: problem.amount.map(MoneyObject),
        }
    }
}

/// Puts something into the cart.
#[derive(Debug, InputObject)]
pub struct CartLineAddInput {
    /// What, `var_…`.
    pub variant_id: ID,
    /// How many, 1 to 99.
    pub quantity: i32,
    /// With which choices, `mod_…`.
    pub modifier_ids: Option<Vec<ID>>,
    /// What you ask for, up to 200 characters.
    pub note: Option<String>,
    /// The token of a guest's cart.
    pub guest_token: Option<String>,
}

impl CartLineAddInput {
    pub(super) fn parse(self) -> Result<AddLine, CartError> {
        let chosen = self.modifier_ids.unwrap_or_default();
        Ok(AddLine {
            variant_id: self.variant_id.parse()?,
            quantity: i64::from(self.quantity),
            modifier_ids: chosen
                .iter()
                .map(|id| id.parse())
                .collect::<Result<Vec<ModifierId>, MalformedId>>()?,
            note: self.note,
        })
    }
}

/// Changes how many there are of a line.
#[derive(Debug, InputObject)]
pub struct CartLineUpdateInput {
    /// The line, `cln_…`.
    pub line_id: ID,
    /// How many, 1 to 99.
    pub quantity: i32,
    /// The token of a guest's cart.
    pub guest_token: Option<String>,
}

/// Takes a line out.
#[derive(Debug, InputObject)]
pub struct CartLineRemoveInput {
    /// The line, `cln_…`.
    pub line_id: ID,
    /// The token of a guest's cart.
    pub guest_token: Option<String>,
}

/// Empties the cart.
#[derive(Debug, InputObject)]
pub struct CartClearInput {
    /// The token of a guest's cart.
    pub guest_token: Option<String>,
}

/// Moves a guest's lines into your cart.
#[derive(Debug, InputObject)]
pub struct CartMergeInput {
    /// The token of the guest's cart.
    pub guest_token: String,
}

crate::payload!(
    /// What `cartCreateGuest` answers.
    CartCreateGuestPayload, CartError, {
        /// The token of the new cart; keep it, it is shown once.
        guest_token: String
    }
);

macro_rules! cart_payloads {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $(crate::payload!(
            $(#[$doc])*
            $name, CartError, {
                /// The cart as it is now; null when there are `userErrors`.
                cart: CartObject
            }
        );)+
    };
}

cart_payloads!(
    /// What `cartLineAdd` answers.
    CartLineAddPayload,
    /// What `cartLineUpdate` answers.
    CartLineUpdatePayload,
    /// What `cartLineRemove` answers.
    CartLineRemovePayload,
    /// What `cartClear` answers.
    CartClearPayload,
    /// What `cartMerge` answers.
    CartMergePayload,
);
