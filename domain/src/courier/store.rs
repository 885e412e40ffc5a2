//! The collections `couriers` and `courier_positions`, and the live positions in Redis.

use std::time::Duration;

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::redis::{CacheError, Whereabouts};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{COLLECTION, Courier, CourierStatus, CourierStep, POSITIONS, Position, PositionRow};
use super::rules::MAX_CAPACITY;
use crate::app::App;
use crate::ids::{AccountId, CourierId};
use crate::place::Point;

/// The geographic set of all couriers who were heard of lately: what dispatch reads at once.
const GEO_SET: &str = "couriers:live";
/// Live positions asked for in one command.
const LIVE_AT_ONCE: usize = 1_000;
/// A position older than this says nothing any more.
const POSITION_TTL: Duration = Duration::from_secs(900);
/// A courier's track and his stored position get a point this often at most.
const SAMPLE_EVERY: Duration = Duration::from_secs(15);
/// Dispatch of one shard looks at this many couriers at most: twice what one shard is made for.
const MAX_ONLINE: usize = 20_000;

fn couriers(app: &App) -> Coll<Courier> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn get(app: &App, id: CourierId) -> Result<Option<Courier>, DbError> {
    couriers(app).find_one("db.courier.get", doc! { "_id": id }).await
}

pub(super) async fn get_in_tx(app: &App, tx: &mut Tx, id: CourierId) -> Result<Option<Courier>, DbError> {
    couriers(app).find_one_in_tx(tx, "db.courier.get_in_tx", doc! { "_id": id }).await
}

pub(super) async fn get_many(app: &App, ids: &[CourierId]) -> Result<Vec<Courier>, DbError> {
    let wanted: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
    let limit = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let filter = doc! { "_id": { "$in": wanted } };
    couriers(app).find_many("db.courier.get_many", filter, doc! { "_id": 1 }, limit).await
}

pub(super) async fn of_account(app: &App, account_id: AccountId) -> Result<Option<Courier>, DbError> {
    couriers(app).find_one("db.courier.of_account", doc! { "account_id": account_id }).await
}

pub(super) async fn insert(app: &App, courier: &Courier) -> Result<(), DbError> {
    couriers(app).insert("db.courier.insert", courier).await
}

pub(super) async fn online(app: &App) -> Result<Vec<Courier>, DbError> {
    let after = |last: &Courier| doc! { "_id": { "$gt": last.id } };
    couriers(app)
        .find_pages("db.courier.online", doc! { "online": true }, doc! { "_id": 1 }, MAX_ONLINE, after)
        .await
}

/// Couriers who are off and still have something to bring.
pub(super) async fn finishing(app: &App) -> Result<Vec<Courier>, DbError> {
    let busy: Vec<i64> = (1..=MAX_CAPACITY).collect();
    let filter = doc! { "active_deliveries": { "$in": busy }, "online": false };
    let after = |last: &Courier| doc! { "_id": { "$gt": last.id } };
    couriers(app).find_pages("db.courier.finishing", filter, doc! { "_id": 1 }, MAX_ONLINE, after).await
}

/// Couriers who have something to bring and gave no sign after `before`; those who fell silent last come first, so
/// that others who cannot be helped never crowd them out.
pub(super) async fn silent(app: &App, before: Timestamp) -> Result<Vec<Courier>, DbError> {
    let busy: Vec<i64> = (1..=MAX_CAPACITY).collect();
    // Who was never heard of is silent, too.
    let filter = doc! { "active_deliveries": { "$in": busy }, "seen_at": { "$not": { "$gt": before } } };
    couriers(app).find_many("db.courier.silent", filter, doc! { "seen_at": -1 }, MAX_ROWS).await
}

/// Couriers whose shift has ended while they were on, the longest first.
pub(super) async fn past_shift(app: &App, now: Timestamp, limit: i64) -> Result<Vec<Courier>, DbError> {
    let filter = doc! { "online": true, "shift_until": { "$lt": now } };
    couriers(app).find_many("db.courier.past_shift", filter, doc! { "shift_until": 1 }, limit).await
}

/// Ends a shift that is over; `None` when its end was moved meanwhile.
pub(super) async fn end_shift(app: &App, id: CourierId, now: Timestamp) -> Result<Option<Courier>, DbError> {
    let filter = doc! { "_id": id, "online": true, "shift_until": { "$lt": now } };
    let update = doc! { "$set": { "online": false, "shift_until": Bson::Null } };
    couriers(app).find_one_and_update("db.courier.end_shift", filter, update).await
}

pub(super) async fn list(
    app: &App,
    status: Option<CourierStatus>,
    page: &PageRequest,
) -> Result<Page<Courier>, DbError> {
    let mut filter = page.after_filter("created_at", SortOrder::Descending, date_key);
    if let Some(status) = status {
        filter.insert("status", serialize_to_bson(&status)?);
    }
    let sort = page.sort("created_at", SortOrder::Descending);
    let rows = couriers(app).find_many("db.courier.list", filter, sort, page.fetch_limit()).await?;
    Ok(Page::build(page, rows, |c| Cursor {
        key: c.created_at.millis(),
        id: daraa_platform::ids::TypedId::oid(c.id),
    }))
}

/// The conditional write of a change of standing.
pub(super) async fn advance_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Courier,
    step: &CourierStep,
    set: Document,
) -> Result<Option<Courier>, DbError> {
    let mut changes = doc! { "status": serialize_to_bson(&step.to)?, "version": step.version };
    changes.extend(set);
    let filter = doc! { "_id": read.id, "status": serialize_to_bson(&read.status)?, "version": read.version };
    let update = doc! { "$set": changes, "$push": { "history": serialize_to_bson(step)? } };
    couriers(app).find_one_and_update_in_tx(tx, "db.courier.advance", filter, update).await
}

pub(super) async fn set_online(
    app: &App,
    id: CourierId,
    point: Point,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Courier>, DbError> {
    let until = until.map_or(Bson::Null, Bson::from);
    let filter = doc! { "_id": id, "status": serialize_to_bson(&CourierStatus::Active)? };
    let update = doc! { "$set": {
        "online": true, "shift_until": until, "point": point.geo_json(), "seen_at": now,
    } };
    couriers(app).find_one_and_update("db.courier.set_online", filter, update).await
}

pub(super) async fn set_offline(app: &App, id: CourierId) -> Result<Option<Courier>, DbError> {
    let update = doc! { "$set": { "online": false, "shift_until": Bson::Null } };
    couriers(app).find_one_and_update("db.courier.set_offline", doc! { "_id": id }, update).await
}

/// Takes one place of his capacity; `false` when none is left or he may not work.
pub(super) async fn take_in_tx(
    app: &App,
    tx: &mut Tx,
    id: CourierId,
    only_online: bool,
) -> Result<bool, DbError> {
    let mut filter = doc! {
        "_id": id,
        "status": serialize_to_bson(&CourierStatus::Active)?,
        "$expr": { "$lt": ["$active_deliveries", "$capacity"] },
    };
    if only_online {
        filter.insert("online", true);
    }
    let update = doc! { "$inc": { "active_deliveries": 1_i64 } };
    couriers(app).update_one_in_tx(tx, "db.courier.take", filter, update).await
}

/// Gives one place back.
pub(super) async fn free_in_tx(
    app: &App,
    tx: &mut Tx,
    id: CourierId,
    seen: Option<Position>,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "active_deliveries": { "$gt": 0_i64 } };
    let mut update = doc! { "$inc": { "active_deliveries": -1_i64 } };
    if let Some(seen) = seen {
        update.insert("$set", doc! { "point": seen.point.geo_json(), "seen_at": seen.at });
    }
    couriers(app).update_one_in_tx(tx, "db.courier.free", filter, update).await
}

// ---- positions ----

fn live_key(id: CourierId) -> String {
    format!("courier:position:{id}")
}

pub(super) async fn set_live(app: &App, id: CourierId, position: Position) -> Result<(), CacheError> {
    let live = Live::from(position);
    let text = serde_json::to_string(&live).unwrap_or_default();
    app.redis.set(&live_key(id), &text, app.clock.real(POSITION_TTL)).await?;
    let here = Whereabouts { lon: live.lon, lat: live.lat, at_ms: live.at_ms };
    // Counted in the time that is shown: the set tells old members by when they were heard of.
    app.redis.geo_track(GEO_SET, &id.to_string(), here, POSITION_TTL).await
}

/// Where these couriers are, as last heard, in the order of the ids; `None` for one not heard of lately. To less than
/// a metre, and all at once: for dispatch.
pub(super) async fn live_many(app: &App, ids: &[CourierId]) -> Result<Vec<Option<Position>>, CacheError> {
    let mut out = Vec::with_capacity(ids.len());
    for some in ids.chunks(LIVE_AT_ONCE) {
        let members: Vec<String> = some.iter().map(ToString::to_string).collect();
        let heard = app.redis.geo_tracked(GEO_SET, &members).await?;
        out.extend(heard.into_iter().map(|here| {
            let here = here?;
            let point = Point::new(here.lon, here.lat).ok()?;
            Some(Position { point, at: Timestamp::from_millis(here.at_ms) })
        }));
    }
    Ok(out)
}

pub(super) async fn clear_live(app: &App, id: CourierId) -> Result<(), CacheError> {
    app.redis.geo_remove(GEO_SET, &id.to_string()).await?;
    app.redis.del(&live_key(id)).await
}

pub(super) async fn live(app: &App, id: CourierId) -> Result<Option<Position>, CacheError> {
    Ok(app.redis.get(&live_key(id)).await?.and_then(|text| parse_live(&text)))
}

fn parse_live(text: &str) -> Option<Position> {
    let live: Live = serde_json::from_str(text).ok()?;
    let point = Point::new(live.lon, live.lat).ok()?;
    Some(Position { point, at: Timestamp::from_millis(live.at_ms) })
}

/// Whether it is time for a sample. When Redis is away the database decides by the last sample's time.
pub(super) async fn sample_due(app: &App, id: CourierId) -> bool {
    let key = format!("courier:sampled:{id}");
    app.redis.set_if_absent(&key, "1", app.clock.real(SAMPLE_EVERY)).await.unwrap_or(true)
}

/// Stores a sample: the courier's position, and a point of his track. `false` when he is neither online nor has
/// something to bring, or was sampled a moment ago.
pub(super) async fn sample(app: &App, id: CourierId, position: Position) -> Result<bool, DbError> {
    let sampled_before = position.at.minus(SAMPLE_EVERY / 2);
    let filter = doc! {
        "_id": id,
        "$and": [
            { "$or": [{ "online": true }, { "active_deliveries": { "$gt": 0_i64 } }] },
            { "$or": [{ "seen_at": null }, { "seen_at": { "$lte": sampled_before } }] },
        ],
    };
    let update = doc! { "$set": { "point": position.point.geo_json(), "seen_at": position.at } };
    if !couriers(app).update_one("db.courier.sample", filter, update).await? {
        return Ok(false);
    }
    let row = PositionRow { id: app.ids.next_oid(), courier_id: id, point: position.point, at: position.at };
    app.mongo.coll::<PositionRow>(POSITIONS).insert("db.courier.track", &row).await?;
    Ok(true)
}

/// The newest `limit` points of a track, newest first.
pub(super) async fn track(app: &App, id: CourierId, limit: i64) -> Result<Vec<Position>, DbError> {
    let rows = app
        .mongo
        .coll::<PositionRow>(POSITIONS)
        .find_many("db.courier.track", doc! { "courier_id": id }, doc! { "at": -1 }, limit)
        .await?;
    Ok(rows.into_iter().map(|row| Position { point: row.point, at: row.at }).collect())
}

/// A live position as text: smaller than GeoJSON, and ms survive JSON.
#[derive(serde::Serialize, serde::Deserialize)]
struct Live {
    lon: f64,
    lat: f64,
    at_ms: i64,
}

impl From<Position> for Live {
    fn from(position: Position) -> Self {
        Self { lon: position.point.lon(), lat: position.point.lat(), at_ms: position.at.millis() }
    }
}
