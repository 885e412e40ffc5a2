//! What can go wrong with categories.

daraa_platform::faults! {
    /// What can go wrong with store categories.
    pub enum CategoryError, CategoryErrorCode {
        /// There is no such category.
        CategoryNotFound: NotFound, "There is no such category.", "لا يوجد تصنيف كهذا.", field "categoryId";
        /// The slug is taken.
        SlugTaken: Conflict, "Another category has this short name.", "هذا الاسم المختصر مستخدم لتصنيف آخر.", field "slug";
        /// The slug is not lower-case letters, digits and hyphens.
        BadSlug: BadInput, "A short name is 2 to 40 lower-case letters, digits and hyphens.", "الاسم المختصر من 2 إلى 40 حرفاً لاتينياً صغيراً أو رقماً أو شرطة.", field "slug";
        /// A name is empty or too long.
        BadName: BadInput, "A name needs 1 to 120 characters in Arabic or English.", "الاسم يحتاج من 1 إلى 120 حرفاً بالعربية أو الإنكليزية.", field "name";
        /// There are too many categories.
        TooManyCategories: Conflict, "There are too many categories.", "عدد التصنيفات كبير جداً.";
    }
}
