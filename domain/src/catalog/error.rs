//! What can go wrong with menus and stock.

use daraa_platform::fault::FieldPath;
use daraa_platform::ids::{MalformedId, TypedId as _};

use crate::ids::{MenuSectionId, ModifierGroupId, ModifierId, ProductId, StoreId, VariantId};
use crate::store::StoreError;

daraa_platform::faults! {
    /// What can go wrong with menus and stock.
    pub enum CatalogError, CatalogErrorCode {
        /// There is no such store, or it is not the asker's.
        StoreNotFound: NotFound, "There is no such store.", "لا يوجد متجر كهذا.", field "storeId";
        /// There is no such section in this store.
        SectionNotFound: NotFound, "There is no such menu section.", "لا يوجد قسم كهذا في القائمة.", field "sectionId";
        /// There is no such product, or it is not for the asker to see.
        ProductNotFound: NotFound, "There is no such product.", "لا يوجد منتج كهذا.", field "productId";
        /// There is no such variant, or it is not for the asker to see.
        VariantNotFound: NotFound, "There is no such product variant.", "لا يوجد خيار كهذا للمنتج.", field "variantId";
        /// The variant is switched off or its product is not for sale.
        VariantUnavailable: Conflict, "This is not available now.", "هذا غير متوفر حالياً.", field "variantId";
        /// Not enough on hand.
        SoldOut { variant: VariantId, available: i64 }: Conflict, "Only {available} left of {variant}.", "بقي {available} فقط من {variant}.", field "quantity";
        /// The modifier does not belong to the product.
        ModifierNotFound: BadInput, "This choice does not belong to the product.", "هذا الاختيار لا يخص المنتج.", field "modifierIds";
        /// The modifier cannot be chosen now.
        ModifierUnavailable: Conflict, "This choice is not available now.", "هذا الاختيار غير متوفر حالياً.", field "modifierIds";
        /// The same modifier twice.
        ModifierTwice: BadInput, "A choice can be made only once.", "لا يمكن تكرار الاختيار.", field "modifierIds";
        /// A group wants more choices.
        TooFewModifiers { en: String, ar: String, min: i64 }: BadInput, "Choose at least {min} of “{en}”.", "اختر {min} على الأقل من «{ar}».", field "modifierIds";
        /// A group allows fewer choices.
        TooManyModifiers { en: String, ar: String, max: i64 }: BadInput, "Choose at most {max} of “{en}”.", "اختر {max} على الأكثر من «{ar}».", field "modifierIds";
        /// Somebody changed it meanwhile.
        StaleVersion: Conflict, "It was changed meanwhile; please look again.", "تم التعديل في هذه الأثناء، يرجى المراجعة.", field "expectedVersion";
        /// The status does not allow it.
        InvalidTransition: Conflict, "The product's status does not allow this.", "حالة المنتج لا تسمح بذلك.";
        /// A name is empty, too long or holds characters that cannot be shown.
        BadName: BadInput, "A name needs 1 to 120 characters in Arabic or English.", "الاسم يحتاج من 1 إلى 120 حرفاً بالعربية أو الإنكليزية.", field "name";
        /// A description is too long or holds characters that cannot be shown.
        BadDescription: BadInput, "A description has at most 1,000 characters.", "الوصف لا يزيد عن 1000 حرف.", field "description";
        /// A price below zero or above the limit.
        BadPrice: BadInput, "A price is 0 to 1,000,000,000,000 minor units.", "السعر من 0 إلى 1,000,000,000,000 من الوحدات الصغرى.", field "priceMinor";
        /// No variant, or too many.
        BadVariants: BadInput, "A product has 1 to 50 variants with different names.", "للمنتج من 1 إلى 50 خياراً بأسماء مختلفة.", field "variants";
        /// A group whose bounds cannot be met, or too many groups or choices.
        BadModifierGroup: BadInput, "At most 20 groups of 1 to 50 choices each, with 0 ≤ min ≤ max ≤ the number of choices.", "20 مجموعة كحد أقصى، لكل منها 1 إلى 50 اختياراً، مع 0 ≤ الحد الأدنى ≤ الحد الأعلى ≤ عدد الاختيارات.", field "modifierGroups";
        /// Too many images, or one that is no `https` address.
        BadImages: BadInput, "At most 10 images, each an https address of at most 500 characters.", "10 صور كحد أقصى، كل منها عنوان https لا يزيد عن 500 حرف.", field "images";
        /// A store number that is empty, too long or holds characters that cannot be shown.
        BadSku: BadInput, "A store number has 1 to 64 characters.", "رقم المتجر من 1 إلى 64 حرفاً.", field "sku";
        /// A section with products is not deleted.
        SectionNotEmpty: Conflict, "There are products in this section; move or archive them first.", "يحتوي هذا القسم على منتجات، انقلها أو أرشفها أولاً.", field "sectionId";
        /// Too many sections.
        TooManySections: Conflict, "A menu has at most 100 sections.", "للقائمة 100 قسم كحد أقصى.";
        /// Too many products.
        TooManyProducts: Conflict, "A store has at most 5,000 products.", "للمتجر 5000 منتج كحد أقصى.";
        /// A quantity that is zero, negative or huge.
        BadQuantity: BadInput, "A quantity is 1 to 1,000,000.", "الكمية من 1 إلى 1,000,000.", field "quantity";
        /// An adjustment that is zero or huge.
        BadDelta: BadInput, "An adjustment is not zero and at most 1,000,000 either way.", "التعديل ليس صفراً ولا يتجاوز 1,000,000.", field "delta";
        /// An adjustment would take more than is on hand.
        StockBelowZero { on_hand: i64 }: Conflict, "Only {on_hand} are on hand.", "الموجود {on_hand} فقط.", field "delta";
        /// The variant's stock is a switch only.
        StockNotTracked: Conflict, "The stock of this variant is not counted.", "مخزون هذا الخيار غير محسوب.", field "variantId";
        /// How many there are was said of a variant that is counted already, or not counted at all.
        StockNotSettable: BadInput, "How many there are is said only when a variant begins to be counted; after that use stockAdjust.", "تُذكر الكمية فقط عند بدء احتساب مخزون الخيار، وبعد ذلك استخدم stockAdjust.", field "variants"."stockOnHand";
        /// A reason is needed.
        ReasonRequired: BadInput, "Please give a reason of at most 500 characters.", "يرجى ذكر السبب بما لا يزيد عن 500 حرف.", field "reason";
        /// The key was used for another request.
        IdempotencyKeyReused: Conflict, "The idempotency key was used for another request.", "استُخدم مفتاح التكرار لطلب آخر.", field "idempotencyKey";
        /// The key is empty or too long.
        BadIdempotencyKey: BadInput, "An idempotency key has 1 to 64 characters.", "مفتاح التكرار من 1 إلى 64 حرفاً.", field "idempotencyKey";
        /// An id that is not one of ours.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
    }
}

impl From<StoreError> for CatalogError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Infra(cause) => Self::Infra(cause),
            _ => Self::StoreNotFound,
        }
    }
}

impl CatalogError {
    /// A malformed id within the variants or modifier groups of a product.
    #[must_use]
    pub fn malformed_part(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            VariantId::PREFIX => &["variants", "variantId"],
            ModifierGroupId::PREFIX => &["modifierGroups", "modifierGroupId"],
            ModifierId::PREFIX => &["modifierGroups", "modifiers", "modifierId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}

impl From<MalformedId> for CatalogError {
    fn from(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            StoreId::PREFIX => &["storeId"],
            MenuSectionId::PREFIX => &["sectionId"],
            ProductId::PREFIX => &["productId"],
            VariantId::PREFIX => &["variantId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}
