//! What the order room refuses.

use daraa_platform::fault::Infra;
use daraa_platform::faults;
use daraa_platform::money::Money;

faults! {
    /// Why something about an order was refused.
    pub enum OrderError, OrderErrorCode {
        /// There is no such order, or it is somebody else's.
        OrderNotFound: NotFound, "There is no such order.", "لا يوجد طلب كهذا.", field "orderId";
        /// There is no such group, or it is somebody else's.
        OrderGroupNotFound: NotFound, "There is no such purchase.", "لا توجد عملية شراء كهذه.", field "orderGroupId";
        /// There is no such store, or you do not work there.
        StoreNotFound: NotFound, "There is no such store.", "لا يوجد متجر كهذا.", field "storeId";
        /// An id is not one of ours.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
        /// The order's state does not allow it.
        InvalidTransition { status: &'static str }: Conflict, "The order is {status}; this is not possible now.", "حالة الطلب {status}، وهذا الإجراء غير ممكن الآن.";
        /// The order's state allows it, but not to you.
        ActionNotAllowed: Conflict, "You may not do this with the order now.", "لا يمكنك القيام بهذا الإجراء على الطلب الآن.";
        /// Somebody changed it meanwhile.
        StaleVersion { version: i64 }: Conflict, "The order was changed meanwhile (version {version}).", "تم تعديل الطلب في هذه الأثناء (النسخة {version}).", field "expectedVersion";
        /// Minutes out of range.
        MinutesOutOfRange { min: i64, max: i64 }: BadInput, "Minutes must be {min} to {max}.", "يجب أن تكون الدقائق بين {min} و{max}.";
        /// A customer cancels at a stage that costs something, without saying which version of the order he saw.
        CancelFeeUnconfirmed { fee: Money }: Conflict, "Cancelling now costs {fee}; confirm with the order's version.", "الإلغاء الآن يكلف {fee}، أكّد بإرسال نسخة الطلب.", field "expectedVersion";
        /// The store has promised another time too often.
        TooManyDelays { max: i64 }: Conflict, "An order is delayed at most {max} times.", "لا يؤجَّل الطلب أكثر من {max} مرات.", field "orderId";
        /// A reason is missing or too long.
        BadReason: BadInput, "Please give a reason of at most 200 characters.", "يرجى ذكر سبب لا يتجاوز 200 حرف.", field "reason";
        /// The key was used for another request.
        IdempotencyKeyReused: Conflict, "This idempotency key was used for another request.", "استُخدم مفتاح التكرار هذا لطلب آخر.", field "idempotencyKey";
        /// A key is empty or too long.
        BadIdempotencyKey: BadInput, "An idempotency key has 1 to 64 characters.", "طول مفتاح التكرار من 1 إلى 64 حرفاً.", field "idempotencyKey";
        /// The same request is at work; its answer comes with the next try.
        RequestInProgress: Conflict, "This request is being worked on; please ask again.", "الطلب قيد المعالجة، يرجى السؤال مجدداً.";
        /// There is no such quote, or it is somebody else's.
        QuoteNotFound: NotFound, "There is no such quote.", "لا يوجد عرض سعر كهذا.", field "quoteId";
        /// The quote is over.
        QuoteExpired: Conflict, "The quote has expired; please ask for a new one.", "انتهت صلاحية عرض السعر، يرجى طلب عرض جديد.", field "quoteId";
        /// Something the quote counts on has changed.
        QuoteChanged: Conflict, "Prices or terms have changed; please ask for a new quote.", "تغيرت الأسعار أو الشروط، يرجى طلب عرض جديد.", field "quoteId";
        /// The quote was placed, or is being placed, by another request.
        QuoteUsed: Conflict, "This quote was placed already.", "استُخدم عرض السعر هذا من قبل.", field "quoteId";
        /// A store takes no orders now.
        StoreClosed: Conflict, "A store takes no orders now.", "أحد المتاجر لا يستقبل الطلبات الآن.", field "quoteId";
        /// A store does not deliver to the address.
        OutOfArea: Conflict, "A store does not deliver to this address.", "أحد المتاجر لا يوصل إلى هذا العنوان.", field "quoteId";
        /// The items of a store cost less than it accepts.
        BelowMinimum: Conflict, "The items are below a store's minimum.", "قيمة الأصناف أقل من الحد الأدنى لأحد المتاجر.", field "quoteId";
        /// There is less than the quote asks for.
        SoldOut { quantity_available: i64 }: Conflict, "Only {quantity_available} are left of an item.", "بقي {quantity_available} فقط من أحد الأصناف.", field "quoteId";
        /// Something is not sold any more.
        ItemUnavailable: Conflict, "An item is not available any more.", "أحد الأصناف لم يعد متوفراً.", field "quoteId";
        /// The coupon cannot be used any more.
        CouponNotUsable: Conflict, "The coupon cannot be used any more.", "لم يعد بالإمكان استخدام القسيمة.", field "quoteId";
        /// Paying by card needs a card token.
        CardRequired: BadInput, "Paying by card needs a card.", "الدفع بالبطاقة يتطلب بطاقة.", field "cardToken";
        /// A card token is empty or too long.
        BadCardToken: BadInput, "The card token is malformed.", "رمز البطاقة غير صالح.", field "cardToken";
        /// This deployment takes no cards.
        CardsNotAccepted: Conflict, "Cards are not accepted here.", "الدفع بالبطاقة غير متاح هنا.", field "cardToken";
        /// The wallet holds less than the purchase costs.
        InsufficientFunds { available: Money }: Conflict, "The wallet does not hold enough ({available} available).", "رصيد المحفظة لا يكفي (المتاح {available}).";
        /// The payment refused.
        PaymentRefused: Conflict, "The payment was refused.", "رُفضت عملية الدفع.";
        /// There is no such refund.
        RefundNotFound: NotFound, "There is no such refund.", "لا يوجد استرداد كهذا.", field "refundId";
        /// Somebody decided about the refund before, and otherwise.
        RefundDecided { status: &'static str }: Conflict, "The refund is {status}; this is not possible now.", "حالة الاسترداد {status}، وهذا الإجراء غير ممكن الآن.", field "refundId";
        /// A line is not of this order.
        LineNotFound: NotFound, "There is no such line in the order.", "لا يوجد سطر كهذا في الطلب.", field "lineIds";
        /// An amount is zero or negative.
        BadAmount: BadInput, "The amount must be positive.", "يجب أن يكون المبلغ موجباً.", field "amountMinor";
        /// More than is left to refund.
        RefundTooLarge { left: Money }: Conflict, "Only {left} can still be refunded.", "يمكن استرداد {left} فقط.", field "amountMinor";
        /// The time to ask for a refund is over.
        RefundTooLate: Conflict, "The time to ask for a refund is over.", "انتهت مهلة طلب الاسترداد.", field "orderId";
        /// Refunds of this order were asked for too often.
        TooManyRefunds { max: i64 }: Conflict, "At most {max} refunds of an order can be asked for.", "لا يمكن طلب أكثر من {max} استرداد للطلب الواحد.", field "orderId";
        /// There was no courier who could be liable.
        NoCourierToCharge: Conflict, "There was no courier who could pay for it.", "لا يوجد سائق يتحمل التكلفة.", field "liability";
        /// Too many wrong codes were tried.
        CodeBlocked: Conflict, "Too many wrong codes; please contact support.", "محاولات خاطئة كثيرة، يرجى التواصل مع الدعم.", field "code";
        /// What was typed cannot be a code; no try was used up.
        NotACode: BadInput, "A code has four digits.", "الرمز من أربعة أرقام.", field "code";
        /// The code is not the order's.
        WrongCode: BadInput, "The code is wrong.", "الرمز غير صحيح.", field "code";
    }
}

impl From<crate::pricing::PricingError> for OrderError {
    fn from(e: crate::pricing::PricingError) -> Self {
        use crate::pricing::PricingError as E;
        match e {
            E::Infra(cause) => Self::Infra(cause),
            E::QuoteNotFound => Self::QuoteNotFound,
            E::CouponNotFound
            | E::CouponExpired
            | E::CouponExhausted
            | E::CouponAlreadyUsed
            | E::CouponNotUsable
            | E::CouponForOtherStore
            | E::CouponBelowMinimum { .. } => Self::CouponNotUsable,
            _ => Self::QuoteChanged,
        }
    }
}

impl From<crate::catalog::CatalogError> for OrderError {
    fn from(e: crate::catalog::CatalogError) -> Self {
        use crate::catalog::CatalogError as E;
        match e {
            E::Infra(cause) => Self::Infra(cause),
            E::SoldOut { available, .. } => Self::SoldOut { quantity_available: available },
            _ => Self::ItemUnavailable,
        }
    }
}

impl From<crate::promotion::PromotionError> for OrderError {
    fn from(e: crate::promotion::PromotionError) -> Self {
        match e {
            crate::promotion::PromotionError::Infra(cause) => Self::Infra(cause),
            _ => Self::CouponNotUsable,
        }
    }
}

impl From<crate::payment::PaymentError> for OrderError {
    fn from(e: crate::payment::PaymentError) -> Self {
        use crate::payment::PaymentError as E;
        match e {
            E::Infra(cause) => Self::Infra(cause),
            E::InsufficientFunds { available } => Self::InsufficientFunds { available },
            E::CardTokenRequired => Self::CardRequired,
            E::CardsNotAccepted => Self::CardsNotAccepted,
            E::RefundExceedsCaptured { left } => Self::RefundTooLarge { left },
            E::OutcomeUnknown | E::PaymentBusy => {
                Self::Infra(Infra::Port { port: "pay", cause: "its answer is not known yet".to_owned() })
            }
            _ => Self::PaymentRefused,
        }
    }
}

impl From<crate::ledger::LedgerError> for OrderError {
    fn from(e: crate::ledger::LedgerError) -> Self {
        match e {
            crate::ledger::LedgerError::Infra(cause) => Self::Infra(cause),
            crate::ledger::LedgerError::NotSettled => {
                Self::Infra(Infra::Port { port: "ledger", cause: "the order is not settled yet".to_owned() })
            }
            other => Self::Infra(Infra::defect(other)),
        }
    }
}

impl From<crate::cart::CartError> for OrderError {
    fn from(e: crate::cart::CartError) -> Self {
        match e {
            crate::cart::CartError::Infra(cause) => Self::Infra(cause),
            _ => Self::QuoteChanged,
        }
    }
}

impl From<crate::store::StoreError> for OrderError {
    fn from(e: crate::store::StoreError) -> Self {
        match e {
            crate::store::StoreError::Infra(cause) => Self::Infra(cause),
            _ => Self::StoreNotFound,
        }
    }
}

impl From<crate::account::AccountError> for OrderError {
    fn from(e: crate::account::AccountError) -> Self {
        match e {
            crate::account::AccountError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(Infra::defect(other)),
        }
    }
}

impl From<daraa_platform::ids::MalformedId> for OrderError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}
