//! What menu mutations take and answer.

use std::str::FromStr;

use async_graphql::{ID, InputObject};
use daraa_domain::catalog::stock::AdjustStock;
use daraa_domain::catalog::{
    CatalogError, CreateProduct, CreateSection, GroupDraft, ModifierDraft, TaxClass, UpdateProduct,
    VariantDraft, VariantStatus,
};
use daraa_platform::ids::MalformedId;

use super::types::{MenuSectionObject, ProductObject, StockObject};
use crate::graphql::scalars::{BigInt, LocalTextInput};

/// Adds a section to a menu.
#[derive(InputObject)]
pub struct MenuSectionCreateInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// What people read, 1 to 120 characters in one language at least.
    pub name: LocalTextInput,
    /// Shown in this order; 0 when left out.
    pub position: Option<i32>,
}

impl MenuSectionCreateInput {
    pub(super) fn parse(self) -> Result<CreateSection, CatalogError> {
        Ok(CreateSection {
            store_id: self.store_id.parse()?,
            name: self.name.into(),
            position: self.position.unwrap_or_default().into(),
        })
    }
}

/// Changes a section; what is left out stays.
#[derive(InputObject)]
pub struct MenuSectionUpdateInput {
    /// Which, `mns_…`.
    pub section_id: ID,
    /// What people read.
    pub name: Option<LocalTextInput>,
    /// Shown in this order.
    pub position: Option<i32>,
}

/// Deletes a section that no product is in.
#[derive(Debug, InputObject)]
pub struct MenuSectionDeleteInput {
    /// Which, `mns_…`.
    pub section_id: ID,
}

/// A variant of a product.
#[derive(InputObject)]
pub struct VariantInput {
    /// The variant to be changed, `var_…`; a new one when left out.
    pub variant_id: Option<ID>,
    /// Distinguishes it from its siblings; may be left out when it is the only one.
    pub name: Option<LocalTextInput>,
    /// The price of one, minor units of the store's currency, 0 to 1,000,000,000,000.
    pub price_minor: BigInt,
    /// The store's own number, 1 to 64 characters.
    pub sku: Option<String>,
    /// Counted: a new one from the start, one that was not counted from now on. One that is counted stays so.
    #[graphql(default)]
    pub stock_tracked: bool,
    /// How many there are when it begins to be counted, 0 when left out; after that `stockAdjust` moves its stock.
    pub stock_on_hand: Option<BigInt>,
}

impl VariantInput {
    fn parse(self) -> Result<VariantDraft, CatalogError> {
        Ok(VariantDraft {
            id: part(self.variant_id)?,
            name: text(self.name),
            price_minor: self.price_minor.0,
            sku: self.sku,
            stock_tracked: self.stock_tracked,
            stock_on_hand: self.stock_on_hand.map_or(0, |n| n.0),
        })
    }
}

/// A choice of a group.
#[derive(InputObject)]
pub struct ModifierInput {
    /// The choice to be changed, `mod_…`; a new one when left out.
    pub modifier_id: Option<ID>,
    /// What people read.
    pub name: LocalTextInput,
    /// Added to the price of one, minor units, 0 or more.
    pub price_minor: BigInt,
    /// Can be chosen now.
    #[graphql(default = true)]
    pub available: bool,
}

/// A question asked with a product.
#[derive(InputObject)]
pub struct ModifierGroupInput {
    /// The group to be changed, `mgr_…`; a new one when left out.
    pub modifier_group_id: Option<ID>,
    /// What people read.
    pub name: LocalTextInput,
    /// At least so many must be chosen, 0 or more.
    pub min: i32,
    /// At most so many may be chosen, no more than there are choices.
    pub max: i32,
    /// 1 to 50 choices.
    pub modifiers: Vec<ModifierInput>,
}

impl ModifierGroupInput {
    fn parse(self) -> Result<GroupDraft, CatalogError> {
        let modifier = |m: ModifierInput| {
            Ok(ModifierDraft {
                id: part(m.modifier_id)?,
                name: m.name.into(),
                price_minor: m.price_minor.0,
                available: m.available,
            })
        };
        Ok(GroupDraft {
            id: part(self.modifier_group_id)?,
            name: self.name.into(),
            min: self.min.into(),
            max: self.max.into(),
            modifiers: self.modifiers.into_iter().map(modifier).collect::<Result<_, CatalogError>>()?,
        })
    }
}

/// The id of a part of a product that is to be changed.
fn part<I: FromStr<Err = MalformedId>>(id: Option<ID>) -> Result<Option<I>, CatalogError> {
    id.map(|id| id.parse()).transpose().map_err(CatalogError::malformed_part)
}

fn text(input: Option<LocalTextInput>) -> daraa_domain::text::LocalText {
    input.unwrap_or(LocalTextInput { ar: None, en: None }).into()
}

fn variants(inputs: Vec<VariantInput>) -> Result<Vec<VariantDraft>, CatalogError> {
    inputs.into_iter().map(VariantInput::parse).collect()
}

fn groups(inputs: Vec<ModifierGroupInput>) -> Result<Vec<GroupDraft>, CatalogError> {
    inputs.into_iter().map(ModifierGroupInput::parse).collect()
}

/// Adds a product as a draft.
#[derive(InputObject)]
pub struct ProductCreateInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// Where on the menu, `mns_…`.
    pub section_id: Option<ID>,
    /// What people read, 1 to 120 characters in one language at least.
    pub name: LocalTextInput,
    /// More about it, up to 1,000 characters.
    pub description: Option<LocalTextInput>,
    /// How it is taxed; STANDARD when left out.
    pub tax_class: Option<TaxClass>,
    /// `https` addresses of pictures, at most 10.
    #[graphql(default)]
    pub images: Vec<String>,
    /// 1 to 50 variants with different names.
    pub variants: Vec<VariantInput>,
    /// At most 20 questions.
    #[graphql(default)]
    pub modifier_groups: Vec<ModifierGroupInput>,
}

impl ProductCreateInput {
    pub(super) fn parse(self) -> Result<CreateProduct, CatalogError> {
        Ok(CreateProduct {
            store_id: self.store_id.parse()?,
            section_id: self.section_id.map(|id| id.parse()).transpose()?,
            name: self.name.into(),
            description: text(self.description),
            tax_class: self.tax_class.unwrap_or_default(),
            images: self.images,
            variants: variants(self.variants)?,
            modifier_groups: groups(self.modifier_groups)?,
        })
    }
}

/// Changes a product; what is left out stays.
#[derive(InputObject)]
pub struct ProductUpdateInput {
    /// Which, `prd_…`.
    pub product_id: ID,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
    /// Where on the menu, `mns_…`.
    pub section_id: Option<ID>,
    /// What people read.
    pub name: Option<LocalTextInput>,
    /// More about it.
    pub description: Option<LocalTextInput>,
    /// How it is taxed.
    pub tax_class: Option<TaxClass>,
    /// `https` addresses of pictures, at most 10.
    pub images: Option<Vec<String>>,
    /// All variants: those with a `variantId` are changed, those without are new, those not named go.
    pub variants: Option<Vec<VariantInput>>,
    /// All questions, in the same way.
    pub modifier_groups: Option<Vec<ModifierGroupInput>>,
}

impl ProductUpdateInput {
    pub(super) fn parse(self) -> Result<UpdateProduct, CatalogError> {
        Ok(UpdateProduct {
            expected_version: self.expected_version.map(i64::from),
            section_id: self.section_id.map(|id| id.parse()).transpose()?,
            name: self.name.map(Into::into),
            description: self.description.map(Into::into),
            tax_class: self.tax_class,
            images: self.images,
            variants: self.variants.map(variants).transpose()?,
            modifier_groups: self.modifier_groups.map(groups).transpose()?,
        })
    }
}

/// Puts a product on the menu.
#[derive(Debug, InputObject)]
pub struct ProductPublishInput {
    /// Which, `prd_…`.
    pub product_id: ID,
}

/// Takes a product off the menu.
#[derive(Debug, InputObject)]
pub struct ProductHideInput {
    /// Which, `prd_…`.
    pub product_id: ID,
}

/// Archives a product for good.
#[derive(Debug, InputObject)]
pub struct ProductArchiveInput {
    /// Which, `prd_…`.
    pub product_id: ID,
}

/// Moves the stock of a variant by hand.
#[derive(Debug, InputObject)]
pub struct StockAdjustInput {
    /// Which, `var_…`.
    pub variant_id: ID,
    /// What came in (positive) or is taken out (negative), at most 1,000,000.
    pub delta: BigInt,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// Your key for this request, 1 to 64 characters: asked again it moves nothing twice.
    pub idempotency_key: ID,
}

impl StockAdjustInput {
    pub(super) fn parse(self) -> Result<AdjustStock, CatalogError> {
        Ok(AdjustStock {
            variant_id: self.variant_id.parse()?,
            delta: self.delta.0,
            reason: self.reason,
            idempotency_key: self.idempotency_key.0,
        })
    }
}

/// Switches a variant on or off.
#[derive(Debug, InputObject)]
pub struct VariantAvailabilitySetInput {
    /// Which, `var_…`.
    pub variant_id: ID,
    /// Can be bought.
    pub available: bool,
}

impl VariantAvailabilitySetInput {
    pub(super) fn status(&self) -> VariantStatus {
        if self.available { VariantStatus::Available } else { VariantStatus::Unavailable }
    }
}

/// Declares the payloads of mutations that answer a product.
macro_rules! product_payloads {
    ($($name:ident: $doc:literal),+ $(,)?) => {
        $(crate::payload!(
            #[doc = $doc]
            $name, CatalogError, {
                /// The product as it is now; null when there are `userErrors`.
                product: ProductObject
            }
        );)+
    };
}

product_payloads! {
    ProductCreatePayload: "What `productCreate` answers.",
    ProductUpdatePayload: "What `productUpdate` answers.",
    ProductPublishPayload: "What `productPublish` answers.",
    ProductHidePayload: "What `productHide` answers.",
    ProductArchivePayload: "What `productArchive` answers.",
    VariantAvailabilitySetPayload: "What `variantAvailabilitySet` answers.",
}

crate::payload!(
    /// What `menuSectionCreate` answers.
    MenuSectionCreatePayload, CatalogError, {
        /// The section; null when there are `userErrors`.
        section: MenuSectionObject
    }
);

crate::payload!(
    /// What `menuSectionUpdate` answers.
    MenuSectionUpdatePayload, CatalogError, {
        /// The section as it is now; null when there are `userErrors`.
        section: MenuSectionObject
    }
);

crate::payload!(
    /// What `menuSectionDelete` answers.
    MenuSectionDeletePayload, CatalogError, {
        /// The section that is gone, `mns_…`; null when there are `userErrors`.
        section_id: ID
    }
);

crate::payload!(
    /// What `stockAdjust` answers.
    StockAdjustPayload, CatalogError, {
        /// The stock as it is now; null when there are `userErrors`.
        stock: StockObject
    }
);
