//! What can be put on a menu and chosen from it. Pure.

use std::collections::BTreeSet;

use daraa_platform::money::Money;

use super::error::CatalogError;
use super::model::{
    MAX_GROUPS, MAX_IMAGES, MAX_MODIFIERS, MAX_PRICE_MINOR, MAX_VARIANTS, Product, ProductStatus,
};
use super::stock::MAX_QUANTITY;
use crate::fold::fold;
use crate::ids::{ModifierGroupId, ModifierId, VariantId};
use crate::store::{good_name, good_name_or_none};
use crate::text::{Lines, LocalText, clean_within};

/// The store's own numbers.
const MAX_SKU_CHARS: usize = 64;
/// The address of an image.
const MAX_IMAGE_CHARS: usize = 500;

/// What staff do with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductAction {
    /// Put it on the menu.
    Publish,
    /// Take it off.
    Hide,
    /// Be done with it for good.
    Archive,
}

/// A product's life: what is not here cannot happen.
pub const TRANSITIONS: &[(ProductStatus, ProductAction, ProductStatus)] = &[
    (ProductStatus::Draft, ProductAction::Publish, ProductStatus::Published),
    (ProductStatus::Hidden, ProductAction::Publish, ProductStatus::Published),
    (ProductStatus::Published, ProductAction::Hide, ProductStatus::Hidden),
    (ProductStatus::Draft, ProductAction::Hide, ProductStatus::Hidden),
    (ProductStatus::Draft, ProductAction::Archive, ProductStatus::Archived),
    (ProductStatus::Published, ProductAction::Archive, ProductStatus::Archived),
    (ProductStatus::Hidden, ProductAction::Archive, ProductStatus::Archived),
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
    /// Counted: a new one from the start, an uncounted one from now on. A counted one stays so.
    pub stock_tracked: bool,
    /// How many there are when it begins to be counted.
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
/// [`CatalogError::BadQuantity`], [`CatalogError::StockNotSettable`].
pub fn check_variants(drafts: &[VariantDraft]) -> Result<(), CatalogError> {
    if drafts.is_empty() || drafts.len() > MAX_VARIANTS {
        return Err(CatalogError::BadVariants);
    }
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for draft in drafts {
        let named = if drafts.len() > 1 { good_name(&draft.name) } else { good_name_or_none(&draft.name) };
        if !named {
            return Err(CatalogError::BadName);
        }
        if !names.insert((fold(&draft.name.ar), fold(&draft.name.en)))
            || draft.id.is_some_and(|id| !ids.insert(id))
        {
            return Err(CatalogError::BadVariants);
        }
        check_price(draft.price_minor)?;
        let bad_sku = |sku: &String| clean_within(sku, Lines::One, 1..=MAX_SKU_CHARS).is_none();
        if draft.sku.as_ref().is_some_and(bad_sku) {
            return Err(CatalogError::BadSku);
        }
        if !(0..=MAX_QUANTITY).contains(&draft.stock_on_hand) {
            return Err(CatalogError::BadQuantity);
        }
        if draft.stock_on_hand != 0 && !draft.stock_tracked {
            return Err(CatalogError::StockNotSettable);
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

/// Checks the images of a product: few, and each an `https` address, for apps load them as they are.
///
/// # Errors
/// [`CatalogError::BadImages`].
pub fn check_images(images: &[String]) -> Result<(), CatalogError> {
    let good = |image: &String| {
        let host = image.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
        // No user, no blanks, nothing that ends an attribute or a tag.
        let fits = |c: char| {
            c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
        };
        host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()) && !host.contains('@'))
            && image.len() <= MAX_IMAGE_CHARS
            && image.chars().all(fits)
    };
    if images.len() <= MAX_IMAGES && images.iter().all(good) { Ok(()) } else { Err(CatalogError::BadImages) }
}

fn check_price(minor: i64) -> Result<(), CatalogError> {
    if (0..=MAX_PRICE_MINOR).contains(&minor) { Ok(()) } else { Err(CatalogError::BadPrice) }
}
