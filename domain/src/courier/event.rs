//! What the room announces: `courier.<verb>`, subject `cou_…`.

use mongodb::bson::doc;

use super::model::{Courier, CourierAction};
use crate::outbox::{NewEvent, Topic};

fn kind_of(action: CourierAction) -> &'static str {
    match action {
        CourierAction::Approve => "courier.approved",
        CourierAction::Suspend => "courier.suspended",
        CourierAction::Reinstate => "courier.reinstated",
    }
}

/// The event of a courier whose standing has changed.
pub(super) fn of(courier: &Courier, action: CourierAction) -> NewEvent {
    NewEvent {
        kind: kind_of(action),
        subject: courier.id.to_string(),
        topics: vec![Topic::Account(courier.account_id), Topic::Courier(courier.id), Topic::Ops],
        data: doc! {
            "courier_id": courier.id.to_string(),
            "account_id": courier.account_id.to_string(),
            "version": courier.version,
        },
    }
}
