//! What can go wrong with stores.

use daraa_platform::fault::FieldPath;
use daraa_platform::ids::{MalformedId, TypedId as _};

use super::area::BadArea;
use super::hours::BadHours;
use crate::ids::{AccountId, InvitationId, StoreCategoryId, StoreId};

daraa_platform::faults! {
    /// What can go wrong with stores and their staff.
    pub enum StoreError, StoreErrorCode {
        /// There is no such store, or it is not for the asker to see.
        StoreNotFound: NotFound, "There is no such store.", "لا يوجد متجر كهذا.", field "storeId";
        /// There is no such category.
        CategoryNotFound: NotFound, "There is no such category.", "لا يوجد تصنيف كهذا.", field "categoryId";
        /// Somebody changed the store meanwhile.
        StaleVersion: Conflict, "The store was changed meanwhile; please look again.", "تم تعديل المتجر في هذه الأثناء، يرجى المراجعة.", field "expectedVersion";
        /// The life cycle does not allow it.
        InvalidTransition: Conflict, "The store's status does not allow this.", "حالة المتجر لا تسمح بذلك.";
        /// A draft lacks what a store needs before it can be approved.
        StoreIncomplete { missing: String }: Conflict, "Still missing: {missing}.", "ما زال ناقصاً: {missing}.";
        /// A reason is needed.
        ReasonRequired: BadInput, "Please give a reason of at most 500 characters.", "يرجى ذكر السبب بما لا يزيد عن 500 حرف.", field "reason";
        /// A name is empty, too long or holds characters that cannot be shown.
        BadName: BadInput, "A name needs 1 to 120 characters in Arabic or English.", "الاسم يحتاج من 1 إلى 120 حرفاً بالعربية أو الإنكليزية.", field "name";
        /// A description is too long or holds characters that cannot be shown.
        BadDescription: BadInput, "A description has at most 1,000 characters.", "الوصف لا يزيد عن 1000 حرف.", field "description";
        /// A number is out of its bounds.
        OutOfRange { path: FieldPath, min: i64, max: i64 }: BadInput, "{path} must be {min} to {max}.", "يجب أن تكون قيمة {path} بين {min} و {max}.", at path;
        /// An amount in another currency than the store's, or below zero.
        BadAmount: BadInput, "The amount must be positive and in the store's currency.", "يجب أن يكون المبلغ موجباً وبعملة المتجر.", field "minOrderMinor";
        /// Not `HH:MM`, or an opening at 24:00.
        BadTime { path: FieldPath }: BadInput, "A time of day is written HH:MM; a store opens from 00:00 to 23:59 and closes by 24:00.", "يكتب الوقت بالصيغة HH:MM؛ يفتح المتجر من 00:00 إلى 23:59 ويغلق حتى 24:00.", at path;
        /// No such time zone.
        BadTimeZone: BadInput, "There is no such time zone; write e.g. Asia/Damascus.", "لا توجد منطقة زمنية كهذه، مثال: Asia/Damascus.", field "timeZone";
        /// No such day, or one long past or far ahead.
        BadDate: BadInput, "A day is written YYYY-MM-DD, from yesterday to two years ahead.", "يكتب اليوم بالصيغة YYYY-MM-DD، من الأمس إلى سنتين قادمتين.", field "date";
        /// A day has too many ranges.
        TooManyHours { path: FieldPath }: BadInput, "A day can be opened at most four times.", "يمكن فتح المتجر أربع مرات في اليوم كحد أقصى.", at path;
        /// Hours overlap, perhaps past midnight.
        HoursOverlap { path: FieldPath }: BadInput, "Opening hours overlap.", "ساعات العمل متداخلة.", at path;
        /// A closure ends before it begins, is over already, or lasts longer than a year.
        BadClosure: BadInput, "A closure must end after it begins, in the future, within a year.", "يجب أن ينتهي الإغلاق بعد بدايته وفي المستقبل وخلال سنة.", field "until";
        /// Too many closures or overrides.
        TooManyClosures: Conflict, "There are too many closures; remove old ones.", "عدد الإغلاقات كبير، يرجى حذف القديم منها.";
        /// There is no such closure.
        ClosureNotFound: NotFound, "There is no such closure.", "لا يوجد إغلاق كهذا.", field "from";
        /// No polygon.
        AreaEmpty: BadInput, "The service area is empty.", "منطقة التوصيل فارغة.", field "polygons";
        /// Too many polygons, rings or points.
        AreaTooComplex: BadInput, "At most 10 polygons, 10 rings each and 1,000 points in all.", "10 مضلعات كحد أقصى، لكل منها 10 حلقات، و1000 نقطة إجمالاً.", field "polygons";
        /// A ring with fewer than three different points.
        AreaTooFewPoints: BadInput, "A ring needs at least three different points.", "تحتاج الحلقة إلى ثلاث نقاط مختلفة على الأقل.", field "polygons";
        /// A ring does not end where it begins.
        AreaRingOpen: BadInput, "A ring must end with the point it begins with.", "يجب أن تنتهي الحلقة بالنقطة التي تبدأ بها.", field "polygons";
        /// All points of a ring lie on one line.
        AreaFlat: BadInput, "A ring encloses nothing: its points lie on one line.", "الحلقة لا تحيط بشيء: نقاطها على خط واحد.", field "polygons";
        /// A ring crosses itself.
        AreaSelfIntersects: BadInput, "A ring crosses or touches itself.", "الحلقة تتقاطع مع نفسها.", field "polygons";
        /// A hole is outside or meets another.
        AreaBadHole: BadInput, "A hole must lie within its polygon and apart from other holes.", "يجب أن تكون الفجوة داخل مضلعها ومنفصلة عن غيرها.", field "polygons";
        /// Polygons overlap.
        AreaOverlap: BadInput, "Polygons of an area must not overlap or share a border.", "يجب ألا تتداخل مضلعات المنطقة.", field "polygons";
        /// The area is too large.
        AreaTooLarge: BadInput, "A service area is at most two degrees wide and high.", "منطقة التوصيل لا تزيد عن درجتين عرضاً وطولاً.", field "polygons";
        /// The area is too close to a pole.
        AreaNearPole: BadInput, "A service area lies between 85 degrees south and 85 degrees north.", "تقع منطقة التوصيل بين خطي العرض 85 جنوباً و85 شمالاً.", field "polygons";
        /// There is no such invitation, or it is for another phone number.
        InvitationNotFound: NotFound, "There is no such invitation.", "لا توجد دعوة كهذه.", field "invitationId";
        /// The invitation is no longer open.
        InvitationClosed: Conflict, "The invitation is no longer open.", "الدعوة لم تعد سارية.", field "invitationId";
        /// The person works here already.
        AlreadyStaff: Conflict, "This person works for the store already.", "هذا الشخص يعمل في المتجر مسبقاً.", field "phone";
        /// An open invitation for this number exists.
        AlreadyInvited: Conflict, "This number has an open invitation already.", "لهذا الرقم دعوة سارية مسبقاً.", field "phone";
        /// The person does not work here.
        StaffNotFound: NotFound, "This person does not work for the store.", "هذا الشخص لا يعمل في المتجر.", field "accountId";
        /// A store always has an owner.
        LastOwner: Conflict, "A store keeps at least one owner.", "يجب أن يبقى للمتجر مالك واحد على الأقل.", field "accountId";
        /// The store has as much staff as it may.
        TooManyStaff: Conflict, "A store has at most 100 people and 50 open invitations.", "للمتجر 100 شخص و50 دعوة سارية كحد أقصى.";
        /// The person owns as many stores as they may.
        TooManyStores: Conflict, "A person works for at most 50 stores.", "يمكن للشخص العمل في 50 متجراً كحد أقصى.";
        /// Not a phone number.
        BadPhone: BadInput, "A phone number is written like +963944000000.", "يكتب رقم الهاتف بالصيغة +963944000000.", field "phone";
        /// An id that is not one of ours.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
        /// Not a point on earth.
        BadPoint { path: FieldPath }: BadInput, "Longitude is -180 to 180 and latitude -90 to 90.", "خط الطول من -180 إلى 180 وخط العرض من -90 إلى 90.", at path;
    }
}

impl StoreError {
    /// What is wrong with hours given in the field `path`.
    #[must_use]
    pub fn of_hours(e: BadHours, path: FieldPath) -> Self {
        match e {
            BadHours::Time => Self::BadTime { path },
            BadHours::TimeZone => Self::BadTimeZone,
            BadHours::Date => Self::BadDate,
            BadHours::TooMany => Self::TooManyHours { path },
            BadHours::Overlap => Self::HoursOverlap { path },
        }
    }
}

impl From<BadHours> for StoreError {
    fn from(e: BadHours) -> Self {
        Self::of_hours(e, FieldPath(&["hours"]))
    }
}

impl From<BadArea> for StoreError {
    fn from(e: BadArea) -> Self {
        match e {
            BadArea::Empty => Self::AreaEmpty,
            BadArea::TooMany => Self::AreaTooComplex,
            BadArea::TooFewPoints => Self::AreaTooFewPoints,
            BadArea::Open => Self::AreaRingOpen,
            BadArea::Flat => Self::AreaFlat,
            BadArea::NearPole => Self::AreaNearPole,
            BadArea::SelfIntersection => Self::AreaSelfIntersects,
            BadArea::BadHole => Self::AreaBadHole,
            BadArea::Overlap => Self::AreaOverlap,
            BadArea::TooLarge => Self::AreaTooLarge,
        }
    }
}

impl From<MalformedId> for StoreError {
    fn from(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            StoreId::PREFIX => &["storeId"],
            StoreCategoryId::PREFIX => &["categoryId"],
            InvitationId::PREFIX => &["invitationId"],
            AccountId::PREFIX => &["accountId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}

impl From<crate::place::NotAPoint> for StoreError {
    fn from(_: crate::place::NotAPoint) -> Self {
        Self::BadPoint { path: FieldPath(&["point"]) }
    }
}

impl From<crate::account::NotAPhone> for StoreError {
    fn from(_: crate::account::NotAPhone) -> Self {
        Self::BadPhone
    }
}
