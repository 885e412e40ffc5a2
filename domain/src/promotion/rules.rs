//! Pure decisions about coupons.

use daraa_platform::fault::FieldPath;
use daraa_platform::money::FULL_BPS;
use daraa_platform::time::Timestamp;

use super::error::PromotionError;
use super::model::{Coupon, CouponKind, CouponStatus, CustomerUses, NewCoupon, UseState};
use crate::ids::OrderGroupId;

/// More uses a customer need another kind of promotion; also bounds the customer's document.
pub const MAX_PER_CUSTOMER: i64 = 100;
/// Purchases that may hold a coupon at the same moment; bounds the coupon's document.
pub const MAX_RESERVATIONS: i64 = 1_000;
/// No coupon takes off or asks for more than this many minor units.
const MAX_MINOR: i64 = 1_000_000_000_000;

/// A code as it is stored and compared: upper case, no spaces. `None` unless it has 3 to 32 letters, digits or dashes.
#[must_use]
pub fn fold_code(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect();
    let fine = (3..=32).contains(&code.chars().count())
        && code.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    fine.then_some(code)
}

/// The value as it is kept: of free delivery it says nothing.
#[must_use]
pub fn kept_value(new: &NewCoupon) -> i64 {
    if new.kind == CouponKind::FreeDelivery { 0 } else { new.value }
}

/// Checks the terms of a new coupon; returns its folded code.
///
/// # Errors
/// What is wrong with the terms.
pub fn check_terms(new: &NewCoupon) -> Result<String, PromotionError> {
    let code = fold_code(&new.code).ok_or(PromotionError::InvalidCode)?;
    let value_fine = match new.kind {
        CouponKind::Percent => (1..=FULL_BPS).contains(&new.value),
        CouponKind::Fixed => (1..=MAX_MINOR).contains(&new.value),
        CouponKind::FreeDelivery => true,
    };
    if !value_fine {
        return Err(PromotionError::InvalidValue);
    }
    for (path, minor, min) in [
        (&["maxDiscountMinor"], new.max_discount_minor, 1),
        (&["minOrderMinor"], Some(new.min_order_minor), 0),
    ] {
        if minor.is_some_and(|minor| !(min..=MAX_MINOR).contains(&minor)) {
            return Err(PromotionError::InvalidAmount { path: FieldPath(path), min, max: MAX_MINOR });
        }
    }
    for (path, limit, max) in [
        (&["limitTotal"], new.limit_total, i64::MAX),
        (&["limitPerCustomer"], Some(new.limit_per_customer), MAX_PER_CUSTOMER),
    ] {
        if limit.is_some_and(|limit| !(1..=max).contains(&limit)) {
            return Err(PromotionError::InvalidLimit { path: FieldPath(path) });
        }
    }
    if new.valid_to <= new.valid_from {
        return Err(PromotionError::InvalidPeriod);
    }
    Ok(code)
}

/// Whether a coupon may be used now, limits aside.
///
/// # Errors
/// Switched off, or outside its period.
pub fn usable(coupon: &Coupon, now: Timestamp) -> Result<(), PromotionError> {
    if coupon.status != CouponStatus::Active {
        return Err(PromotionError::CouponNotFound);
    }
    if now < coupon.valid_from || now >= coupon.valid_to {
        return Err(PromotionError::CouponExpired);
    }
    Ok(())
}

/// Whether uses are left in all, at `now`; `except` does not count, it is the asker's own.
///
/// # Errors
/// [`PromotionError::CouponExhausted`].
pub fn left_in_all(
    coupon: &Coupon,
    except: Option<OrderGroupId>,
    now: Timestamp,
) -> Result<(), PromotionError> {
    let Some(limit) = coupon.limit_total else { return Ok(()) };
    let live =
        coupon.reservations.iter().filter(|r| r.expires_at > now && Some(r.group_id) != except).count();
    let taken = coupon.used.saturating_add(i64::try_from(live).unwrap_or(i64::MAX));
    if taken < limit { Ok(()) } else { Err(PromotionError::CouponExhausted) }
}

/// Whether uses are left for a customer, at `now`; `except` does not count.
///
/// # Errors
/// [`PromotionError::CouponAlreadyUsed`].
pub fn left_for_customer(
    coupon: &Coupon,
    uses: Option<&CustomerUses>,
    except: Option<OrderGroupId>,
    now: Timestamp,
) -> Result<(), PromotionError> {
    let taken = uses.map_or(0, |u| {
        let live = u
            .uses
            .iter()
            .filter(|u| Some(u.group_id) != except && (u.state != UseState::Reserved || u.expires_at > now));
        live.count()
    });
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    if taken < coupon.limit_per_customer { Ok(()) } else { Err(PromotionError::CouponAlreadyUsed) }
}
