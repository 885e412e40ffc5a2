//! What can go wrong with payments.

use daraa_platform::money::Money;

use crate::ledger::LedgerError;

daraa_platform::faults! {
    /// What the payment room refuses.
    pub enum PaymentError, PaymentErrorCode {
        /// There is no such payment, or it is somebody else's.
        PaymentNotFound: NotFound, "There is no such payment.", "لا توجد دفعة كهذه.";
        /// The payment's state does not allow it.
        InvalidTransition { state: &'static str }: Conflict, "The payment is {state}; this cannot be done now.", "حالة الدفعة {state}؛ لا يمكن تنفيذ ذلك الآن.";
        /// Paying by card needs a card token.
        CardTokenRequired: BadInput, "Paying by card needs a card.", "الدفع بالبطاقة يتطلب بطاقة.", field "cardToken";
        /// This deployment takes no cards.
        CardsNotAccepted: Conflict, "Cards are not accepted here.", "الدفع بالبطاقة غير متاح هنا.";
        /// The wallet holds less than the purchase costs.
        InsufficientFunds { available: Money }: Conflict, "The wallet has only {available} available.", "الرصيد المتاح في المحفظة هو {available} فقط.";
        /// An amount is not positive, or more than there is.
        InvalidAmount: BadInput, "The amount must be positive and not more than what is due.", "يجب أن يكون المبلغ موجباً ولا يتجاوز المستحق.", field "amountMinor";
        /// A refund would exceed what was taken.
        RefundExceedsCaptured { left: Money }: Conflict, "Only {left} can still be refunded.", "يمكن رد {left} فقط.", field "amountMinor";
        /// The cash handed over is not what is due.
        WrongCashAmount { due_minor: i64 }: Conflict, "Exactly {due_minor} minor units are due in cash.", "المبلغ النقدي المستحق هو {due_minor} تماماً (بأصغر وحدة).", field "cashCollectedMinor";
        /// The provider's answer is not known yet; it is being looked up.
        OutcomeUnknown: Unavailable, "The payment provider has not answered yet; please try again shortly.", "لم يرد مزود الدفع بعد، يرجى المحاولة بعد قليل.";
        /// The provider or the bank refused.
        ProviderRefused: Conflict, "The payment provider refused.", "رفض مزود الدفع العملية.";
        /// A webhook is not signed by the provider, or is malformed.
        WebhookRejected: Unauthenticated, "The webhook is not signed by the provider.", "الإشعار غير موقّع من مزود الدفع.";
        /// Somebody changed the payment at the same time, again and again.
        PaymentBusy: Unavailable, "The payment changed at the same time; please try again.", "تغيرت الدفعة في الوقت نفسه، يرجى المحاولة مجدداً.";
        /// The idempotency key is missing or too long.
        InvalidIdempotencyKey: BadInput, "The idempotency key must have 1 to 64 characters.", "يجب أن يكون مفتاح التكرار من 1 إلى 64 حرفاً.", field "idempotencyKey";
        /// The key was used for another request.
        IdempotencyKeyReused: Conflict, "This idempotency key was used for another request.", "استُخدم مفتاح التكرار هذا لطلب آخر.", field "idempotencyKey";
        /// An id is not one of ours, or of another kind.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
    }
}

impl From<LedgerError> for PaymentError {
    fn from(e: LedgerError) -> Self {
        match e {
            LedgerError::InsufficientFunds { available } => Self::InsufficientFunds { available },
            LedgerError::InvalidAmount => Self::InvalidAmount,
            LedgerError::Infra(cause) => Self::Infra(cause),
            // The rest is about commands this room does not give.
            other => Self::Infra(daraa_platform::fault::Infra::defect(other)),
        }
    }
}

impl From<daraa_platform::ids::MalformedId> for PaymentError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}
