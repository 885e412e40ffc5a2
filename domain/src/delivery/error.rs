//! What the delivery room refuses.

use daraa_platform::ids::MalformedId;

use crate::courier::CourierError;
use crate::place::NotAPoint;

daraa_platform::faults! {
    /// What can go wrong with a delivery or an offer.
    pub enum DeliveryError, DeliveryErrorCode {
        /// There is no such delivery, or it is not yours to see.
        DeliveryNotFound: NotFound, "There is no such delivery.", "لا توجد عملية توصيل كهذه.", field "deliveryId";
        /// There is no such offer, or it is not yours to see.
        OfferNotFound: NotFound, "There is no such offer.", "لا يوجد عرض كهذا.", field "offerId";
        /// There is no such courier.
        CourierNotFound: NotFound, "There is no such courier.", "لا يوجد مندوب كهذا.", field "courierId";
        /// The offer's time is over, or it was taken back or answered already.
        OfferNotLive: Conflict, "This offer is over.", "انتهى هذا العرض.", field "offerId";
        /// This step is not possible from the present status.
        InvalidTransition: Conflict, "This is not possible in the present status.", "هذا غير ممكن في الحالة الحالية.";
        /// Somebody else changed it meanwhile.
        StaleVersion: Conflict, "It was changed meanwhile; please look again.", "تم تعديله في هذه الأثناء، يرجى التحديث.";
        /// The courier has as many deliveries as he can take.
        CapacityReached: Conflict, "The courier has as many deliveries as he can take.", "المندوب لديه الحد الأقصى من عمليات التوصيل.";
        /// The courier would hold more cash than he may.
        CashLimitReached: Conflict, "The courier may not take more cash before settling.", "لا يمكن للمندوب حمل نقد إضافي قبل التسوية.";
        /// The courier is not approved or not online.
        CourierNotAvailable: Conflict, "The courier is not available.", "المندوب غير متاح.";
        /// The store has not said it is ready.
        OrderNotReady: Conflict, "The store has not finished it yet.", "لم ينته المتجر من التحضير بعد.";
        /// The position is too far from the stop.
        TooFarAway { distance_m: i64 }: Conflict, "You are {distance_m} m away.", "أنت على بعد {distance_m} متر.", field "point";
        /// The code of the store is wrong.
        WrongStoreCode { tries_left: i64 }: BadInput, "Wrong code; {tries_left} tries left.", "رمز خاطئ، بقي {tries_left} محاولات.", field "storeCode";
        /// What was typed cannot be a code; no try was used up.
        NotACode: BadInput, "A code has four digits.", "الرمز من أربعة أرقام.";
        /// The PIN of the customer is wrong.
        WrongPin { tries_left: i64 }: BadInput, "Wrong PIN; {tries_left} tries left.", "رمز خاطئ، بقي {tries_left} محاولات.", field "pin";
        /// Too many wrong codes.
        TooManyAttempts: Conflict, "Too many wrong codes; wait a few minutes or ask support.", "محاولات خاطئة كثيرة، انتظر بضع دقائق أو اتصل بالدعم.";
        /// The customer has some more minutes to come to the door.
        WaitNotOver: Conflict, "Please wait for the customer until the timer ends.", "يرجى انتظار الزبون حتى انتهاء المؤقت.";
        /// The cash collected is not what is due.
        CashMismatch: BadInput, "The cash collected is not the amount due.", "المبلغ المحصل لا يساوي المبلغ المستحق.", field "cashCollectedMinor";
        /// The order does not allow this step now.
        OrderConflict: Conflict, "The order does not allow this now.", "الطلب لا يسمح بهذا الآن.";
        /// An id is not one of ours.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
        /// Coordinates out of range.
        PointOutOfRange: BadInput, "This is no point on earth.", "الإحداثيات غير صحيحة.", field "point";
        /// The order is not part of the delivery.
        OrderNotInDelivery: BadInput, "The order is not part of this delivery.", "الطلب ليس ضمن عملية التوصيل هذه.", field "orderId";
        /// A reason is missing or too long.
        BadReason: BadInput, "Please give a reason of at most 200 characters.", "يرجى ذكر سبب لا يتجاوز 200 حرف.", field "reason";
        /// Another dispatcher has taken over.
        StaleFence: Conflict, "Another dispatcher has taken over.", "تولى موزع آخر المهمة.";
    }
}

impl From<NotAPoint> for DeliveryError {
    fn from(_: NotAPoint) -> Self {
        Self::PointOutOfRange
    }
}

impl From<MalformedId> for DeliveryError {
    fn from(_: MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<CourierError> for DeliveryError {
    fn from(e: CourierError) -> Self {
        match e {
            CourierError::Infra(cause) => Self::Infra(cause),
            CourierError::CourierNotFound => Self::CourierNotFound,
            _ => Self::CourierNotAvailable,
        }
    }
}

impl From<crate::payment::PaymentError> for DeliveryError {
    fn from(e: crate::payment::PaymentError) -> Self {
        use crate::payment::PaymentError;
        match e {
            PaymentError::Infra(cause) => Self::Infra(cause),
            PaymentError::WrongCashAmount { .. } => Self::CashMismatch,
            PaymentError::PaymentBusy => Self::StaleVersion,
            _ => Self::OrderConflict,
        }
    }
}

impl From<crate::ledger::LedgerError> for DeliveryError {
    fn from(e: crate::ledger::LedgerError) -> Self {
        match e {
            crate::ledger::LedgerError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(daraa_platform::fault::Infra::defect(other)),
        }
    }
}
