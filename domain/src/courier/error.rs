//! What the courier room refuses.

use daraa_platform::fault::Infra;
use daraa_platform::ids::MalformedId;

use crate::account::AccountError;
use crate::place::NotAPoint;

daraa_platform::faults! {
    /// What can go wrong with a courier.
    pub enum CourierError, CourierErrorCode {
        /// There is no such courier, or it is not yours to see.
        CourierNotFound: NotFound, "There is no such courier.", "لا يوجد مندوب كهذا.", field "courierId";
        /// The account has not applied as a courier.
        NotACourier: Conflict, "Apply as a courier first.", "يجب التقدم كمندوب أولاً.";
        /// Ops have not approved this courier, or have suspended him.
        CourierNotActive: Conflict, "This courier may not work now.", "لا يمكن لهذا المندوب العمل حالياً.";
        /// This step is not possible from the present status.
        InvalidTransition: Conflict, "This is not possible in the present status.", "هذا غير ممكن في الحالة الحالية.";
        /// Somebody else changed it meanwhile.
        StaleVersion: Conflict, "It was changed meanwhile; please look again.", "تم تعديله في هذه الأثناء، يرجى التحديث.";
        /// How many deliveries at once a courier can take.
        CapacityOutOfRange { max: i64 }: BadInput, "The capacity must be 1 to {max}.", "السعة يجب أن تكون بين 1 و{max}.", field "capacity";
        /// The shift must end in the future and within a day.
        ShiftEndOutOfRange: BadInput, "The shift must end within the next 24 hours.", "يجب أن تنتهي الوردية خلال 24 ساعة.", field "until";
        /// Coordinates out of range.
        PointOutOfRange: BadInput, "This is no point on earth.", "الإحداثيات غير صحيحة.", field "point";
        /// An id is not one of ours.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
        /// Not online.
        CourierOffline: Conflict, "Go online first.", "يجب أن تكون متصلاً أولاً.";
    }
}

impl From<NotAPoint> for CourierError {
    fn from(_: NotAPoint) -> Self {
        Self::PointOutOfRange
    }
}

impl From<MalformedId> for CourierError {
    fn from(_: MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<AccountError> for CourierError {
    fn from(e: AccountError) -> Self {
        match e {
            AccountError::Infra(cause) => Self::Infra(cause),
            // The account of a session is there, and is nobody else's courier.
            other => Self::Infra(Infra::defect(other)),
        }
    }
}
