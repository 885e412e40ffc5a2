//! What can be put on a menu and chosen from it. Pure.

use std::collections::BTreeSet;

use daraa_platform::money::Money;

use super::error::CatalogError;
use super::model::{MAX_GROUPS, MAX_MODIFIERS, MAX_PRICE_MINOR, MAX_VARIANTS, Product, ProductStatus};
use super::stock::MAX_QUANTITY;
use crate::fold::fold;
use crate::ids::{ModifierGroupId, ModifierId, VariantId};
use crate::store::{MAX_NAME_CHARS, good_name};
use crate::text::LocalText;

/// The store's own numbers.
const MAX_SKU_CHARS: usize = 64;

/// What staff do with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductAction {
    /// Put it on the menu.
    Publish,
    /// Take it off.
    Hide,
}

/// A product's life: what is not here cannot happen.
pub const TRANSITIONS: &[(ProductStatus, ProductAction, ProductStatus)] = &[
    (ProductStatus::Draft, ProductAction::Publish, ProductStatus::Published),
    (ProductStatus::Hidden, ProductAction::Publish, ProductStatus::Published),
    (ProductStatus::Published, ProductAction::Hide, ProductStatus::Hidden),
    (ProductStatus::Draft, ProductAction::Hide, ProductStatus::Hidden),
];

/// The status after an action; the same status when it is there already.
#[must_use]
pub fn decide(status: ProductStatus, action: ProductAction) -> Option<ProductStatus> {
    TRANSITIONS
        .iter()
        .find(|(from, by, to)| *by == action && (*from == status || *to == status))
        .map(|(_, _, to)| *to)
}

/// Checks chosen modifiers against a product: each of it, available, none twice, every group within its bounds.
/// Returns what they add to the price of one unit.
///
/// # Errors
/// [`CatalogError::ModifierNotFound`], [`CatalogError::ModifierUnavailable`], [`CatalogError::ModifierTwice`],
/// [`CatalogError::TooFewModifiers`], [`CatalogError::TooManyModifiers`]; overflow of the sum.
pub fn validate_choice(product: &Product, chosen: &[ModifierId]) -> Result<Money, CatalogError> {
    let currency = product.variants.first().map(|v| v.price.currency).ok_or(CatalogError::ProductNotFound)?;
    let mut seen = BTreeSet::new();
    let mut extra = Money::zero(currency);
    for id in chosen {
        let (_, modifier) = product.modifier(*id).ok_or(CatalogError::ModifierNotFound)?;
        if !seen.insert(*id) {
            return Err(CatalogError::ModifierTwice);
        }
        if !modifier.available {
            return Err(CatalogError::ModifierUnavailable);
        }
        extra = extra.add(modifier.price)?;
    }
    for group in &product.modifier_groups {
        let count = group.modifiers.iter().filter(|m| seen.contains(&m.id)).count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let (en, ar) = (group.name.en.clone(), group.name.ar.clone());
        if count < group.min {
            return Err(CatalogError::TooFewModifiers { en, ar, min: group.min });
        }
        if count > group.max {
            return Err(CatalogError::TooManyModifiers { en, ar, max: group.max });
        }
    }
    Ok(extra)
}

/// A variant to be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VariantDraft {
    /// The variant to be changed; none makes a new one.
    pub id: Option<VariantId>,
    /// Distinguishes it from its siblings; may be empty when it is the only one.
    pub name: LocalText,
    /// The price of one, minor units of the store's currency.
    pub price_minor: i64,
    /// The store's own number.
    pub sku: Option<String>,
    /// Counted. Only for new ones.
    pub stock_tracked: bool,
    /// How many there are. Only for new, counted ones.
    pub stock_on_hand: i64,
}

/// A choice to be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModifierDraft {
    /// The choice to be changed; none makes a new one.
    pub id: Option<ModifierId>,
    /// What people read.
    pub name: LocalText,
    /// Added to the price of one, minor units.
    pub price_minor: i64,
    /// Can be chosen now.
    pub available: bool,
}

/// A group to be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GroupDraft {
    /// The group to be changed; none makes a new one.
    pub id: Option<ModifierGroupId>,
    /// What people read.
    pub name: LocalText,
    /// At least so many must be chosen.
    pub min: i64,
    /// At most so many may be chosen.
    pub max: i64,
    /// The choices.
    pub modifiers: Vec<ModifierDraft>,
}

/// Checks the variants of a product: 1 to [`MAX_VARIANTS`], different folded names, good prices and numbers.
///
/// # Errors
/// [`CatalogError::BadVariants`], [`CatalogError::BadName`], [`CatalogError::BadPrice`], [`CatalogError::BadSku`],
/// [`CatalogError::BadQuantity`].
pub fn check_variants(drafts: &[VariantDraft]) -> Result<(), CatalogError> {
    if drafts.is_empty() || drafts.len() > MAX_VARIANTS {
        return Err(CatalogError::BadVariants);
    }
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for draft in drafts {
        if drafts.len() > 1 && !good_name(&draft.name) {
            return Err(CatalogError::BadName);
        }
        if [&draft.name.ar, &draft.name.en].iter().any(|name| name.chars().count() > MAX_NAME_CHARS) {
            return Err(CatalogError::BadName);
        }
        if !names.insert((fold(&draft.name.ar), fold(&draft.name.en)))
            || draft.id.is_some_and(|id| !ids.insert(id))
        {
            return Err(CatalogError::BadVariants);
        }
        check_price(draft.price_minor)?;
        if draft.sku.as_ref().is_some_and(|sku| !(1..=MAX_SKU_CHARS).contains(&sku.chars().count())) {
            return Err(CatalogError::BadSku);
        }
        if !(0..=MAX_QUANTITY).contains(&draft.stock_on_hand) {
            return Err(CatalogError::BadQuantity);
        }
    }
    Ok(())
}

/// Checks the modifier groups of a product: few, named, with bounds that can be met.
///
/// # Errors
/// [`CatalogError::BadModifierGroup`], [`CatalogError::BadName`], [`CatalogError::BadPrice`].
pub fn check_groups(groups: &[GroupDraft]) -> Result<(), CatalogError> {
    if groups.len() > MAX_GROUPS {
        return Err(CatalogError::BadModifierGroup);
    }
    for group in groups {
        let choices = i64::try_from(group.modifiers.len()).unwrap_or(i64::MAX);
        let bounds_hold = 0 <= group.min && group.min <= group.max && group.max <= choices;
        if group.modifiers.is_empty()
            || group.modifiers.len() > MAX_MODIFIERS
            || !bounds_hold
            || group.max == 0
        {
            return Err(CatalogError::BadModifierGroup);
        }
        if !good_name(&group.name) || group.modifiers.iter().any(|m| !good_name(&m.name)) {
            return Err(CatalogError::BadName);
        }
        for modifier in &group.modifiers {
            check_price(modifier.price_minor)?;
        }
    }
    Ok(())
}

fn check_price(minor: i64) -> Result<(), CatalogError> {
    if (0..=MAX_PRICE_MINOR).contains(&minor) { Ok(()) } else { Err(CatalogError::BadPrice) }
}
