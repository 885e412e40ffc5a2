//! What store mutations take and answer.

use async_graphql::{ID, InputObject, MaybeUndefined};
use daraa_domain::account::Phone;
use daraa_domain::store::area::ServiceArea;
use daraa_domain::store::category::{CategoryError, CreateCategory, UpdateCategory};
use daraa_domain::store::hours::{Closure, DayRange, OpenRange, TimeOfDay, TimeZone, Weekday};
use daraa_domain::store::{CreateStore, StoreError, UpdateStore};
use daraa_platform::fault::FieldPath;
use daraa_platform::money::Currency;
use daraa_platform::time::Timestamp;

use super::types::{StoreCategoryObject, StoreObject};
use crate::graphql::scalars::{BigInt, LocalTextInput, PointInput};

/// Declares the payloads of mutations that answer a store.
macro_rules! store_payloads {
    ($($name:ident: $doc:literal),+ $(,)?) => {
        $(crate::payload!(
            #[doc = $doc]
            $name, StoreError, {
                /// The store as it is now; null when there are `userErrors`.
                store: StoreObject
            }
        );)+
    };
}

store_payloads! {
    StoreCreatePayload: "What `storeCreate` answers.",
    StoreUpdatePayload: "What `storeUpdate` answers.",
    StoreHoursSetPayload: "What `storeHoursSet` answers.",
    StoreDaySetPayload: "What `storeDaySet` answers.",
    StoreClosureAddPayload: "What `storeClosureAdd` answers.",
    StoreClosureRemovePayload: "What `storeClosureRemove` answers.",
    StoreServiceAreaSetPayload: "What `storeServiceAreaSet` answers.",
    StoreSubmitPayload: "What `storeSubmit` answers.",
    StoreApprovePayload: "What `storeApprove` answers.",
    StoreSendBackPayload: "What `storeSendBack` answers.",
    StoreSuspendPayload: "What `storeSuspend` answers.",
    StoreReopenPayload: "What `storeReopen` answers.",
    StoreClosePayload: "What `storeClose` answers.",
    StorePausePayload: "What `storePause` answers.",
    StoreResumePayload: "What `storeResume` answers.",
    StoreRushModeSetPayload: "What `storeRushModeSet` answers.",
    StoreCommissionSetPayload: "What `storeCommissionSet` answers.",
}

/// Sets up a store.
#[derive(InputObject)]
pub struct StoreCreateInput {
    /// Its name, 1 to 120 characters in one language at least.
    pub name: LocalTextInput,
    /// What it is, up to 1,000 characters.
    pub description: Option<LocalTextInput>,
    /// What kind of store, `cat_…`.
    pub category_id: ID,
    /// Where it stands.
    pub point: PointInput,
    /// The zone of its hours, IANA name; `Asia/Damascus` when left out.
    pub time_zone: Option<String>,
    /// Its phone number.
    pub phone: String,
    /// The currency of all its prices; cannot be changed later. SYP when left out.
    pub currency: Option<Currency>,
}

impl StoreCreateInput {
    pub(super) fn parse(self) -> Result<CreateStore, StoreError> {
        Ok(CreateStore {
            name: self.name.into(),
            description: self.description.unwrap_or(LocalTextInput { ar: None, en: None }).into(),
            category_id: self.category_id.parse()?,
            point: self.point.parse()?,
            time_zone: self.time_zone.as_deref().map_or(Ok(TimeZone::DAMASCUS), TimeZone::parse)?,
            phone: Phone::parse(&self.phone)?,
            currency: self.currency.unwrap_or(Currency::Syp),
        })
    }
}

/// Changes a store's profile; what is left out stays.
#[derive(InputObject)]
pub struct StoreUpdateInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
    /// Its name, 1 to 120 characters in one language at least.
    pub name: Option<LocalTextInput>,
    /// What it is, up to 1,000 characters.
    pub description: Option<LocalTextInput>,
    /// What kind of store, `cat_…`.
    pub category_id: Option<ID>,
    /// Where it stands.
    pub point: Option<PointInput>,
    /// The zone of its hours, IANA name.
    pub time_zone: Option<String>,
    /// Its phone number.
    pub phone: Option<String>,
    /// The least worth of items it accepts, minor units of its currency; 0 for none.
    pub min_order_minor: Option<BigInt>,
    /// How long it usually prepares, 1 to 240 minutes.
    pub prep_minutes: Option<i32>,
    /// Accept orders without a person.
    pub auto_accept: Option<bool>,
}

impl StoreUpdateInput {
    pub(super) fn parse(self) -> Result<UpdateStore, StoreError> {
        Ok(UpdateStore {
            expected_version: self.expected_version.map(i64::from),
            name: self.name.map(Into::into),
            description: self.description.map(Into::into),
            category_id: self.category_id.map(|id| id.parse()).transpose()?,
            point: self.point.map(PointInput::parse).transpose()?,
            time_zone: self.time_zone.as_deref().map(TimeZone::parse).transpose()?,
            phone: self.phone.as_deref().map(Phone::parse).transpose()?,
            min_order_minor: self.min_order_minor.map(|minor| minor.0),
            prep_minutes: self.prep_minutes.map(i64::from),
            auto_accept: self.auto_accept,
        })
    }
}

/// A range of the weekly hours.
#[derive(Debug, InputObject)]
pub struct OpenRangeInput {
    /// The day it opens.
    pub weekday: Weekday,
    /// Opens, `HH:MM` from 00:00 to 23:59.
    pub opens: String,
    /// Closes, `HH:MM` from 00:00 to 24:00; at or before `opens` means past midnight.
    pub closes: String,
}

/// Replaces the weekly hours.
#[derive(Debug, InputObject)]
pub struct StoreHoursSetInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
    /// All ranges of the week, at most four a day.
    pub hours: Vec<OpenRangeInput>,
}

impl StoreHoursSetInput {
    pub(super) fn hours(&self) -> Result<Vec<OpenRange>, StoreError> {
        let range = |range: &OpenRangeInput| {
            Ok(OpenRange {
                weekday: range.weekday,
                opens: TimeOfDay::parse(&range.opens)?,
                closes: TimeOfDay::parse(&range.closes)?,
            })
        };
        self.hours.iter().map(range).collect()
    }
}

/// From opening to closing on one day.
#[derive(Debug, InputObject)]
pub struct DayRangeInput {
    /// Opens, `HH:MM` from 00:00 to 23:59.
    pub opens: String,
    /// Closes, `HH:MM` from 00:00 to 24:00; at or before `opens` means past midnight.
    pub closes: String,
}

/// Sets other hours for one day.
#[derive(Debug, InputObject)]
pub struct StoreDaySetInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// The day in the store's time zone, `YYYY-MM-DD`, from yesterday to two years ahead.
    pub date: String,
    /// Its ranges, at most four; none means closed, null goes back to the weekly hours.
    pub ranges: Option<Vec<DayRangeInput>>,
}

impl StoreDaySetInput {
    pub(super) fn ranges(&self) -> Result<Option<Vec<DayRange>>, StoreError> {
        let time =
            |text: &str| TimeOfDay::parse(text).map_err(|e| StoreError::of_hours(e, FieldPath(&["ranges"])));
        let range =
            |range: &DayRangeInput| Ok(DayRange { opens: time(&range.opens)?, closes: time(&range.closes)? });
        self.ranges.as_ref().map(|ranges| ranges.iter().map(range).collect()).transpose()
    }
}

/// Closes a store for a while.
#[derive(Debug, InputObject)]
pub struct StoreClosureAddInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// From this instant.
    pub from: Timestamp,
    /// Until just before this instant, at most a year later.
    pub until: Timestamp,
    /// Why, for the staff; 1 to 500 characters.
    pub reason: String,
}

impl StoreClosureAddInput {
    pub(super) fn closure(&self) -> Closure {
        Closure { from: self.from, until: self.until, reason: self.reason.trim().to_owned() }
    }
}

/// Takes a closure back.
#[derive(Debug, InputObject)]
pub struct StoreClosureRemoveInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// When the closure begins.
    pub from: Timestamp,
}

/// Replaces the service area.
#[derive(InputObject)]
pub struct StoreServiceAreaSetInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
    /// At most 10 polygons, each a list of at most 10 rings (the outline, then holes), 1,000 points in all. A ring ends
    /// with the point it begins with; between two points it goes the shortest way. It may lie across the date line.
    pub polygons: Vec<Vec<Vec<PointInput>>>,
}

impl StoreServiceAreaSetInput {
    pub(super) fn area(&self) -> Result<ServiceArea, StoreError> {
        let mut polygons = Vec::with_capacity(self.polygons.len());
        for rings in &self.polygons {
            let rings: Result<Vec<Vec<_>>, _> =
                rings.iter().map(|ring| ring.iter().map(|point| point.parse()).collect()).collect();
            polygons.push(rings.map_err(|_| StoreError::BadPoint { path: FieldPath(&["polygons"]) })?);
        }
        Ok(ServiceArea::new(polygons)?)
    }
}

/// Declares inputs that only name a store.
macro_rules! store_id_inputs {
    ($($name:ident: $doc:literal),+ $(,)?) => {
        $(
            #[doc = $doc]
            #[derive(Debug, InputObject)]
            pub struct $name {
                /// Which, `sto_…`.
                pub store_id: ID,
            }
        )+
    };
}

store_id_inputs! {
    StoreSubmitInput: "Asks ops to let a store sell.",
    StoreApproveInput: "Lets a store sell.",
    StoreReopenInput: "Lets a suspended store go on.",
    StoreCloseInput: "Ends a store for good.",
    StoreResumeInput: "Takes orders again.",
}

/// Wants something changed before a store may sell.
#[derive(Debug, InputObject)]
pub struct StoreSendBackInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// What, 1 to 500 characters.
    pub reason: String,
}

/// Stops a store.
#[derive(Debug, InputObject)]
pub struct StoreSuspendInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// Why, 1 to 500 characters.
    pub reason: String,
}

/// Takes no orders for a while.
#[derive(Debug, InputObject)]
pub struct StorePauseInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// For so long, 1 to 1,440 minutes.
    pub minutes: i32,
}

/// Slower for a while.
#[derive(Debug, InputObject)]
pub struct StoreRushModeSetInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// Minutes added to every preparation, 1 to 120; null or 0 ends the rush.
    pub extra_minutes: Option<i32>,
    /// For so long, 1 to 1,440 minutes; 60 when left out.
    pub minutes: Option<i32>,
}

impl StoreRushModeSetInput {
    pub(super) fn rush(&self) -> Option<(i64, i64)> {
        let extra = self.extra_minutes.filter(|minutes| *minutes != 0)?;
        Some((extra.into(), self.minutes.unwrap_or(60).into()))
    }
}

/// Sets a store's own commission.
#[derive(Debug, InputObject)]
pub struct StoreCommissionSetInput {
    /// Which, `sto_…`.
    pub store_id: ID,
    /// Basis points of the items, 0 to 10,000; null for the platform's rate.
    pub commission_bps: Option<i32>,
}

/// Adds a category.
#[derive(InputObject)]
pub struct StoreCategoryCreateInput {
    /// Below this one, `cat_…`; a root when left out.
    pub parent_id: Option<ID>,
    /// A stable short name: 2 to 40 lower-case letters and digits, with single hyphens between them.
    pub slug: String,
    /// What people read.
    pub name: LocalTextInput,
    /// Its place among its siblings; 0 when left out.
    pub position: Option<i32>,
}

impl StoreCategoryCreateInput {
    pub(super) fn parse(self) -> Result<CreateCategory, CategoryError> {
        let parent_id = self.parent_id.map(|id| id.parse()).transpose();
        Ok(CreateCategory {
            parent_id: parent_id.map_err(CategoryError::malformed_parent)?,
            slug: self.slug,
            name: self.name.into(),
            position: self.position.unwrap_or_default().into(),
        })
    }
}

/// Changes a category; what is left out stays.
#[derive(InputObject)]
pub struct StoreCategoryUpdateInput {
    /// Which, `cat_…`.
    pub category_id: ID,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
    /// Below this one, `cat_…`, but not below itself; null makes it a root.
    pub parent_id: MaybeUndefined<ID>,
    /// A stable short name: 2 to 40 lower-case letters and digits, with single hyphens between them.
    pub slug: Option<String>,
    /// What people read.
    pub name: Option<LocalTextInput>,
    /// Its place among its siblings.
    pub position: Option<i32>,
}

impl StoreCategoryUpdateInput {
    pub(super) fn parse(self) -> Result<UpdateCategory, CategoryError> {
        Ok(UpdateCategory {
            expected_version: self.expected_version.map(i64::from),
            parent_id: match self.parent_id {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(id) => Some(Some(id.parse().map_err(CategoryError::malformed_parent)?)),
            },
            slug: self.slug,
            name: self.name.map(Into::into),
            position: self.position.map(i64::from),
        })
    }
}

crate::payload!(
    /// What `storeCategoryUpdate` answers.
    StoreCategoryUpdatePayload, CategoryError, {
        /// The category as it is now; null when there are `userErrors`.
        category: StoreCategoryObject
    }
);

crate::payload!(
    /// What `storeCategoryCreate` answers.
    StoreCategoryCreatePayload, CategoryError, {
        /// The category; null when there are `userErrors`.
        category: StoreCategoryObject
    }
);
