//! Pure decisions about carts: how lines join, what is wrong with them.

use daraa_platform::money::{Currency, Money};

use super::error::CartError;
use super::model::{
    CartLine, CartProblem, CartProblemCode, MAX_LINES, MAX_NOTE_CHARS, MAX_QUANTITY, MAX_STORES,
};
use crate::ids::{CartLineId, StoreId, VariantId};
use crate::text::{Lines, clean_within};

/// A checked quantity.
///
/// # Errors
/// Out of 1 to [`MAX_QUANTITY`].
pub(super) fn quantity(wanted: i64) -> Result<i64, CartError> {
    if (1..=MAX_QUANTITY).contains(&wanted) {
        Ok(wanted)
    } else {
        Err(CartError::QuantityOutOfRange { max: MAX_QUANTITY })
    }
}

/// A checked note; an empty one is none.
///
/// # Errors
/// Too long, or with characters that cannot be shown.
pub(super) fn note(text: Option<String>) -> Result<Option<String>, CartError> {
    let Some(text) = text else { return Ok(None) };
    let note = clean_within(&text, Lines::Many, 0..=MAX_NOTE_CHARS)
        .ok_or(CartError::NoteTooLong { max: MAX_NOTE_CHARS })?;
    Ok((!note.is_empty()).then(|| note.to_owned()))
}

fn same_thing(a: &CartLine, b: &CartLine) -> bool {
    a.variant_id == b.variant_id && a.modifier_ids == b.modifier_ids && a.note == b.note
}

/// Adds a line; the same thing with the same choices and note joins the line there is.
///
/// # Errors
/// Too many of one line, too many lines, or too many stores.
pub(super) fn add(lines: &mut Vec<CartLine>, new: CartLine) -> Result<(), CartError> {
    if let Some(line) = lines.iter_mut().find(|line| same_thing(line, &new)) {
        line.quantity = quantity(line.quantity.saturating_add(new.quantity))?;
        line.seen_price = new.seen_price;
        return Ok(());
    }
    if lines.len() >= MAX_LINES {
        return Err(CartError::CartFull { max: MAX_LINES });
    }
    let mut stores: Vec<StoreId> = lines.iter().map(|line| line.store_id).collect();
    stores.push(new.store_id);
    stores.sort_unstable();
    stores.dedup();
    if stores.len() > MAX_STORES {
        return Err(CartError::TooManyStores { max: MAX_STORES });
    }
    lines.push(new);
    Ok(())
}

/// Merges a guest's lines into an account's cart at sign-in. Nothing is refused: what does not fit any more is left
/// out, quantities stop at the maximum.
pub(super) fn merge(lines: &mut Vec<CartLine>, guest: Vec<CartLine>) {
    for line in guest {
        let there = lines.iter().find(|l| same_thing(l, &line)).map_or(0, |l| l.quantity);
        let fits = line.quantity.min(MAX_QUANTITY.saturating_sub(there));
        if fits > 0 {
            // A refusal means the cart is full: the line is left out.
            let _full = add(lines, CartLine { quantity: fits, ..line });
        }
    }
}

/// What a line is today; `None` in [`LineFacts::offered`] when it is not sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// Price of one with the chosen modifiers.
    pub unit_price: Money,
    /// How many there are; `None` when nobody counts.
    pub available: Option<i64>,
}

/// What the problems of a line depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFacts {
    /// The line.
    pub line_id: CartLineId,
    /// Its store.
    pub store_id: StoreId,
    /// Its variant.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
    /// The price the customer saw.
    pub seen_price: Money,
    /// What it is today.
    pub offered: Option<Offered>,
}

/// What the problems of a store depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreFacts {
    /// The store.
    pub store_id: StoreId,
    /// Its currency.
    pub currency: Currency,
    /// Whether it takes orders now.
    pub open: bool,
    /// Whether it delivers to the address; `None` while no address is chosen or none is needed.
    pub covers: Option<bool>,
    /// The least worth of items it accepts.
    pub min_order: Option<Money>,
}

/// Everything that is wrong, stores first.
#[must_use]
pub fn problems(lines: &[LineFacts], stores: &[StoreFacts]) -> Vec<CartProblem> {
    let mut out = Vec::new();
    for store in stores {
        store_problems(lines, store, &mut out);
    }
    if let Some(first) = stores.first().filter(|first| stores.iter().any(|s| s.currency != first.currency)) {
        let others = stores.iter().filter(|s| s.currency != first.currency);
        let store_ids: Vec<StoreId> = others.map(|s| s.store_id).collect();
        let line_ids = lines.iter().filter(|l| store_ids.contains(&l.store_id)).map(|l| l.line_id).collect();
        out.push(CartProblem { line_ids, store_ids, ..bare(CartProblemCode::MixedCurrencies) });
    }
    for line in lines {
        let known_store = stores.iter().any(|s| s.store_id == line.store_id);
        let about =
            |code| CartProblem { line_ids: vec![line.line_id], store_ids: vec![line.store_id], ..bare(code) };
        match line.offered.filter(|_| known_store) {
            None => out.push(about(CartProblemCode::Unavailable)),
            Some(offered) if offered.unit_price != line.seen_price => out.push(CartProblem {
                amount: Some(offered.unit_price),
                ..about(CartProblemCode::PriceChanged)
            }),
            Some(_) => {}
        }
    }
    sold_out(lines, &mut out);
    out
}

fn bare(code: CartProblemCode) -> CartProblem {
    CartProblem { code, line_ids: Vec::new(), store_ids: Vec::new(), quantity_available: None, amount: None }
}

fn store_problems(lines: &[LineFacts], store: &StoreFacts, out: &mut Vec<CartProblem>) {
    let mine = || lines.iter().filter(|line| line.store_id == store.store_id);
    let about = |code| CartProblem {
        line_ids: mine().map(|line| line.line_id).collect(),
        store_ids: vec![store.store_id],
        ..bare(code)
    };
    if !store.open {
        out.push(about(CartProblemCode::StoreClosed));
    }
    if store.covers == Some(false) {
        out.push(about(CartProblemCode::OutOfArea));
    }
    if let Some(min) = store.min_order {
        let worth = mine()
            .filter_map(|line| line.offered.and_then(|o| o.unit_price.times(line.quantity).ok()))
            .try_fold(Money::zero(store.currency), Money::add);
        if worth.is_ok_and(|worth| worth.currency == min.currency && worth.amount_minor < min.amount_minor) {
            out.push(CartProblem { amount: Some(min), ..about(CartProblemCode::BelowMinimum) });
        }
    }
}

/// Two lines of one variant draw on the same stock.
fn sold_out(lines: &[LineFacts], out: &mut Vec<CartProblem>) {
    let mut seen: Vec<VariantId> = Vec::new();
    for line in lines {
        let Some(available) = line.offered.and_then(|o| o.available) else { continue };
        if seen.contains(&line.variant_id) {
            continue;
        }
        seen.push(line.variant_id);
        let same = || lines.iter().filter(|l| l.variant_id == line.variant_id);
        let wanted = same().fold(0_i64, |sum, l| sum.saturating_add(l.quantity));
        if wanted > available {
            out.push(CartProblem {
                line_ids: same().map(|l| l.line_id).collect(),
                store_ids: vec![line.store_id],
                quantity_available: Some(available.max(0)),
                ..bare(CartProblemCode::SoldOut)
            });
        }
    }
}
