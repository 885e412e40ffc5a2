//! The store and what belongs to it.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use daraa_domain::actor::{Actor, StaffOf, StaffRole};
use daraa_domain::store::category::{CategoryError, CategoryErrorCode, StoreCategory};
use daraa_domain::store::hours::{Closure, DayOverride, DayRange, OpenRange, Weekday};
use daraa_domain::store::{
    self, Availability, ClosedReason, Rating, Store, StoreAction, StoreError, StoreErrorCode, StoreEvent,
    StoreStatus,
};
use daraa_platform::fault::FieldPath;
use daraa_platform::money::Currency;
use daraa_platform::paging::PageRequest;
use daraa_platform::time::Timestamp;

use super::loader::CategoryLoader;
use crate::graphql::catalog::{MenuSectionObject, ProductObject};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};
use crate::graphql::scalars::{BigInt, GeoPoint, LocalTextObject, MoneyObject, PointInput};

crate::user_errors!(
    /// What was wrong with a request about a store or its staff.
    StoreUserError, StoreError, StoreErrorCode
);

crate::user_errors!(
    /// What was wrong with a request about a category.
    StoreCategoryUserError, CategoryError, CategoryErrorCode
);

/// A selling place.
#[derive(Debug, Clone)]
pub struct StoreObject {
    store: Arc<Store>,
    /// The asker has just set it up. Who they are was read before, so it says nothing of their being its owner.
    founded: bool,
}

impl From<Arc<Store>> for StoreObject {
    fn from(store: Arc<Store>) -> Self {
        Self { store, founded: false }
    }
}

impl From<Store> for StoreObject {
    fn from(store: Store) -> Self {
        Arc::new(store).into()
    }
}

impl StoreObject {
    /// A store its asker has just set up.
    pub(super) fn founded(store: Store) -> Self {
        Self { store: Arc::new(store), founded: true }
    }

    /// Who asks, as far as this store goes.
    fn asker<'c>(&self, ctx: &Context<'c>) -> Cow<'c, Actor> {
        match ctx.actor() {
            Actor::Person(person) if self.founded => {
                let mut person = person.clone();
                person.staff.push(StaffOf { store_id: self.store.id, role: StaffRole::Owner });
                Cow::Owned(Actor::Person(person))
            }
            actor => Cow::Borrowed(actor),
        }
    }

    /// Whether the asker works for the store or for the platform.
    fn insider(&self, ctx: &Context<'_>) -> bool {
        let asker = self.asker(ctx);
        asker.rank_in(self.store.id).is_some() || asker.is_ops()
    }
}

/// A selling place. Everybody sees active stores; a store's staff and ops see it in any status.
#[Object(name = "Store")]
impl StoreObject {
    /// The id, `sto_…`.
    pub(crate) async fn id(&self) -> ID {
        self.store.id.to_string().into()
    }

    /// Its name.
    async fn name(&self) -> LocalTextObject {
        self.store.name.clone().into()
    }

    /// What it is, in a few sentences; may be empty.
    async fn description(&self) -> LocalTextObject {
        self.store.description.clone().into()
    }

    /// What kind of store it is.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<StoreCategoryObject>, ApiError> {
        let found = ctx.loader::<CategoryLoader, _>().load_one(self.store.category_id).await?;
        Ok(found.map(StoreCategoryObject))
    }

    /// Where it stands.
    async fn point(&self) -> GeoPoint {
        self.store.point.into()
    }

    /// How far it is from a point, metres as the crow flies.
    async fn distance_m(
        &self,
        #[graphql(desc = "From where.")] from: PointInput,
    ) -> Result<BigInt, ApiError> {
        let from = from.parse().map_err(|_| StoreError::BadPoint { path: FieldPath(&["from"]) })?;
        Ok(self.store.point.distance_m(from).into())
    }

    /// Its phone number, E.164.
    async fn phone(&self) -> &str {
        self.store.phone.as_str()
    }

    /// The one currency of all its prices.
    async fn currency(&self) -> Currency {
        self.store.currency
    }

    /// The zone of its hours, IANA name.
    async fn time_zone(&self) -> &str {
        self.store.schedule.time_zone.name()
    }

    /// Its weekly hours.
    async fn hours(&self) -> Vec<OpenRangeObject> {
        self.store.schedule.hours.iter().map(|range| OpenRangeObject(*range)).collect()
    }

    /// Days with other hours than the weekly ones.
    async fn day_overrides(&self) -> Vec<DayOverrideObject> {
        self.store.schedule.overrides.iter().cloned().map(DayOverrideObject).collect()
    }

    /// Times in which it is closed whatever its hours say; only for its staff and ops, empty for others.
    async fn closures(&self, ctx: &Context<'_>) -> Vec<ClosureObject> {
        let shown = self.insider(ctx);
        self.store.schedule.closures.iter().filter(|_| shown).cloned().map(ClosureObject).collect()
    }

    /// Whether it takes orders now, and until or from when.
    async fn availability(&self, ctx: &Context<'_>) -> AvailabilityObject {
        AvailabilityObject(store::availability(&self.store, ctx.app().clock.now()))
    }

    /// Takes no orders until then.
    async fn paused_until(&self, ctx: &Context<'_>) -> Option<Timestamp> {
        self.store.paused_until.filter(|until| *until > ctx.app().clock.now())
    }

    /// Its rush mode, while it lasts.
    async fn rush(&self, ctx: &Context<'_>) -> Option<RushObject> {
        let rush = self.store.rush.filter(|rush| rush.until > ctx.app().clock.now())?;
        Some(RushObject { extra_minutes: rush.extra_minutes.into(), until: rush.until })
    }

    /// The least worth of items it accepts; null for none.
    async fn min_order(&self) -> Option<MoneyObject> {
        self.store.min_order.map(MoneyObject::from)
    }

    /// How long it prepares an order that is placed now, minutes, rush included.
    async fn prep_minutes(&self, ctx: &Context<'_>) -> BigInt {
        store::prep_minutes(&self.store, ctx.app().clock.now()).into()
    }

    /// Where it delivers to: polygons, each a list of rings (the outline, then holes); null while there is none.
    async fn service_area(&self) -> Option<Vec<Vec<Vec<GeoPoint>>>> {
        let area = self.store.service_area.as_ref()?;
        let ring = |ring: Vec<_>| ring.into_iter().map(GeoPoint).collect();
        Some(area.polygons().into_iter().map(|rings| rings.into_iter().map(ring).collect()).collect())
    }

    /// Where it is in its life.
    async fn status(&self) -> StoreStatus {
        self.store.status
    }

    /// Its ratings.
    async fn rating(&self) -> RatingObject {
        RatingObject(self.store.rating)
    }

    /// Orders are accepted without a person.
    async fn auto_accept(&self) -> bool {
        self.store.auto_accept
    }

    /// Its own commission rate in basis points; null for the platform's, and for who neither works for it nor for
    /// the platform.
    async fn commission_bps(&self, ctx: &Context<'_>) -> Option<BigInt> {
        self.store.commission_bps.filter(|_| self.insider(ctx)).map(BigInt)
    }

    /// What the asker may do with its life now.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<StoreAction> {
        store::actions_for(&self.asker(ctx), &self.store)
    }

    /// Its life so far, oldest first; only for its staff and ops, empty for others.
    async fn history(&self, ctx: &Context<'_>) -> Vec<StoreEventObject> {
        let shown = self.insider(ctx);
        self.store.history.iter().filter(|_| shown).cloned().map(StoreEventObject).collect()
    }

    /// The sections of its menu in order, at most 100.
    async fn menu(&self, ctx: &Context<'_>) -> Result<Vec<MenuSectionObject>, ApiError> {
        let sections = daraa_domain::catalog::sections(ctx.app(), &self.asker(ctx), self.store.id).await?;
        Ok(sections.into_iter().map(MenuSectionObject).collect())
    }

    /// What it sells, in the order it was made; its staff and ops also see what is not on the menu.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<ProductObject>, ApiError> {
        let page: PageRequest = page_request(first, after.as_deref(), last, before.as_deref())?;
        let found =
            daraa_domain::catalog::products(ctx.app(), &self.asker(ctx), self.store.id, &page).await?;
        Ok(connection(found, ProductObject::from))
    }

    /// When it was set up.
    async fn created_at(&self) -> Timestamp {
        self.store.created_at
    }

    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.store.version.into()
    }
}

/// A node of the tree of store categories.
#[derive(Debug, Clone)]
pub struct StoreCategoryObject(pub StoreCategory);

/// A node of the tree of store categories.
#[Object(name = "StoreCategory")]
impl StoreCategoryObject {
    /// The id, `cat_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The node above; null for a root.
    async fn parent_id(&self) -> Option<ID> {
        self.0.parent_id.map(|id| id.to_string().into())
    }

    /// A stable short name, e.g. `sweets`.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What people read.
    async fn name(&self) -> LocalTextObject {
        self.0.name.clone().into()
    }

    /// Shown in this order among its siblings.
    async fn position(&self) -> BigInt {
        self.0.position.into()
    }

    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }
}

/// A range of the weekly hours.
#[derive(Debug)]
pub struct OpenRangeObject(OpenRange);

/// A range of the weekly hours, in the store's time zone.
#[Object(name = "OpenRange")]
impl OpenRangeObject {
    /// The day it opens.
    async fn weekday(&self) -> Weekday {
        self.0.weekday
    }

    /// Opens, `HH:MM`.
    async fn opens(&self) -> String {
        self.0.opens.to_string()
    }

    /// Closes, `HH:MM`; at or before `opens` means past midnight.
    async fn closes(&self) -> String {
        self.0.closes.to_string()
    }
}

/// From opening to closing on one day.
#[derive(Debug)]
pub struct DayRangeObject(DayRange);

/// From opening to closing on one day, in the store's time zone.
#[Object(name = "DayRange")]
impl DayRangeObject {
    /// Opens, `HH:MM`.
    async fn opens(&self) -> String {
        self.0.opens.to_string()
    }

    /// Closes, `HH:MM`; at or before `opens` means past midnight.
    async fn closes(&self) -> String {
        self.0.closes.to_string()
    }
}

/// Hours of one calendar day.
#[derive(Debug)]
pub struct DayOverrideObject(DayOverride);

/// Hours of one calendar day that replace the weekly ones.
#[Object(name = "DayOverride")]
impl DayOverrideObject {
    /// The day in the store's time zone, `YYYY-MM-DD`.
    async fn date(&self) -> String {
        self.0.date.to_string()
    }

    /// Its ranges; none means closed.
    async fn ranges(&self) -> Vec<DayRangeObject> {
        self.0.ranges.iter().map(|range| DayRangeObject(*range)).collect()
    }
}

/// A dated closure.
#[derive(Debug)]
pub struct ClosureObject(Closure);

/// A time in which the store is closed whatever its hours say.
#[Object(name = "StoreClosure")]
impl ClosureObject {
    /// From this instant.
    async fn from(&self) -> Timestamp {
        self.0.from
    }

    /// Until just before this instant.
    async fn until(&self) -> Timestamp {
        self.0.until
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }
}

/// Whether a store takes orders.
#[derive(Debug)]
pub struct AvailabilityObject(Availability);

/// Whether a store takes orders, and until or from when.
#[Object(name = "StoreAvailability")]
impl AvailabilityObject {
    /// Takes orders now.
    async fn open(&self) -> bool {
        self.0.open
    }

    /// Why not; null when open.
    async fn reason(&self) -> Option<ClosedReason> {
        self.0.reason
    }

    /// When it next opens; null when open, or when no opening is in sight (15 days).
    async fn opens_at(&self) -> Option<Timestamp> {
        self.0.opens_at
    }

    /// When it closes; null when closed, or when no end is in sight.
    async fn closes_at(&self) -> Option<Timestamp> {
        self.0.closes_at
    }
}

/// More preparation time for a while.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RushMode")]
pub struct RushObject {
    /// Minutes added to every preparation.
    pub extra_minutes: BigInt,
    /// Ends by itself.
    pub until: Timestamp,
}

/// Ratings, folded.
#[derive(Debug)]
pub struct RatingObject(pub Rating);

/// The ratings of a store, product or courier.
#[Object(name = "Rating")]
impl RatingObject {
    /// How many.
    async fn count(&self) -> BigInt {
        self.0.count.into()
    }

    /// The mean, 1 to 5 stars; null without ratings.
    async fn average(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "at most 5,000")]
        let stars = self.0.average_milli as f64 / 1_000.0;
        (self.0.count > 0).then_some(stars)
    }
}

/// One step of a store's life.
#[derive(Debug)]
pub struct StoreEventObject(StoreEvent);

/// One step of a store's life.
#[Object(name = "StoreEvent")]
impl StoreEventObject {
    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Who: an account id or the system.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What.
    async fn action(&self) -> StoreAction {
        self.0.action
    }

    /// From.
    async fn from(&self) -> StoreStatus {
        self.0.from
    }

    /// To.
    async fn to(&self) -> StoreStatus {
        self.0.to
    }

    /// Why, when a reason is asked for.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
}
