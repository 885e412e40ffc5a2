//! What can go wrong with addresses.

use daraa_platform::faults;

faults! {
    /// What can go wrong with addresses.
    pub enum AddressError, AddressErrorCode {
        /// There is no such address of this person.
        AddressNotFound: NotFound, "There is no such address.", "لا يوجد عنوان كهذا.", field "addressId";
        /// An id is malformed.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", field "addressId";
        /// The label is empty, too long or holds characters that cannot be shown.
        InvalidLabel { max: usize }: BadInput,
            "A label has 1 to {max} characters.", "يتكون الاسم من حرف واحد إلى {max} حرفاً.", field "label";
        /// The notes are too long or hold characters that cannot be shown.
        InvalidNotes { max: usize }: BadInput,
            "Notes have at most {max} characters.", "تتكون الملاحظات من {max} حرفاً كحد أقصى.", field "notes";
        /// Not a place on earth.
        InvalidPoint: BadInput,
            "Longitude must be -180 to 180 and latitude -90 to 90.",
            "يجب أن يكون خط الطول بين -180 و180 وخط العرض بين -90 و90.", field "point";
        /// The person has saved as many addresses as one may.
        TooManyAddresses { max: i64 }: Conflict,
            "At most {max} addresses can be saved.", "يمكن حفظ {max} عنواناً كحد أقصى.";
        /// Somebody else changed the address meanwhile.
        StaleVersion: Conflict,
            "The address was changed meanwhile; please read it again.",
            "تغيّر العنوان في هذه الأثناء، يرجى قراءته من جديد.", field "expectedVersion";
    }
}

impl From<daraa_platform::ids::MalformedId> for AddressError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}

impl From<crate::place::NotAPoint> for AddressError {
    fn from(_: crate::place::NotAPoint) -> Self {
        Self::InvalidPoint
    }
}
