//! What can go wrong with signing in.

use daraa_platform::faults;

use crate::account::AccountError;

faults! {
    /// What can go wrong with signing in.
    pub enum SessionError, SessionErrorCode {
        /// Not a phone number.
        InvalidPhone: BadInput,
            "This is not a phone number.", "هذا ليس رقم هاتف صحيحاً.", field "phone";
        /// The code is wrong, used, too old, or was tried too often: all look the same.
        CodeInvalid: BadInput,
            "The code is wrong or no longer valid; please ask for a new one.",
            "الرمز غير صحيح أو انتهت صلاحيته، يرجى طلب رمز جديد.", field "code";
        /// The name of the person is empty, too long or holds control characters.
        InvalidName { max: usize }: BadInput,
            "A name has 1 to {max} characters.", "يتكون الاسم من حرف واحد إلى {max} حرفاً.", field "name";
        /// The name of the device is too long or holds control characters.
        InvalidDeviceName { max: usize }: BadInput,
            "A device name has 1 to {max} characters.",
            "يتكون اسم الجهاز من حرف واحد إلى {max} حرفاً.", field "deviceName";
        /// The refresh token is unknown, used, too old, or its session has ended: all look the same.
        RefreshInvalid: BadInput,
            "The sign-in has ended; please sign in again.",
            "انتهت جلسة الدخول، يرجى تسجيل الدخول من جديد.", field "refreshToken";
        /// An id is malformed.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", field "sessionId";
        /// There is no such session of this person.
        SessionNotFound: NotFound, "There is no such session.", "لا توجد جلسة كهذه.";
        /// The access token is forged, malformed, or its session has ended.
        TokenInvalid: Unauthenticated, "Please sign in.", "يرجى تسجيل الدخول.";
        /// The access token was ours, but its time is over: refresh it.
        TokenExpired: Unauthenticated,
            "The access token has expired; please refresh it.", "انتهت صلاحية رمز الدخول، يرجى تجديده.";
    }
}

impl From<daraa_platform::ids::MalformedId> for SessionError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<crate::account::NotAPhone> for SessionError {
    fn from(_: crate::account::NotAPhone) -> Self {
        Self::InvalidPhone
    }
}

impl From<AccountError> for SessionError {
    fn from(e: AccountError) -> Self {
        use daraa_platform::fault::Infra;
        match e {
            AccountError::Infra(cause) => Self::Infra(cause),
            AccountError::InvalidPhone => Self::InvalidPhone,
            AccountError::InvalidName { max } => Self::InvalidName { max },
            AccountError::AccountNotFound => Self::TokenInvalid,
            AccountError::OwnRole | AccountError::TooManyStores { .. } | AccountError::AlreadyCourier => {
                Self::Infra(Infra::defect(e))
            }
        }
    }
}
