//! The collections of coupons and their uses. Every change of a limit is one conditional update of one document.

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::{Coll, DbError, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson};

use super::model::{
    COUPONS, Coupon, CouponReservation, CouponStatus, CouponUse, CustomerUses, USES, UseState,
};
use super::rules::MAX_RESERVATIONS;
use crate::app::App;
use crate::ids::{AccountId, CouponId, OrderGroupId, StoreId};

/// How many counted and returned purchases a coupon remembers; a step is repeated within seconds, not after
/// hundreds of others.
const REMEMBERED: i64 = 500;

fn coupons(app: &App) -> Coll<Coupon> {
    app.mongo.coll(COUPONS)
}

fn uses(app: &App) -> Coll<CustomerUses> {
    app.mongo.coll(USES)
}

fn uses_id(coupon_id: CouponId, account_id: AccountId) -> String {
    format!("{coupon_id}:{account_id}")
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, coupon: &Coupon) -> Result<(), DbError> {
    coupons(app).insert_in_tx(tx, "db.coupon.insert", coupon).await
}

pub(super) async fn find(app: &App, id: CouponId) -> Result<Option<Coupon>, DbError> {
    coupons(app).find_one("db.coupon.find", doc! { "_id": id }).await
}

pub(super) async fn find_by_code(app: &App, code: &str) -> Result<Option<Coupon>, DbError> {
    coupons(app).find_one("db.coupon.by_code", doc! { "code": code }).await
}

/// Switches a coupon off; `None` when it is off already.
pub(super) async fn disable_in_tx(app: &App, tx: &mut Tx, id: CouponId) -> Result<Option<Coupon>, DbError> {
    let filter = doc! { "_id": id, "status": serialize_to_bson(&CouponStatus::Active)? };
    let off = doc! { "status": serialize_to_bson(&CouponStatus::Disabled)? };
    let update = doc! { "$set": off, "$inc": { "version": 1_i64 } };
    coupons(app).find_one_and_update_in_tx(tx, "db.coupon.disable", filter, update).await
}

pub(super) async fn uses_of(
    app: &App,
    coupon_id: CouponId,
    account_id: AccountId,
) -> Result<Option<CustomerUses>, DbError> {
    uses(app).find_one("db.coupon.uses_of", doc! { "_id": uses_id(coupon_id, account_id) }).await
}

/// The coupons of a store, or the platform's own, newest first.
pub(super) async fn page(
    app: &App,
    store_id: Option<StoreId>,
    request: &PageRequest,
) -> Result<Page<Coupon>, DbError> {
    let mut filter = doc! { "store_id": store_id };
    filter.extend(request.after_filter("created_at", SortOrder::Descending, date_key));
    let sort = request.sort("created_at", SortOrder::Descending);
    let rows =
        app.mongo.browse(COUPONS).find_many("db.coupon.page", filter, sort, request.fetch_limit()).await?;
    Ok(Page::build(request, rows, |row: &Coupon| Cursor { key: row.created_at.millis(), id: row.id.oid() }))
}

/// Drops promises that have expired; a dead promise is worth nothing, so dropping it is always right.
pub(super) async fn drop_expired(
    app: &App,
    coupon_id: CouponId,
    account_id: AccountId,
    now: Timestamp,
) -> Result<(), DbError> {
    let dead = doc! { "expires_at": { "$lte": now } };
    coupons(app)
        .update_one(
            "db.coupon.drop_expired",
            doc! { "_id": coupon_id, "reservations": { "$elemMatch": dead.clone() } },
            doc! { "$pull": { "reservations": dead.clone() } },
        )
        .await?;
    let mut dead = dead;
    dead.insert("state", serialize_to_bson(&UseState::Reserved)?);
    uses(app)
        .update_one(
            "db.coupon.drop_expired_use",
            doc! { "_id": uses_id(coupon_id, account_id), "uses": { "$elemMatch": dead.clone() } },
            doc! { "$pull": { "uses": dead } },
        )
        .await?;
    Ok(())
}

/// Opens a customer's document of uses, when there is none.
pub(super) async fn open_uses(app: &App, coupon_id: CouponId, account_id: AccountId) -> Result<(), DbError> {
    let new = doc! { "coupon_id": coupon_id, "account_id": account_id, "uses": [] };
    let opened = uses(app)
        .upsert(
            "db.coupon.open_uses",
            doc! { "_id": uses_id(coupon_id, account_id) },
            doc! { "$setOnInsert": new },
        )
        .await;
    match opened {
        // Two requests of one customer at once: the other one opened it.
        Ok(_) | Err(DbError::Duplicate { .. }) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Promises a use to a customer's purchase; `false` when the customer's limit is reached (or the purchase has it).
pub(super) async fn reserve_use(
    app: &App,
    coupon: &Coupon,
    reservation: &CouponReservation,
) -> Result<bool, DbError> {
    let CouponReservation { group_id, account_id, expires_at } = *reservation;
    let filter = doc! {
        "_id": uses_id(coupon.id, account_id),
        "uses.group_id": { "$ne": group_id },
        "$expr": { "$lt": [{ "$size": "$uses" }, coupon.limit_per_customer] },
    };
    let promise = serialize_to_bson(&CouponUse { group_id, state: UseState::Reserved, expires_at })?;
    uses(app).update_one("db.coupon.reserve_use", filter, doc! { "$push": { "uses": promise } }).await
}

/// Promises a use of the whole; `false` when the total limit is reached (or the purchase has it).
pub(super) async fn reserve(
    app: &App,
    coupon_id: CouponId,
    reservation: &CouponReservation,
) -> Result<bool, DbError> {
    let reserved = doc! { "$size": "$reservations" };
    let left = doc! { "$lt": [
        { "$add": ["$used", reserved.clone()] },
        { "$ifNull": ["$limit_total", i64::MAX] },
    ] };
    let room = doc! { "$lt": [reserved, MAX_RESERVATIONS] };
    let filter = doc! {
        "_id": coupon_id,
        "status": serialize_to_bson(&CouponStatus::Active)?,
        "reservations.group_id": { "$ne": reservation.group_id },
        "$expr": { "$and": [left, room] },
    };
    let push = doc! { "$push": { "reservations": serialize_to_bson(reservation)? } };
    coupons(app).update_one("db.coupon.reserve", filter, push).await
}

/// Turns a promise into a use; `false` when there is no promise (any more).
pub(super) async fn confirm(app: &App, coupon_id: CouponId, group_id: OrderGroupId) -> Result<bool, DbError> {
    let filter = doc! { "_id": coupon_id, "reservations.group_id": group_id };
    coupons(app).update_one("db.coupon.confirm", filter, counted(group_id)).await
}

/// Counts a use without a promise, once a purchase; `false` when it was counted, or counted and given back.
pub(super) async fn count(app: &App, coupon_id: CouponId, group_id: OrderGroupId) -> Result<bool, DbError> {
    let new = doc! { "$ne": group_id };
    let filter = doc! { "_id": coupon_id, "confirmed": new.clone(), "returned": new };
    coupons(app).update_one("db.coupon.count", filter, counted(group_id)).await
}

fn counted(group_id: OrderGroupId) -> Document {
    doc! {
        "$pull": { "reservations": { "group_id": group_id } },
        "$inc": { "used": 1_i64 },
        "$push": { "confirmed": { "$each": [group_id], "$slice": -REMEMBERED } },
    }
}

/// Notes a purchase's use with its customer, who may have no more than a dead promise of it; no limit is asked.
pub(super) async fn add_use(
    app: &App,
    coupon_id: CouponId,
    account_id: AccountId,
    group_id: OrderGroupId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": uses_id(coupon_id, account_id), "uses.group_id": { "$ne": group_id } };
    let used = CouponUse { group_id, state: UseState::Confirmed, expires_at: now };
    let update = doc! { "$push": { "uses": serialize_to_bson(&used)? } };
    uses(app).update_one("db.coupon.add_use", filter, update).await
}

pub(super) async fn set_use_state(
    app: &App,
    coupon_id: CouponId,
    account_id: AccountId,
    group_id: OrderGroupId,
    from: UseState,
    to: UseState,
) -> Result<bool, DbError> {
    let known = doc! { "group_id": group_id, "state": serialize_to_bson(&from)? };
    let filter = doc! { "_id": uses_id(coupon_id, account_id), "uses": { "$elemMatch": known } };
    let update = doc! { "$set": { "uses.$.state": serialize_to_bson(&to)? } };
    uses(app).update_one("db.coupon.set_use_state", filter, update).await
}

/// Takes a promise back; `false` when there is none.
pub(super) async fn release(app: &App, coupon_id: CouponId, group_id: OrderGroupId) -> Result<bool, DbError> {
    let filter = doc! { "_id": coupon_id, "reservations.group_id": group_id };
    let update = doc! { "$pull": { "reservations": { "group_id": group_id } } };
    coupons(app).update_one("db.coupon.release", filter, update).await
}

/// Gives a counted use back, once a purchase.
pub(super) async fn give_back(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": coupon_id, "returned": { "$ne": group_id }, "used": { "$gt": 0_i64 } };
    let remembered = doc! { "$each": [group_id], "$slice": -REMEMBERED };
    let update = doc! {
        "$inc": { "used": -1_i64 },
        "$pull": { "confirmed": group_id },
        "$push": { "returned": remembered },
    };
    coupons(app).update_one("db.coupon.give_back", filter, update).await
}

pub(super) async fn remove_use(
    app: &App,
    coupon_id: CouponId,
    account_id: AccountId,
    group_id: OrderGroupId,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": uses_id(coupon_id, account_id), "uses.group_id": group_id };
    let update = doc! { "$pull": { "uses": { "group_id": group_id } } };
    uses(app).update_one("db.coupon.remove_use", filter, update).await
}
