//! What the order room refuses.

use daraa_platform::faults;

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
        /// A reason is missing or too long.
        BadReason: BadInput, "Please give a reason of at most 200 characters.", "يرجى ذكر سبب لا يتجاوز 200 حرف.", field "reason";
        /// The key was used for another request.
        IdempotencyKeyReused: Conflict, "This idempotency key was used for another request.", "استُخدم مفتاح التكرار هذا لطلب آخر.", field "idempotencyKey";
        /// A key is empty or too long.
        BadIdempotencyKey: BadInput, "An idempotency key has 1 to 64 characters.", "طول مفتاح التكرار من 1 إلى 64 حرفاً.", field "idempotencyKey";
        /// Too many wrong codes were tried.
        CodeBlocked: Conflict, "Too many wrong codes; please contact support.", "محاولات خاطئة كثيرة، يرجى التواصل مع الدعم.", field "code";
        /// The code is not the order's.
        WrongCode: BadInput, "The code is wrong.", "الرمز غير صحيح.", field "code";
    }
}
