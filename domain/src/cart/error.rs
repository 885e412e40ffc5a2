//! What the cart refuses.

use daraa_platform::faults;
use daraa_platform::ids::MalformedId;

faults! {
    /// Why a cart was not changed.
    pub enum CartError, CartErrorCode {
        /// There is no such line in the cart.
        CartLineNotFound: NotFound, "There is no such line in the cart.", "لا يوجد سطر كهذا في السلة.", field "lineId";
        /// There is no such product or variant, or it is not sold.
        VariantNotFound: NotFound, "This item is not sold.", "هذا الصنف غير متوفر للبيع.", field "variantId";
        /// The guest token belongs to no cart.
        GuestCartNotFound: NotFound, "There is no such guest cart.", "لا توجد سلة ضيف كهذه.", field "guestToken";
        /// Quantities are whole numbers in a range.
        QuantityOutOfRange { max: i64 }: BadInput, "The quantity must be 1 to {max}.", "يجب أن تكون الكمية بين 1 و{max}.", field "quantity";
        /// It is switched off at the moment.
        VariantUnavailable: Conflict, "This is not available now.", "هذا غير متوفر حالياً.", field "variantId";
        /// A group wants more choices.
        TooFewModifiers { en: String, ar: String, min: i64 }: BadInput, "Choose at least {min} of “{en}”.", "اختر {min} على الأقل من «{ar}».", field "modifierIds";
        /// A group allows fewer choices.
        TooManyModifiers { en: String, ar: String, max: i64 }: BadInput, "Choose at most {max} of “{en}”.", "اختر {max} على الأكثر من «{ar}».", field "modifierIds";
        /// The choices are not possible.
        InvalidChoice: BadInput, "These choices are not possible for the item.", "هذه الخيارات غير ممكنة لهذا الصنف.", field "modifierIds";
        /// The note is too long.
        NoteTooLong { max: usize }: BadInput, "A note has at most {max} characters.", "لا تتجاوز الملاحظة {max} حرفاً.", field "note";
        /// The cart is full.
        CartFull { max: usize }: Conflict, "A cart holds at most {max} lines.", "لا تتسع السلة لأكثر من {max} سطراً.";
        /// The cart spans too many stores.
        TooManyStores { max: usize }: Conflict, "A cart spans at most {max} stores.", "لا تشمل السلة أكثر من {max} متاجر.";
        /// An id is not one of ours.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.";
        /// Somebody else kept changing the cart.
        CartBusy: Conflict, "The cart is being changed elsewhere; please try again.", "يجري تعديل السلة من مكان آخر، يرجى المحاولة مجدداً.";
        /// The address is not one of the customer's.
        AddressNotFound: NotFound, "There is no such address.", "لا يوجد عنوان كهذا.", field "addressId";
    }
}

impl From<MalformedId> for CartError {
    fn from(_: MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<crate::catalog::CatalogError> for CartError {
    fn from(e: crate::catalog::CatalogError) -> Self {
        use crate::catalog::CatalogError as E;
        match e {
            E::Infra(cause) => Self::Infra(cause),
            E::TooFewModifiers { en, ar, min } => Self::TooFewModifiers { en, ar, min },
            E::TooManyModifiers { en, ar, max } => Self::TooManyModifiers { en, ar, max },
            E::ModifierNotFound | E::ModifierUnavailable | E::ModifierTwice => Self::InvalidChoice,
            _ => Self::VariantNotFound,
        }
    }
}

impl From<crate::store::StoreError> for CartError {
    fn from(e: crate::store::StoreError) -> Self {
        match e {
            crate::store::StoreError::Infra(cause) => Self::Infra(cause),
            _ => Self::VariantNotFound,
        }
    }
}
