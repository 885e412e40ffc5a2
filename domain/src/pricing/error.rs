//! What pricing refuses.

use daraa_platform::fault::FieldPath;
use daraa_platform::ids::{MalformedId, TypedId as _};
use daraa_platform::money::{Money, MoneyError};

use super::rules::PriceError;
use crate::ids::{AddressId, QuoteId};

daraa_platform::faults! {
    /// Why there is no quote, or why it does not hold.
    pub enum PricingError, PricingErrorCode {
        /// There is no such quote, or it is somebody else's.
        QuoteNotFound: NotFound, "There is no such quote.", "لا يوجد عرض سعر كهذا.", field "quoteId";
        /// Nothing is in the cart.
        CartEmpty: Conflict, "The cart is empty.", "السلة فارغة.";
        /// Nothing in the cart can be bought.
        NothingAvailable: Conflict, "Nothing in the cart can be bought now.", "لا شيء في السلة متاح للشراء حالياً.";
        /// Delivery needs an address.
        AddressRequired: BadInput, "Delivery needs an address.", "التوصيل يحتاج إلى عنوان.", field "addressId";
        /// There is no such address, or it is somebody else's.
        AddressNotFound: NotFound, "There is no such address.", "لا يوجد عنوان كهذا.", field "addressId";
        /// Stores with different currencies cannot be paid together.
        MixedCurrencies: Conflict, "The stores in the cart use different currencies.", "تستخدم المتاجر في السلة عملات مختلفة.";
        /// There is no delivery in this currency.
        CurrencyNotServed: Conflict, "There is no delivery for this currency.", "لا يتوفر التوصيل لهذه العملة.";
        /// A tip below zero or absurdly large.
        BadTip { path: FieldPath }: BadInput, "A tip must be zero or more.", "يجب ألا تقل الإكرامية عن الصفر.", at path;
        /// A tip for a courier who does not come.
        TipNotApplicable: BadInput, "There is no courier to tip for takeaway.", "لا يوجد سائق للإكرامية عند الاستلام من المتجر.", field "courierTipMinor";
        /// No coupon has this code.
        CouponNotFound: NotFound, "There is no such coupon.", "لا توجد قسيمة كهذه.", field "couponCode";
        /// The coupon is not valid yet, or not any more.
        CouponExpired: Conflict, "The coupon is not valid now.", "القسيمة غير صالحة الآن.", field "couponCode";
        /// All of it is used or reserved.
        CouponExhausted: Conflict, "The coupon is used up.", "استُنفدت القسيمة.", field "couponCode";
        /// This customer has used it as often as one may.
        CouponAlreadyUsed: Conflict, "You have used this coupon already.", "لقد استخدمت هذه القسيمة من قبل.", field "couponCode";
        /// The coupon is for another currency.
        CouponNotUsable: Conflict, "This coupon cannot be used.", "لا يمكن استخدام هذه القسيمة.", field "couponCode";
        /// The eligible items cost less than the coupon asks for.
        CouponBelowMinimum { minimum: String }: Conflict, "This coupon needs items worth at least {minimum}.", "تحتاج هذه القسيمة إلى أصناف بقيمة {minimum} على الأقل.", field "couponCode";
        /// The coupon is for a store that is not in the cart.
        CouponForOtherStore: Conflict, "This coupon is for another store.", "هذه القسيمة لمتجر آخر.", field "couponCode";
        /// The amounts are too large to add up.
        AmountTooLarge: BadInput, "The amounts are too large.", "المبالغ كبيرة جداً.";
        /// An id is not one of ours.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
    }
}

impl From<PriceError> for PricingError {
    fn from(e: PriceError) -> Self {
        match e {
            PriceError::Money(MoneyError::Overflow) => Self::AmountTooLarge,
            PriceError::Money(MoneyError::CurrencyMismatch { .. }) => Self::MixedCurrencies,
            PriceError::Money(other @ MoneyError::NoShares) => Self::Infra(other.into()),
            PriceError::BelowCouponMinimum(min) => Self::CouponBelowMinimum { minimum: shown(min) },
            PriceError::CouponForOtherStore => Self::CouponForOtherStore,
        }
    }
}

fn shown(amount: Money) -> String {
    amount.formatted(daraa_platform::fault::Lang::En)
}

impl From<crate::cart::CartError> for PricingError {
    fn from(e: crate::cart::CartError) -> Self {
        match e {
            crate::cart::CartError::Infra(cause) => Self::Infra(cause),
            crate::cart::CartError::AddressNotFound => Self::AddressNotFound,
            _ => Self::CartEmpty,
        }
    }
}

impl From<crate::address::AddressError> for PricingError {
    fn from(e: crate::address::AddressError) -> Self {
        match e {
            crate::address::AddressError::Infra(cause) => Self::Infra(cause),
            _ => Self::AddressNotFound,
        }
    }
}

impl From<crate::promotion::PromotionError> for PricingError {
    fn from(e: crate::promotion::PromotionError) -> Self {
        use crate::promotion::PromotionError as E;
        match e {
            E::Infra(cause) => Self::Infra(cause),
            E::CouponNotFound => Self::CouponNotFound,
            E::CouponExpired => Self::CouponExpired,
            E::CouponExhausted => Self::CouponExhausted,
            E::CouponAlreadyUsed => Self::CouponAlreadyUsed,
            _ => Self::CouponNotUsable,
        }
    }
}

impl From<MalformedId> for PricingError {
    fn from(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            AddressId::PREFIX => &["addressId"],
            QuoteId::PREFIX => &["quoteId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}
