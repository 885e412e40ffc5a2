//! What can go wrong with accounts.

use daraa_platform::faults;

faults! {
    /// What can go wrong with accounts.
    pub enum AccountError, AccountErrorCode {
        /// There is no such account.
        AccountNotFound: NotFound, "There is no such account.", "لا يوجد حساب كهذا.";
        /// Not a phone number.
        InvalidPhone: BadInput,
            "This is not a phone number.", "هذا ليس رقم هاتف صحيحاً.", field "phone";
        /// A name is empty, too long or holds characters that cannot be shown.
        InvalidName { max: usize }: BadInput,
            "A name has 1 to {max} characters.", "يتكون الاسم من حرف واحد إلى {max} حرفاً.", field "name";
        /// Nobody changes their own ops role.
        OwnRole: Conflict,
            "Nobody can change their own role.", "لا يمكن لأحد تغيير صلاحيته بنفسه.", field "phone";
        /// The person works for as many stores as one may.
        TooManyStores { max: usize }: Conflict,
            "One person can work for at most {max} stores.", "يمكن للشخص العمل لدى {max} متجراً كحد أقصى.";
        /// This person already is another courier.
        AlreadyCourier: Conflict,
            "This account already belongs to another courier.", "هذا الحساب مرتبط بمندوب توصيل آخر.";
    }
}

impl From<super::model::NotAPhone> for AccountError {
    fn from(_: super::model::NotAPhone) -> Self {
        Self::InvalidPhone
    }
}
