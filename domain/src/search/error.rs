//! What can go wrong with a search.

use crate::catalog::CatalogError;
use crate::store::StoreError;

daraa_platform::faults! {
    /// What can go wrong with a search.
    pub enum SearchError, SearchErrorCode {
        /// The text is too long.
        TextTooLong { max: usize }: BadInput, "Search for at most {max} characters.", "ابحث عما لا يزيد عن {max} حرفاً.", field "text";
        /// The number of results is out of bounds.
        BadSize { max: u32 }: BadInput, "Ask for 1 to {max} results.", "اطلب من 1 إلى {max} نتيجة.", field "first";
        /// Not a point on earth.
        BadPoint: BadInput, "Longitude is -180 to 180 and latitude -90 to 90.", "خط الطول من -180 إلى 180 وخط العرض من -90 إلى 90.", field "near";
    }
}

impl From<StoreError> for SearchError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(daraa_platform::fault::Infra::defect(other)),
        }
    }
}

impl From<CatalogError> for SearchError {
    fn from(e: CatalogError) -> Self {
        match e {
            CatalogError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(daraa_platform::fault::Infra::defect(other)),
        }
    }
}

impl From<crate::place::NotAPoint> for SearchError {
    fn from(_: crate::place::NotAPoint) -> Self {
        Self::BadPoint
    }
}
