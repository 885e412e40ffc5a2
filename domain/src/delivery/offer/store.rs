//! The collection `courier_offers`.

use daraa_platform::mongo::{Coll, DbError, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson};

use super::model::{COLLECTION, CourierOffer, DeclineReason, OfferStatus};
use crate::app::App;
use crate::ids::{CourierId, DeliveryId, OfferId};

/// A courier has one live offer; the list of them is short by nature.
const MAX_LIVE: i64 = 20;

fn offers(app: &App) -> Coll<CourierOffer> {
    app.mongo.coll(COLLECTION)
}

/// An offer of this courier.
pub(in crate::delivery) async fn of_courier(
    app: &App,
    courier_id: CourierId,
    id: OfferId,
) -> Result<Option<CourierOffer>, DbError> {
    offers(app).find_one("db.offer.get", doc! { "_id": id, "courier_id": courier_id }).await
}

pub(in crate::delivery) async fn of_courier_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: CourierId,
    id: OfferId,
) -> Result<Option<CourierOffer>, DbError> {
    offers(app).find_one_in_tx(tx, "db.offer.get_in_tx", doc! { "_id": id, "courier_id": courier_id }).await
}

pub(in crate::delivery) async fn get(app: &App, id: OfferId) -> Result<Option<CourierOffer>, DbError> {
    offers(app).find_one("db.offer.get", doc! { "_id": id }).await
}

/// The live offers of a courier, newest first.
pub(in crate::delivery) async fn live_of_courier(
    app: &App,
    courier_id: CourierId,
    now: Timestamp,
) -> Result<Vec<CourierOffer>, DbError> {
    let filter = doc! {
        "courier_id": courier_id, "status": OfferStatus::Offered.as_str(), "expires_at": { "$gt": now },
    };
    offers(app).find_many("db.offer.live_of_courier", filter, Document::new(), MAX_LIVE).await
}

/// Who was asked about a delivery, in order.
pub(in crate::delivery) async fn of_delivery(
    app: &App,
    delivery_id: DeliveryId,
    limit: i64,
) -> Result<Vec<CourierOffer>, DbError> {
    offers(app)
        .find_many("db.offer.of_delivery", doc! { "delivery_id": delivery_id }, doc! { "made_at": 1 }, limit)
        .await
}

/// Live offers whose time is over.
pub(in crate::delivery) async fn overdue(
    app: &App,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<CourierOffer>, DbError> {
    let filter = doc! { "status": OfferStatus::Offered.as_str(), "expires_at": { "$lte": now } };
    offers(app).find_many("db.offer.overdue", filter, doc! { "expires_at": 1 }, limit).await
}

pub(in crate::delivery) async fn insert_in_tx(
    app: &App,
    tx: &mut Tx,
    offer: &CourierOffer,
) -> Result<(), DbError> {
    offers(app).insert_in_tx(tx, "db.offer.insert", offer).await
}

/// Answers or ends a live offer; `None` when it is not live any more. An offer is accepted or declined only before
/// its expiry.
pub(in crate::delivery) async fn end_in_tx(
    app: &App,
    tx: &mut Tx,
    id: OfferId,
    to: OfferStatus,
    reason: Option<DeclineReason>,
    now: Timestamp,
) -> Result<Option<CourierOffer>, DbError> {
    let mut filter = doc! { "_id": id, "status": OfferStatus::Offered.as_str() };
    if matches!(to, OfferStatus::Accepted | OfferStatus::Declined) {
        filter.insert("expires_at", doc! { "$gt": now });
    }
    let update = doc! { "$set": {
        "status": to.as_str(), "ended_at": now, "decline_reason": serialize_to_bson(&reason)?,
    } };
    offers(app).find_one_and_update_in_tx(tx, "db.offer.end", filter, update).await
}
