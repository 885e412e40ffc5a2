//! The stock collections. Each change is one conditional update.

use std::collections::BTreeSet;

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::model::{ADJUSTMENTS, COLLECTION, DueReservation, StockAdjustment, StockItem};
use crate::app::App;
use crate::ids::{OrderId, VariantId};

pub(super) async fn find(app: &App, id: VariantId) -> Result<Option<StockItem>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.stock.find", doc! { "_id": id }).await
}

pub(super) async fn find_many(app: &App, ids: &[VariantId]) -> Result<Vec<StockItem>, DbError> {
    let wanted: BTreeSet<VariantId> = ids.iter().copied().collect();
    let wanted: Vec<Bson> = wanted.into_iter().map(Bson::from).collect();
    let mut out = Vec::with_capacity(wanted.len());
    for part in wanted.chunks(usize::try_from(MAX_ROWS).unwrap_or(usize::MAX)) {
        let filter = doc! { "_id": { "$in": part } };
        out.extend(
            app.mongo
                .coll(COLLECTION)
                .find_many("db.stock.find_many", filter, Document::new(), MAX_ROWS)
                .await?,
        );
    }
    Ok(out)
}

pub(super) async fn insert_many_in_tx(app: &App, tx: &mut Tx, rows: &[StockItem]) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert_many_in_tx(tx, "db.stock.insert", rows).await
}

/// Takes from the shelf for an order, unless the order holds some already or there is not enough.
pub(super) async fn reserve(
    app: &App,
    order_id: OrderId,
    variant_id: VariantId,
    quantity: i64,
    expires_at: Option<Timestamp>,
) -> Result<bool, DbError> {
    let mut reservation = doc! { "id": order_id, "quantity": quantity };
    if let Some(at) = expires_at {
        reservation.insert("expires_at", at);
    }
    let filter = doc! {
        "_id": variant_id,
        "tracked": true,
        "on_hand": { "$gte": quantity },
        "reservations.id": { "$ne": order_id },
    };
    let update = doc! {
        "$inc": { "on_hand": -quantity, "reserved": quantity, "version": 1_i64 },
        "$push": { "reservations": reservation },
    };
    app.mongo.coll::<StockItem>(COLLECTION).update_one("db.stock.reserve", filter, update).await
}

/// Takes the expiry off an order's reservation; `false` when it holds none.
pub(super) async fn confirm(app: &App, order_id: OrderId, variant_id: VariantId) -> Result<bool, DbError> {
    let filter = doc! { "_id": variant_id, "reservations.id": order_id };
    let update = doc! { "$unset": { "reservations.$.expires_at": "" }, "$inc": { "version": 1_i64 } };
    app.mongo.coll::<StockItem>(COLLECTION).update_one("db.stock.confirm", filter, update).await
}

/// Ends an order's reservation of `quantity`: into `sold` or back to `on_hand`.
pub(super) async fn settle(
    app: &App,
    order_id: OrderId,
    variant_id: VariantId,
    quantity: i64,
    into: &'static str,
) -> Result<bool, DbError> {
    let filter = doc! {
        "_id": variant_id,
        "reservations": { "$elemMatch": { "id": order_id, "quantity": quantity } },
    };
    let update = doc! {
        "$inc": { "reserved": -quantity, into: quantity, "version": 1_i64 },
        "$pull": { "reservations": { "id": order_id } },
    };
    app.mongo.coll::<StockItem>(COLLECTION).update_one("db.stock.settle", filter, update).await
}

/// Reservations past their time, of up to `limit` variants.
pub(super) async fn expired(app: &App, now: Timestamp, limit: i64) -> Result<Vec<DueReservation>, DbError> {
    let filter = doc! { "reservations.expires_at": { "$lte": now } };
    // In no order: an index on elements of an array gives none.
    let sort = Document::new();
    let rows: Vec<StockItem> =
        app.mongo.coll(COLLECTION).find_many("db.stock.expired", filter, sort, limit).await?;
    Ok(rows
        .into_iter()
        .flat_map(|item| {
            let variant_id = item.id;
            item.reservations
                .into_iter()
                .filter(move |r| r.expires_at.is_some_and(|at| at <= now))
                .map(move |r| DueReservation { order_id: r.id, variant_id, quantity: r.quantity })
        })
        .collect())
}

/// Begins to count a variant with so many on the shelf; `false` when it is counted already. What was sold uncounted is
/// not in the books.
pub(super) async fn begin_in_tx(
    app: &App,
    tx: &mut Tx,
    id: VariantId,
    on_hand: i64,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "tracked": false };
    let update = doc! {
        "$set": { "tracked": true },
        "$inc": { "on_hand": on_hand, "initial": on_hand, "version": 1_i64 },
    };
    app.mongo.coll::<StockItem>(COLLECTION).update_one_in_tx(tx, "db.stock.begin", filter, update).await
}

/// Moves the shelf by hand; `None` when it is not counted or less is there than taken.
pub(super) async fn adjust_in_tx(
    app: &App,
    tx: &mut Tx,
    row: &StockAdjustment,
) -> Result<Option<StockItem>, DbError> {
    let filter = doc! {
        "_id": row.variant_id,
        "store_id": row.store_id,
        "tracked": true,
        "on_hand": { "$gte": row.delta.saturating_neg().max(0) },
    };
    let update =
        doc! { "$inc": { "on_hand": row.delta, "adjusted": row.delta.saturating_neg(), "version": 1_i64 } };
    let items = app.mongo.coll::<StockItem>(COLLECTION);
    let after = items.find_one_and_update_in_tx(tx, "db.stock.adjust", filter, update).await?;
    if after.is_some() {
        app.mongo.coll(ADJUSTMENTS).insert_in_tx(tx, "db.stock.adjustment", row).await?;
    }
    Ok(after)
}
