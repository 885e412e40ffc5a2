//! What the room announces: `delivery.<status>` (subject `dlv_…`) and `offer.<verb>` (subject `ofr_…`).

use mongodb::bson::{Document, doc};

use super::model::{Delivery, DeliveryAction, DeliveryStatus};
use super::offer::{CourierOffer, OfferAction};
use crate::outbox::{NewEvent, Topic};

/// The kind a change announces; `None` when only the offer's own event tells it.
pub(super) fn kind_of(action: DeliveryAction, to: DeliveryStatus) -> Option<&'static str> {
    use DeliveryAction as A;
    use DeliveryStatus as S;
    Some(match (action, to) {
        (A::Offer, _) => "delivery.offered",
        (A::Decline | A::Expire | A::Revoke, _) => return None,
        (A::Unassign, _) => "delivery.unassigned",
        (_, S::Pending | S::Offered) => return None,
        (_, S::Assigned) => "delivery.assigned",
        (_, S::EnRouteToPickup) => "delivery.en_route_to_pickup",
        (_, S::AtPickup) => "delivery.at_pickup",
        (_, S::PickedUp) => "delivery.picked_up",
        (_, S::EnRouteToDropoff) => "delivery.en_route_to_dropoff",
        (_, S::AtDropoff) => "delivery.at_dropoff",
        (_, S::Delivered) => "delivery.delivered",
        (_, S::Undeliverable) => "delivery.undeliverable",
        (_, S::Returning) => "delivery.returning",
        (_, S::Returned) => "delivery.returned",
        (_, S::Failed) => "delivery.failed",
        (_, S::Cancelled) => "delivery.cancelled",
    })
}

/// The event of a delivery as it is after the change. Ids in the data are API texts.
pub(super) fn of(delivery: &Delivery, kind: &'static str, extra: Document) -> NewEvent {
    let mut topics = vec![Topic::Account(delivery.account_id), Topic::Store(delivery.store_id), Topic::Ops];
    let mut data = doc! {
        "delivery_id": delivery.id.to_string(),
        "order_ids": delivery.order_ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "group_id": delivery.group_id.to_string(),
        "account_id": delivery.account_id.to_string(),
        "store_id": delivery.store_id.to_string(),
        "status": delivery.status.as_str(),
        "version": delivery.version,
    };
    if let Some(order_id) = delivery.order_ids.first() {
        data.insert("order_id", order_id.to_string());
    }
    if let Some(courier) = delivery.courier_id {
        topics.push(Topic::Courier(courier));
        data.insert("courier_id", courier.to_string());
    }
    data.extend(extra);
    NewEvent { kind, subject: delivery.id.to_string(), topics, data }
}

/// The event of an offer; only its courier and ops hear of it.
pub(super) fn of_offer(offer: &CourierOffer, kind: &'static str) -> NewEvent {
    NewEvent {
        kind,
        subject: offer.id.to_string(),
        topics: vec![Topic::Courier(offer.courier_id), Topic::Ops],
        data: doc! {
            "offer_id": offer.id.to_string(),
            "delivery_id": offer.delivery_id.to_string(),
            "courier_id": offer.courier_id.to_string(),
            "status": offer.status.as_str(),
            "expires_at": offer.expires_at.to_string(),
        },
    }
}

/// The kind an answered or ended offer announces.
pub(super) fn offer_kind(action: OfferAction) -> &'static str {
    match action {
        OfferAction::Accept => "offer.accepted",
        OfferAction::Decline => "offer.declined",
        OfferAction::Expire => "offer.expired",
        OfferAction::Revoke => "offer.revoked",
    }
}
