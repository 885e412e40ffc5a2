//! What a coupon takes off, in the terms of [`super::rules`].

use daraa_platform::money::Currency;

use super::error::PricingError;
use super::model::QuotedCoupon;
use super::rules::DiscountTerms;
use crate::app::App;
use crate::ids::AccountId;

/// The terms of a code for this customer.
///
/// # Errors
/// The code is unknown, expired, used up, or for another currency; database failure.
pub(super) async fn terms(
    _app: &App,
    _code: &str,
    _account_id: AccountId,
    _currency: Currency,
) -> Result<(QuotedCoupon, DiscountTerms), PricingError> {
    Err(PricingError::CouponNotUsable)
}
