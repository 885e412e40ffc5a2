//! What can go wrong with reviews.

use daraa_platform::fault::{Fault as _, FieldPath, Infra};
use daraa_platform::ids::{MalformedId, TypedId as _};

use crate::catalog::CatalogError;
use crate::ids::{OrderId, OrderLineId, ReviewId, StoreId};
use crate::order::OrderError;
use crate::store::StoreError;

daraa_platform::faults! {
    /// What can go wrong with reviews.
    pub enum ReviewError, ReviewErrorCode {
        /// There is no such order of this person.
        OrderNotFound: NotFound, "There is no such order.", "لا يوجد طلب كهذا.", field "orderId";
        /// There is no such review.
        ReviewNotFound: NotFound, "There is no such review.", "لا يوجد تقييم كهذا.", field "reviewId";
        /// An id is malformed.
        MalformedId { path: FieldPath }: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", at path;
        /// The order is not completed.
        NotCompleted: Conflict, "An order can be reviewed once it is completed.", "يمكن تقييم الطلب بعد اكتماله.", field "orderId";
        /// The order was reviewed before.
        AlreadyReviewed: Conflict, "The order was reviewed already.", "قُيّم هذا الطلب من قبل.", field "orderId";
        /// Stars are one to five.
        StarsOutOfRange { path: FieldPath }: BadInput, "Stars are 1 to 5.", "عدد النجوم من 1 إلى 5.", at path;
        /// Nobody delivered the order.
        NoCourier: BadInput, "No courier delivered this order.", "لم يوصل هذا الطلب مندوب.", field "courierStars";
        /// An item names a line the order does not have, or one line twice.
        UnknownLine: BadInput, "The order has no such line, or it is named twice.", "لا يوجد بند كهذا في الطلب أو ذُكر مرتين.", field "items";
        /// A text is empty, too long or holds characters that cannot be shown.
        InvalidText { path: FieldPath, max: usize }: BadInput, "A text has 1 to {max} characters.", "يتكون النص من حرف واحد إلى {max} حرف.", at path;
        /// Somebody else changed the review meanwhile.
        StaleVersion: Conflict, "The review was changed meanwhile; please read it again.", "تغيّر التقييم في هذه الأثناء، يرجى قراءته من جديد.";
    }
}

impl From<MalformedId> for ReviewError {
    fn from(e: MalformedId) -> Self {
        let path = FieldPath(match e.kind {
            OrderId::PREFIX => &["orderId"],
            OrderLineId::PREFIX => &["items", "lineId"],
            ReviewId::PREFIX => &["reviewId"],
            StoreId::PREFIX => &["storeId"],
            _ => &[],
        });
        Self::MalformedId { path }
    }
}

impl From<OrderError> for ReviewError {
    fn from(e: OrderError) -> Self {
        match e {
            OrderError::Infra(cause) => Self::Infra(cause),
            OrderError::OrderNotFound => Self::OrderNotFound,
            other => Self::Infra(Infra::defect(format!("{}: {other}", other.code()))),
        }
    }
}

impl From<CatalogError> for ReviewError {
    fn from(e: CatalogError) -> Self {
        match e {
            CatalogError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(Infra::defect(format!("{}: {other}", other.code()))),
        }
    }
}

impl From<StoreError> for ReviewError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(Infra::defect(format!("{}: {other}", other.code()))),
        }
    }
}
