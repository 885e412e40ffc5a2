//! What can go wrong with categories.

use daraa_platform::fault::FieldPath;
use daraa_platform::ids::MalformedId;

/// Where a category is named that is to be changed.
const CATEGORY_ID: FieldPath = FieldPath(&["categoryId"]);
/// Where the one above is named.
const PARENT_ID: FieldPath = FieldPath(&["parentId"]);

daraa_platform::faults! {
    /// What can go wrong with store categories.
    pub enum CategoryError, CategoryErrorCode {
        /// There is no such category.
        CategoryNotFound { path: FieldPath }: NotFound, "There is no such category.", "لا يوجد تصنيف كهذا.", at path;
        /// The slug is taken.
        SlugTaken: Conflict, "Another category has this short name.", "هذا الاسم المختصر مستخدم لتصنيف آخر.", field "slug";
        /// The slug is not lower-case letters and digits with single hyphens between them.
        BadSlug: BadInput, "A short name is 2 to 40 lower-case letters and digits, with single hyphens between them.", "الاسم المختصر من 2 إلى 40 حرفاً لاتينياً صغيراً أو رقماً، تفصل بينها شرطات مفردة.", field "slug";
        /// A name is empty, too long or holds characters that cannot be shown.
        BadName: BadInput, "A name needs 1 to 120 characters in Arabic or English.", "الاسم يحتاج من 1 إلى 120 حرفاً بالعربية أو الإنكليزية.", field "name";
        /// There are too many categories.
        TooManyCategories: Conflict, "There are too many categories.", "عدد التصنيفات كبير جداً.";
        /// A category cannot be below itself.
        CategoryCycle: Conflict, "A category cannot be below itself.", "لا يمكن وضع التصنيف تحت نفسه.", field "parentId";
        /// Somebody changed the category meanwhile.
        StaleVersion: Conflict, "The category was changed meanwhile; please look again.", "تم تعديل التصنيف في هذه الأثناء، يرجى المراجعة.", field "expectedVersion";
        /// An id is malformed.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
    }
}

impl CategoryError {
    /// There is no category to be changed.
    pub(super) const NOT_FOUND: Self = Self::CategoryNotFound { path: CATEGORY_ID };
    /// There is no category to be below.
    pub(super) const NO_PARENT: Self = Self::CategoryNotFound { path: PARENT_ID };

    /// The id of the one above is malformed.
    #[must_use]
    pub fn malformed_parent(_: MalformedId) -> Self {
        Self::MalformedId { path: PARENT_ID }
    }
}

impl From<MalformedId> for CategoryError {
    fn from(_: MalformedId) -> Self {
        Self::MalformedId { path: CATEGORY_ID }
    }
}
