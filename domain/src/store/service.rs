//! Use cases of stores.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use daraa_platform::fault::{Denial, FieldPath, Infra};
use daraa_platform::ids::TypedId as _;
use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::Tx;
use daraa_platform::paging::{Cursor, Page, PageRequest};
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};
use serde::Serialize;
use tracing::instrument;

use super::area::ServiceArea;
use super::error::StoreError;
use super::event;
use super::hours::{
    BadHours, Closure, DayOverride, DayRange, MAX_CLOSURES, MAX_OVERRIDES, OpenRange, Schedule, TimeZone,
    may_override, validate_day, validate_week,
};
use super::model::{
    MAX_PAUSE_MINUTES, MAX_PREP_MINUTES, MAX_RUSH_MINUTES, Rating, RushMode, Store, StoreAction, StoreStatus,
};
use super::rules::{self, Decision, Mover};
use super::{category, staff, store};
use crate::account::Phone;
use crate::actor::{Actor, OpsRole, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::fold;
use crate::ids::{StoreCategoryId, StoreId};
use crate::outbox;
use crate::place::Point;
use crate::text::LocalText;

/// A store prepares this long until it says otherwise.
const DEFAULT_PREP_MINUTES: i64 = 20;
/// A closure lasts at most a year; longer is closing down.
const MAX_CLOSURE_DAYS: u64 = 366;
/// The least worth of items a store may ask for, minor units.
const MAX_MIN_ORDER_MINOR: i64 = 1_000_000_000_000;
const MINUTE_MS: u64 = 60_000;

/// One store in any status; the caller decides who may see it.
///
/// # Errors
/// [`StoreError::StoreNotFound`], or database failure.
pub async fn get(app: &App, id: StoreId) -> Result<Arc<Store>, StoreError> {
    get_many(app, &[id]).await?.remove(&id).ok_or(StoreError::StoreNotFound)
}

/// Many stores at once; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn get_many(app: &App, ids: &[StoreId]) -> Result<HashMap<StoreId, Arc<Store>>, StoreError> {
    let found = store::get_many(app, ids).await?;
    Ok(found.into_iter().map(|(id, store)| (id, Arc::new(store))).collect())
}

/// [`get_many`] as they are stored, not through the cache: for what is frozen on an order.
///
/// # Errors
/// Database failure.
pub async fn get_many_fresh(app: &App, ids: &[StoreId]) -> Result<HashMap<StoreId, Arc<Store>>, Infra> {
    let found = store::find_many(app, ids).await?;
    Ok(found.into_iter().map(|store| (store.id, Arc::new(store))).collect())
}

/// One store as the asker may see it: everybody sees active ones, staff and ops see theirs in any status.
///
/// # Errors
/// [`StoreError::StoreNotFound`], or database failure.
pub async fn view(app: &App, actor: &Actor, id: StoreId) -> Result<Arc<Store>, StoreError> {
    let store = get(app, id).await?;
    let insider = actor.rank_in(id).is_some() || actor.is_ops() || actor.is_system();
    if store.status == StoreStatus::Active || insider { Ok(store) } else { Err(StoreError::StoreNotFound) }
}

/// The stores the asker works for.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn mine(app: &App, actor: &Actor) -> Result<Vec<Arc<Store>>, StoreError> {
    let ids: Vec<StoreId> = actor.person()?.staff.iter().map(|s| s.store_id).collect();
    let mut found = get_many(app, &ids).await?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Stores of one status for ops, newest first.
///
/// # Errors
/// No right, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    status: StoreStatus,
    page: &PageRequest,
) -> Result<Page<Arc<Store>>, StoreError> {
    actor.ops(&[OpsRole::Operations, OpsRole::Support, OpsRole::Finance])?;
    let rows = store::of_status(app, status, page).await?;
    let cursor = |store: &Store| Cursor { key: store.created_at.millis(), id: store.id.oid() };
    Ok(Page::build(page, rows, cursor).map(Arc::new))
}

/// Active stores with words that begin so, of those named (all, when none are). For the search room.
pub(crate) async fn matching(
    app: &App,
    prefixes: &[String],
    among: Option<&[StoreId]>,
    limit: i64,
) -> Result<Vec<Arc<Store>>, StoreError> {
    Ok(store::matching(app, prefixes, among, limit).await?.into_iter().map(Arc::new).collect())
}

/// Asks for a rank in a store: staff of that rank, ops people for stores, the system. For others the store does not
/// exist.
///
/// # Errors
/// Not signed in, too low a rank, or [`StoreError::StoreNotFound`].
pub fn require(actor: &Actor, store_id: StoreId, least: StaffRole) -> Result<(), StoreError> {
    if actor.is_system() || actor.ops(&[OpsRole::Operations]).is_ok() {
        return Ok(());
    }
    match actor.rank_in(store_id) {
        Some(rank) if rank >= least => Ok(()),
        Some(_) => Err(Denial::Forbidden.into()),
        None => {
            actor.person()?;
            Err(StoreError::StoreNotFound)
        }
    }
}

/// A new store.
#[derive(Debug, Clone)]
pub struct CreateStore {
    /// Its name.
    pub name: LocalText,
    /// What it is; may be empty.
    pub description: LocalText,
    /// What kind.
    pub category_id: StoreCategoryId,
    /// Where it stands.
    pub point: Point,
    /// The zone of its hours.
    pub time_zone: TimeZone,
    /// Its number.
    pub phone: Phone,
    /// The currency of its prices; cannot be changed later.
    pub currency: Currency,
}

/// Sets up a draft; the person becomes its owner.
///
/// # Errors
/// Not signed in, a bad name, an unknown category, too many stores.
#[instrument(name = "svc.store.create", skip_all)]
pub async fn create(app: &App, actor: &Actor, command: CreateStore) -> Result<Store, StoreError> {
    let owner = actor.person()?.account_id;
    check_texts(Some(&command.name), Some(&command.description))?;
    check_category(app, command.category_id).await?;
    let row = Store {
        id: app.ids.next(),
        prefixes: fold::prefixes([command.name.ar.as_str(), command.name.en.as_str()]),
        name: command.name,
        description: command.description,
        category_id: command.category_id,
        point: command.point,
        phone: command.phone,
        currency: command.currency,
        schedule: Schedule {
            time_zone: command.time_zone,
            hours: Vec::new(),
            overrides: Vec::new(),
            closures: Vec::new(),
        },
        paused_until: None,
        rush: None,
        min_order: None,
        prep_minutes: DEFAULT_PREP_MINUTES,
        service_area: None,
        status: StoreStatus::Draft,
        rating: Rating::default(),
        commission_bps: None,
        auto_accept: false,
        history: Vec::new(),
        created_at: app.clock.now(),
        version: 1,
    };
    transact!(&app.mongo, "store.create", StoreError, |tx| {
        store::insert_in_tx(app, tx, &row).await?;
        staff::join_in_tx(app, tx, row.id, owner, StaffRole::Owner).await?;
        record(app, tx, actor, "store.create", row.id, Document::new()).await?;
        outbox::emit_in_tx(app, tx, event::about(&row, event::CREATED)).await?;
        Ok(())
    })?;
    Ok(row)
}

/// Changes of a store's profile; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateStore {
    /// Refuse when the store is no longer at this version.
    pub expected_version: Option<i64>,
    /// Its name.
    pub name: Option<LocalText>,
    /// What it is.
    pub description: Option<LocalText>,
    /// What kind.
    pub category_id: Option<StoreCategoryId>,
    /// Where it stands.
    pub point: Option<Point>,
    /// The zone of its hours.
    pub time_zone: Option<TimeZone>,
    /// Its number.
    pub phone: Option<Phone>,
    /// The least worth of items of an order, minor units; 0 asks for none.
    pub min_order_minor: Option<i64>,
    /// How long it usually prepares.
    pub prep_minutes: Option<i64>,
    /// Orders are accepted without a person.
    pub auto_accept: Option<bool>,
}

/// Changes the profile (manager).
///
/// # Errors
/// No right, [`StoreError::StaleVersion`], or a value out of bounds.
#[instrument(name = "svc.store.update", skip_all, fields(store.id = %id))]
pub async fn update(
    app: &App,
    actor: &Actor,
    id: StoreId,
    command: UpdateStore,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    check_texts(command.name.as_ref(), command.description.as_ref())?;
    if let Some(category_id) = command.category_id {
        check_category(app, category_id).await?;
    }
    if let Some(minor) = command.min_order_minor {
        bounded(&["minOrderMinor"], minor, 0, MAX_MIN_ORDER_MINOR)?;
    }
    if let Some(minutes) = command.prep_minutes {
        bounded(&["prepMinutes"], minutes, 1, MAX_PREP_MINUTES)?;
    }
    let change = |store: &Store| {
        let mut set = Document::new();
        if let Some(name) = &command.name {
            set.insert("name", bson(name)?);
            set.insert("prefixes", fold::prefixes([name.ar.as_str(), name.en.as_str()]));
        }
        put(&mut set, "description", command.description.as_ref())?;
        put(&mut set, "category_id", command.category_id.as_ref())?;
        put(&mut set, "point", command.point.as_ref())?;
        put(&mut set, "schedule.time_zone", command.time_zone.as_ref())?;
        put(&mut set, "phone", command.phone.as_ref())?;
        put(&mut set, "prep_minutes", command.prep_minutes.as_ref())?;
        put(&mut set, "auto_accept", command.auto_accept.as_ref())?;
        if let Some(minor) = command.min_order_minor {
            let least = (minor > 0).then(|| Money::new(minor, store.currency));
            set.insert("min_order", bson(&least)?);
        }
        Ok(set)
    };
    write(
        app,
        actor,
        id,
        Act { name: "store.update", expected: command.expected_version, event: None },
        change,
    )
    .await
}

/// Replaces the weekly hours (manager).
///
/// # Errors
/// No right, [`StoreError::TooManyHours`], [`StoreError::HoursOverlap`], [`StoreError::StaleVersion`].
pub async fn set_hours(
    app: &App,
    actor: &Actor,
    id: StoreId,
    hours: Vec<OpenRange>,
    expected_version: Option<i64>,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    validate_week(&hours)?;
    let act = Act { name: "store.hours", expected: expected_version, event: None };
    write(app, actor, id, act, |_| Ok(doc! { "schedule.hours": bson(&hours)? })).await
}

/// Sets other hours for one day, none meaning closed; `None` goes back to the weekly hours (manager). Days that are
/// over are forgotten.
///
/// # Errors
/// No right, [`StoreError::BadDate`] for a day long past or far ahead, [`StoreError::BadTime`],
/// [`StoreError::TooManyHours`], [`StoreError::HoursOverlap`], [`StoreError::TooManyClosures`].
pub async fn set_day(
    app: &App,
    actor: &Actor,
    id: StoreId,
    date: NaiveDate,
    ranges: Option<Vec<DayRange>>,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    if let Some(ranges) = &ranges {
        validate_day(date, ranges).map_err(|e| StoreError::of_hours(e, FieldPath(&["ranges"])))?;
    }
    let act = Act { name: "store.day", expected: None, event: None };
    write(app, actor, id, act, |store| {
        let today = app.clock.now().to_chrono().with_timezone(&store.schedule.time_zone.tz()).date_naive();
        if !may_override(date, today) {
            return Err(BadHours::Date.into());
        }
        let others =
            store.schedule.overrides.iter().filter(|o| o.date != date && may_override(o.date, today));
        let mut days: Vec<DayOverride> = others.cloned().collect();
        days.extend(ranges.clone().map(|ranges| DayOverride { date, ranges }));
        if days.len() > MAX_OVERRIDES {
            return Err(StoreError::TooManyClosures);
        }
        days.sort_by_key(|o| o.date);
        Ok(doc! { "schedule.overrides": bson(&days)? })
    })
    .await
}

/// Closes the store for a while, whatever its hours say (manager). Closures that are over are forgotten.
///
/// # Errors
/// No right, [`StoreError::BadClosure`], [`StoreError::ReasonRequired`], [`StoreError::TooManyClosures`].
pub async fn add_closure(
    app: &App,
    actor: &Actor,
    id: StoreId,
    mut closure: Closure,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    let now = app.clock.now();
    let longest = std::time::Duration::from_millis(MAX_CLOSURE_DAYS * 24 * 60 * MINUTE_MS);
    if closure.until <= closure.from
        || closure.until <= now
        || closure.until.since(closure.from) > longest
        || closure.from.since(now) > longest
    {
        return Err(StoreError::BadClosure);
    }
    closure.reason = good_reason(&closure.reason)?;
    let act = Act { name: "store.closure", expected: None, event: None };
    write(app, actor, id, act, |store| {
        let mut closures: Vec<Closure> = store
            .schedule
            .closures
            .iter()
            .filter(|c| c.until > now && c.from != closure.from)
            .cloned()
            .collect();
        closures.push(closure.clone());
        if closures.len() > MAX_CLOSURES {
            return Err(StoreError::TooManyClosures);
        }
        closures.sort_by_key(|c| c.from);
        Ok(doc! { "schedule.closures": bson(&closures)? })
    })
    .await
}

/// Takes back the closure that begins at `from` (manager).
///
/// # Errors
/// No right, [`StoreError::ClosureNotFound`].
pub async fn remove_closure(
    app: &App,
    actor: &Actor,
    id: StoreId,
    from: Timestamp,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    let act = Act { name: "store.closure_remove", expected: None, event: None };
    write(app, actor, id, act, |store| {
        let closures: Vec<&Closure> = store.schedule.closures.iter().filter(|c| c.from != from).collect();
        if closures.len() == store.schedule.closures.len() {
            return Err(StoreError::ClosureNotFound);
        }
        Ok(doc! { "schedule.closures": bson(&closures)? })
    })
    .await
}

/// Replaces the service area (manager).
///
/// # Errors
/// No right, [`StoreError::StaleVersion`].
pub async fn set_area(
    app: &App,
    actor: &Actor,
    id: StoreId,
    area: ServiceArea,
    expected_version: Option<i64>,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Manager)?;
    let act = Act { name: "store.area", expected: expected_version, event: None };
    write(app, actor, id, act, |_| Ok(doc! { "service_area": area.geo_json() })).await
}

/// Takes no orders for so many minutes (staff).
///
/// # Errors
/// No right, [`StoreError::OutOfRange`].
pub async fn pause(app: &App, actor: &Actor, id: StoreId, minutes: i64) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Staff)?;
    bounded(&["minutes"], minutes, 1, MAX_PAUSE_MINUTES)?;
    let until = app.clock.now().plus(in_minutes(minutes));
    let act = Act { name: "store.pause", expected: None, event: Some(event::PAUSED) };
    write(app, actor, id, act, |_| Ok(doc! { "paused_until": until })).await
}

/// Takes orders again (staff). Not paused is a success, too.
///
/// # Errors
/// No right.
pub async fn resume(app: &App, actor: &Actor, id: StoreId) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Staff)?;
    let act = Act { name: "store.resume", expected: None, event: Some(event::RESUMED) };
    write(app, actor, id, act, |store| {
        Ok(if store.paused_until.is_some() {
            doc! { "paused_until": Bson::Null }
        } else {
            Document::new()
        })
    })
    .await
}

/// Adds minutes to every preparation for a while; `None` ends it (staff).
///
/// # Errors
/// No right, [`StoreError::OutOfRange`].
pub async fn set_rush(
    app: &App,
    actor: &Actor,
    id: StoreId,
    rush: Option<(i64, i64)>,
) -> Result<Store, StoreError> {
    require(actor, id, StaffRole::Staff)?;
    let mode = match rush {
        None => None,
        Some((extra_minutes, minutes)) => {
            bounded(&["extraMinutes"], extra_minutes, 1, MAX_RUSH_MINUTES)?;
            bounded(&["minutes"], minutes, 1, MAX_PAUSE_MINUTES)?;
            Some(RushMode { extra_minutes, until: app.clock.now().plus(in_minutes(minutes)) })
        }
    };
    let act = Act { name: "store.rush", expected: None, event: None };
    write(app, actor, id, act, |_| Ok(doc! { "rush": bson(&mode)? })).await
}

/// Sets the store's own commission rate in basis points, or goes back to the platform's (finance).
///
/// # Errors
/// No right, [`StoreError::OutOfRange`].
pub async fn set_commission(
    app: &App,
    actor: &Actor,
    id: StoreId,
    bps: Option<i64>,
) -> Result<Store, StoreError> {
    if !actor.is_system() {
        actor.ops(&[OpsRole::Finance])?;
    }
    if let Some(bps) = bps {
        bounded(&["commissionBps"], bps, 0, daraa_platform::money::FULL_BPS)?;
    }
    let act = Act { name: "store.commission", expected: None, event: None };
    write(app, actor, id, act, |_| Ok(doc! { "commission_bps": bson(&bps)? })).await
}

/// Moves a store through its life: submit (owner), approve, send back, suspend, reopen (ops), close (both). There
/// already is a success without effect.
///
/// # Errors
/// No right, [`StoreError::StoreNotFound`], [`StoreError::InvalidTransition`], [`StoreError::StoreIncomplete`],
/// [`StoreError::ReasonRequired`].
#[instrument(name = "svc.store.act", skip_all, fields(store.id = %id, store.action = ?action))]
pub async fn act(
    app: &App,
    actor: &Actor,
    id: StoreId,
    action: StoreAction,
    reason: Option<String>,
) -> Result<Store, StoreError> {
    let who = movers(actor, id);
    if who.is_empty() {
        return Err(match actor.rank_in(id) {
            Some(_) => Denial::Forbidden.into(),
            None => {
                actor.person()?;
                StoreError::StoreNotFound
            }
        });
    }
    let reason = match action {
        StoreAction::SendBack | StoreAction::Suspend => {
            Some(good_reason(reason.as_deref().unwrap_or_default())?)
        }
        _ => reason.as_deref().map(good_reason).transpose()?,
    };
    transact!(&app.mongo, "store.act", StoreError, |tx| {
        let before = store::find_in_tx(app, tx, id).await?.ok_or(StoreError::StoreNotFound)?;
        let to = match rules::decide(before.status, action, &who) {
            Decision::Go(to) => to,
            Decision::Already => return Ok(before),
            Decision::Never => return Err(StoreError::InvalidTransition),
            Decision::NotYours => return Err(Denial::Forbidden.into()),
        };
        if action == StoreAction::Submit {
            let missing = rules::missing_for_submit(&before);
            if !missing.is_empty() {
                return Err(StoreError::StoreIncomplete { missing: missing.join(", ") });
            }
        }
        let history = doc! {
            "at": app.clock.now(),
            "actor": actor.label(),
            "action": action.as_str(),
            "from": before.status.as_str(),
            "to": to.as_str(),
            "reason": reason.clone(),
        };
        let set = doc! { "status": to.as_str() };
        let after =
            store::set_in_tx(app, tx, &before, set, Some(history)).await?.ok_or(StoreError::StaleVersion)?;
        let details = doc! { "from": before.status.as_str(), "to": to.as_str(), "reason": reason.clone() };
        record(app, tx, actor, action.event(), id, details).await?;
        outbox::emit_in_tx(app, tx, event::about(&after, action.event())).await?;
        Ok(after)
    })
}

/// What the asker may do with the store's life now.
#[must_use]
pub fn actions_for(actor: &Actor, store: &Store) -> Vec<StoreAction> {
    rules::available_actions(store.status, &movers(actor, store.id))
}

fn movers(actor: &Actor, id: StoreId) -> Vec<Mover> {
    let mut who = Vec::new();
    if actor.rank_in(id) == Some(StaffRole::Owner) {
        who.push(Mover::Owner);
    }
    if actor.is_system() || actor.ops(&[OpsRole::Operations]).is_ok() {
        who.push(Mover::Ops);
    }
    who
}

/// Counts a review's stars (1 to 5) in the transaction that keeps the review.
///
/// # Errors
/// [`StoreError::StoreNotFound`], [`StoreError::OutOfRange`], or database failure.
pub async fn add_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    stars: i64,
) -> Result<(), StoreError> {
    bounded(&["stars"], stars, 1, 5)?;
    let found = store::find_in_tx(app, tx, store_id).await?.ok_or(StoreError::StoreNotFound)?;
    if store::set_rating_in_tx(app, tx, store_id, found.rating.plus(stars)).await? {
        Ok(())
    } else {
        Err(StoreError::StoreNotFound)
    }
}

/// Takes a review's stars (1 to 5) out of the store's rating, in the transaction that hides the review.
///
/// # Errors
/// [`StoreError::StoreNotFound`], [`StoreError::OutOfRange`], or database failure.
pub async fn remove_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    stars: i64,
) -> Result<(), StoreError> {
    bounded(&["stars"], stars, 1, 5)?;
    let found = store::find_in_tx(app, tx, store_id).await?.ok_or(StoreError::StoreNotFound)?;
    if store::set_rating_in_tx(app, tx, store_id, found.rating.minus(stars)).await? {
        Ok(())
    } else {
        Err(StoreError::StoreNotFound)
    }
}

/// A change of a store: its name in the audit log, the version it was seen at, what it announces.
struct Act {
    name: &'static str,
    expected: Option<i64>,
    event: Option<&'static str>,
}

/// Reads, decides the fields to set, writes if nobody else did meanwhile, records, announces. No fields: no effect.
async fn write(
    app: &App,
    actor: &Actor,
    id: StoreId,
    act: Act,
    change: impl Fn(&Store) -> Result<Document, StoreError> + Sync,
) -> Result<Store, StoreError> {
    transact!(&app.mongo, "store.write", StoreError, |tx| {
        let before = store::find_in_tx(app, tx, id).await?.ok_or(StoreError::StoreNotFound)?;
        if act.expected.is_some_and(|version| version != before.version) {
            return Err(StoreError::StaleVersion);
        }
        if before.status == StoreStatus::Closed {
            return Err(StoreError::InvalidTransition);
        }
        let set = change(&before)?;
        if set.is_empty() {
            return Ok(before);
        }
        let fields: Vec<String> = set.keys().cloned().collect();
        let after = store::set_in_tx(app, tx, &before, set, None).await?.ok_or(StoreError::StaleVersion)?;
        record(app, tx, actor, act.name, id, doc! { "fields": fields }).await?;
        if let Some(kind) = act.event {
            outbox::emit_in_tx(app, tx, event::about(&after, kind)).await?;
        }
        Ok(after)
    })
}

pub(super) async fn record(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    id: StoreId,
    details: Document,
) -> Result<(), StoreError> {
    audit::record_in_tx(app, tx, NewAudit { actor, action, subject: id.to_string(), details }).await?;
    Ok(())
}

async fn check_category(app: &App, id: StoreCategoryId) -> Result<(), StoreError> {
    let tree = category::all(app).await.map_err(|e| match e {
        category::CategoryError::Infra(cause) => StoreError::Infra(cause),
        _ => StoreError::CategoryNotFound,
    })?;
    if tree.iter().any(|c| c.id == id) { Ok(()) } else { Err(StoreError::CategoryNotFound) }
}

fn check_texts(name: Option<&LocalText>, description: Option<&LocalText>) -> Result<(), StoreError> {
    if name.is_some_and(|name| !rules::good_name(name)) {
        return Err(StoreError::BadName);
    }
    if description.is_some_and(|text| !rules::good_description(text)) {
        return Err(StoreError::BadDescription);
    }
    Ok(())
}

fn good_reason(reason: &str) -> Result<String, StoreError> {
    rules::good_reason(reason).ok_or(StoreError::ReasonRequired)
}

fn bounded(path: &'static [&'static str], value: i64, min: i64, max: i64) -> Result<(), StoreError> {
    let path = FieldPath(path);
    if (min..=max).contains(&value) { Ok(()) } else { Err(StoreError::OutOfRange { path, min, max }) }
}

fn in_minutes(minutes: i64) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(minutes).unwrap_or(0).saturating_mul(MINUTE_MS))
}

fn bson(value: &impl Serialize) -> Result<Bson, StoreError> {
    serialize_to_bson(value).map_err(|e| Infra::defect(e).into())
}

fn put(set: &mut Document, field: &'static str, value: Option<&impl Serialize>) -> Result<(), StoreError> {
    if let Some(value) = value {
        set.insert(field, bson(value)?);
    }
    Ok(())
}
