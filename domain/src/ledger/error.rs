//! What can go wrong with the books.

use daraa_platform::money::Money;

daraa_platform::faults! {
    /// What the books refuse.
    pub enum LedgerError, LedgerErrorCode {
        /// The wallet holds less than asked for, holds of open orders not counted.
        InsufficientFunds { available: Money }:
            Conflict, "The wallet has only {available} available.", "الرصيد المتاح في المحفظة هو {available} فقط.";
        /// Nobody credits a wallet of one's own.
        OwnWallet: Conflict, "Somebody else has to credit your own wallet.", "يجب أن يضيف شخص آخر الرصيد إلى محفظتك.";
        /// There is no such account.
        AccountNotFound: NotFound, "There is no such account.", "لا يوجد حساب كهذا.";
        /// An amount that must be positive is not, or is too large.
        InvalidAmount: BadInput, "The amount must be positive and not too large.", "يجب أن يكون المبلغ موجباً وغير كبير جداً.", field "amountMinor";
        /// Not a phone number.
        InvalidPhone: BadInput, "This is not a phone number.", "هذا ليس رقم هاتف صحيحاً.", field "phone";
        /// Neither an account nor a phone number, or both.
        OwnerRequired: BadInput, "Name either an account or a phone number.", "حدد حساباً أو رقم هاتف.", field "accountId";
        /// A reason is missing or too long.
        InvalidReason: BadInput, "A reason of 1 to 200 characters is needed.", "يلزم ذكر السبب (من 1 إلى 200 حرف).", field "reason";
        /// The same reference was booked before; nothing was booked now.
        AlreadyPosted: Conflict, "This was booked before.", "تم قيد هذه العملية من قبل.";
        /// The order's money is not divided yet, so nothing of it can be charged back; soon it will be.
        NotSettled: Unavailable, "The order is still being settled; please try again shortly.", "ما زالت تسوية الطلب جارية، يرجى المحاولة بعد قليل.";
        /// The idempotency key is missing or too long.
        InvalidIdempotencyKey: BadInput, "The idempotency key must have 1 to 64 characters.", "يجب أن يكون مفتاح التكرار من 1 إلى 64 حرفاً.", field "idempotencyKey";
        /// The key was used for another request.
        IdempotencyKeyReused: Conflict, "This idempotency key was used for another request.", "استُخدم مفتاح التكرار هذا لطلب آخر.", field "idempotencyKey";
        /// An id is not one of ours, or of another kind.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
    }
}

impl From<daraa_platform::ids::MalformedId> for LedgerError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<crate::account::AccountError> for LedgerError {
    fn from(e: crate::account::AccountError) -> Self {
        match e {
            crate::account::AccountError::Infra(cause) => Self::Infra(cause),
            crate::account::AccountError::InvalidPhone => Self::InvalidPhone,
            _ => Self::AccountNotFound,
        }
    }
}
