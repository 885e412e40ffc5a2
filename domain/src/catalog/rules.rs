//! What can be put on a menu and chosen from it. Pure.

use std::collections::BTreeSet;

use daraa_platform::money::Money;

use super::error::CatalogError;
use super::model::{Product, ProductStatus};
use crate::ids::ModifierId;

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
