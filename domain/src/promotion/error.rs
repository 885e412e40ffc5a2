//! What can go wrong with coupons.

use daraa_platform::fault::FieldPath;
use daraa_platform::ids::{MalformedId, TypedId as _};

use crate::ids::{CouponId, StoreId};

daraa_platform::faults! {
    /// What the promotion room refuses.
    pub enum PromotionError, PromotionErrorCode {
        /// No coupon has this code, or it is switched off.
        CouponNotFound: NotFound, "There is no such coupon.", "لا توجد قسيمة كهذه.", field "couponCode";
        /// No coupon has this id, or it is somebody else's.
        NoSuchCoupon: NotFound, "There is no such coupon.", "لا توجد قسيمة كهذه.", field "couponId";
        /// It is not valid yet, or not any more.
        CouponExpired: Conflict, "The coupon is not valid now.", "القسيمة غير صالحة الآن.", field "couponCode";
        /// All of it is used or reserved.
        CouponExhausted: Conflict, "The coupon is used up.", "استُنفدت القسيمة.", field "couponCode";
        /// This customer has used it as often as one may.
        CouponAlreadyUsed: Conflict, "You have used this coupon already.", "لقد استخدمت هذه القسيمة من قبل.", field "couponCode";
        /// Too many checkouts hold it at this moment.
        CouponBusy: Unavailable, "Too many people use this coupon right now; please try again.", "يستخدم كثيرون هذه القسيمة الآن، يرجى المحاولة بعد قليل.";
        /// The reservation expired and the coupon went to somebody else.
        ReservationLost: Conflict, "The coupon's reservation has expired.", "انتهت مدة حجز القسيمة.", field "couponCode";
        /// The code is taken.
        CodeTaken: Conflict, "This code is taken.", "هذا الرمز مستخدم.", field "code";
        /// The code is not 3 to 32 letters and digits.
        InvalidCode: BadInput, "A code has 3 to 32 letters, digits or dashes.", "يتكون الرمز من 3 إلى 32 حرفاً أو رقماً أو شرطة.", field "code";
        /// The value makes no sense for the kind.
        InvalidValue: BadInput, "The value must be 1 to 10000 basis points, or a positive amount.", "يجب أن تكون القيمة من 1 إلى 10000 نقطة أساس، أو مبلغاً موجباً.", field "value";
        /// An amount beside the value is out of its bounds.
        InvalidAmount { path: FieldPath, min: i64, max: i64 }: BadInput, "{path} must be {min} to {max} minor units.", "يجب أن تكون قيمة {path} بين {min} و{max} من الوحدات الصغرى.", at path;
        /// A limit is below one, or the per-customer limit is above its bound.
        InvalidLimit { path: FieldPath }: BadInput, "Limits must be positive; at most 100 uses a customer.", "يجب أن تكون الحدود موجبة، وبحد أقصى 100 استخدام للعميل.", at path;
        /// It ends before it begins.
        InvalidPeriod: BadInput, "The coupon must end after it begins.", "يجب أن تنتهي القسيمة بعد بدايتها.", field "validTo";
        /// There is no such store, or it is not yours.
        StoreNotFound: NotFound, "There is no such store.", "لا يوجد متجر كهذا.", field "storeId";
        /// An id is not one of ours, or of another kind.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
    }
}

impl From<MalformedId> for PromotionError {
    fn from(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            CouponId::PREFIX => &["couponId"],
            StoreId::PREFIX => &["storeId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}
