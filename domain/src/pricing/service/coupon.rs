//! What a coupon takes off, in the terms of [`crate::pricing::rules`].

use daraa_platform::money::{Currency, Money};

use crate::app::App;
use crate::ids::AccountId;
use crate::pricing::error::PricingError;
use crate::pricing::model::QuotedCoupon;
use crate::pricing::rules::{DiscountKind, DiscountTerms};
use crate::promotion::{self, Coupon, CouponKind};

/// The terms of a code for this customer.
///
/// # Errors
/// The code is unknown, expired, used up, or for another currency; database failure.
pub(super) async fn terms(
    app: &App,
    code: &str,
    account_id: AccountId,
    currency: Currency,
) -> Result<(QuotedCoupon, DiscountTerms), PricingError> {
    let coupon = promotion::preview(app, code, account_id, app.clock.now()).await?;
    if coupon.currency != currency {
        return Err(PricingError::CouponNotUsable);
    }
    Ok((QuotedCoupon { id: coupon.id, code: coupon.code.clone() }, terms_of(&coupon)))
}

fn terms_of(coupon: &Coupon) -> DiscountTerms {
    let max = coupon.max_discount();
    let kind = match coupon.kind {
        CouponKind::Percent => DiscountKind::Percent { bps: coupon.value, max },
        CouponKind::Fixed => DiscountKind::Fixed(Money::new(coupon.value, coupon.currency)),
        CouponKind::FreeDelivery => DiscountKind::FreeDelivery { max },
    };
    DiscountTerms {
        rule_id: format!("coupon.{}", coupon.code),
        kind,
        min_items: Some(coupon.min_order()).filter(|min| min.amount_minor > 0),
        store_id: coupon.store_id,
        bearer: coupon.bearer,
    }
}
