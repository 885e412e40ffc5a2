//! The collections `orders` and `order_groups`.

use daraa_platform::mongo::{Coll, DbError, Tx};
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{COLLECTION, HistoryEntry, MAX_ORDERS_PER_GROUP, Order};
use super::rules::OrderStatus;
use crate::app::App;
use crate::ids::{OrderGroupId, OrderId};

fn orders(app: &App) -> Coll<Order> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn get(app: &App, id: OrderId) -> Result<Option<Order>, DbError> {
    orders(app).find_one("db.order.get", doc! { "_id": id }).await
}

pub(super) async fn get_in_tx(app: &App, tx: &mut Tx, id: OrderId) -> Result<Option<Order>, DbError> {
    orders(app).find_one_in_tx(tx, "db.order.get", doc! { "_id": id }).await
}

pub(super) async fn of_group(app: &App, group_id: OrderGroupId) -> Result<Vec<Order>, DbError> {
    orders(app)
        .find_many(
            "db.order.of_group",
            doc! { "group_id": group_id },
            doc! { "_id": 1 },
            MAX_ORDERS_PER_GROUP,
        )
        .await
}

/// The conditional write of a transition: `None` when the order is no longer as it was read.
pub(super) async fn advance_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Order,
    entry: &HistoryEntry,
    set: Document,
) -> Result<Option<Order>, DbError> {
    let mut changes = doc! { "status": entry.to, "version": entry.version };
    changes.extend(set);
    let filter = doc! { "_id": read.id, "status": read.status, "version": read.version };
    let update = doc! { "$set": changes, "$push": { "history": serialize_to_bson(entry)? } };
    orders(app).find_one_and_update_in_tx(tx, "db.order.advance", filter, update).await
}

/// Sets fields that are no transition, while the order is in one of `states`.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    id: OrderId,
    states: &[OrderStatus],
    set: Document,
) -> Result<Option<Order>, DbError> {
    let states: Vec<Bson> = states.iter().copied().map(Bson::from).collect();
    let filter = doc! { "_id": id, "status": { "$in": states } };
    orders(app).find_one_and_update_in_tx(tx, "db.order.set", filter, doc! { "$set": set }).await
}
