//! What the room announces: `order.<verb>`, subject `ord_…`.

use daraa_platform::fault::Infra;
use mongodb::bson::{Document, doc};

use super::model::Order;
use super::rules::{OrderAction, OrderStatus, scope};
use crate::ids::{AccountId, CourierId, OrderGroupId, OrderId, StoreId};
use crate::outbox::{EventRow, NewEvent, Topic};

/// The kind an action announces; `None` when nothing outside has to know.
pub(super) fn kind_of(action: OrderAction, to: OrderStatus) -> Option<&'static str> {
    Some(match action {
        OrderAction::Place => "order.payment_pending",
        OrderAction::Authorise | OrderAction::Wake => "order.placed",
        OrderAction::Schedule => return None,
        OrderAction::Accept => "order.accepted",
        OrderAction::Prepare => "order.preparing",
        OrderAction::Ready => "order.ready",
        OrderAction::Delay => "order.delayed",
        OrderAction::HandOver => "order.handed_over",
        OrderAction::Complete => "order.completed",
        OrderAction::Reject => "order.rejected",
        OrderAction::Cancel => "order.cancelled",
        OrderAction::Expire => "order.expired",
        OrderAction::Return => "order.returned",
        OrderAction::Fail => match to {
            OrderStatus::Failed => "order.failed",
            _ => return None,
        },
    })
}

/// The event of an order as it is after the change. Ids in the data are API texts (`acc_…`).
pub(super) fn of(order: &Order, kind: &'static str, extra: Document) -> NewEvent {
    let mut topics = vec![Topic::Account(order.account_id), Topic::Ops];
    if scope::reached_store(order) {
        topics.push(Topic::Store(order.store_id));
    }
    let mut data = doc! {
        "order_id": order.id.to_string(),
        "group_id": order.group_id.to_string(),
        "account_id": order.account_id.to_string(),
        "store_id": order.store_id.to_string(),
        "number": &order.number,
        "status": order.status.code(),
        "version": order.version,
    };
    if let Some(courier) = order.courier_id {
        topics.push(Topic::Courier(courier));
        data.insert("courier_id", courier.to_string());
    }
    data.extend(extra);
    NewEvent { kind, subject: order.id.to_string(), topics, data }
}

/// What every order event says, read back by consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderFacts {
    /// The order.
    pub order_id: OrderId,
    /// Its group.
    pub group_id: OrderGroupId,
    /// The customer.
    pub account_id: AccountId,
    /// The store.
    pub store_id: StoreId,
    /// The courier, when there was one.
    pub courier_id: Option<CourierId>,
}

impl OrderFacts {
    /// Reads an `order.*` event.
    ///
    /// # Errors
    /// A defect when the event is not one of ours.
    pub fn read(event: &EventRow) -> Result<Self, Infra> {
        let text = |key: &str| {
            event.data.get_str(key).map_err(|e| Infra::defect(format!("{}: {key}: {e}", event.kind)))
        };
        let malformed = |e| Infra::defect(format!("{}: {e}", event.kind));
        Ok(Self {
            order_id: event.subject.parse().map_err(malformed)?,
            group_id: text("group_id")?.parse().map_err(malformed)?,
            account_id: text("account_id")?.parse().map_err(malformed)?,
            store_id: text("store_id")?.parse().map_err(malformed)?,
            courier_id: event
                .data
                .get_str("courier_id")
                .ok()
                .map(str::parse)
                .transpose()
                .map_err(malformed)?,
        })
    }
}
