//! Who reacts to which event: the one table that joins rooms which may not call each other.
//!
//! Every consumer is idempotent. An event's consumers run in the order of the table; the feed comes first, for people
//! are watching. Calls: every room that reacts. Called by: the relay of the jobs service, tests.

use daraa_platform::fault::{Fault, Infra};
use daraa_platform::mongo::DbError;

use crate::app::App;
use crate::ids::{DeliveryId, OrderId, StoreId};
use crate::notification::{self, Audience, Facts, Recipient};
use crate::outbox::{Consumer, ConsumerResult, EventRow, Fence, Relay, Topic};
use crate::{account, courier, delivery, feed, order, store};

/// A row: on `kind`, as `name`, run the function.
macro_rules! on {
    ($kind:literal, $name:literal, $run:path) => {
        Consumer {
            kind: $kind,
            name: $name,
            run: |app, event| Box::pin(async move { answer($run(app, event).await) }),
        }
    };
}

fn answer<E: Fault>(result: Result<(), E>) -> ConsumerResult {
    result.map_err(|e| Box::new(e) as Box<dyn Fault>)
}

/// The table.
pub const TABLE: &[Consumer] = &[
    on!("*", "feed", to_feed),
    on!("payment.authorized", "order.place", order::on_payment_authorized),
    on!("payment.failed", "order.expire", order::on_payment_failed),
    on!("order.placed", "order.placed", order::on_order_placed),
    on!("order.accepted", "delivery.create", delivery::on_order_accepted),
    on!("order.ready", "delivery.ready", delivery::on_order_ready),
    on!("order.delayed", "delivery.delay", delivery::on_order_delayed),
    on!("order.completed", "order.settle", order::settle),
    on!("order.rejected", "order.unwind", order::unwind),
    on!("order.cancelled", "order.unwind", order::unwind),
    on!("order.expired", "order.unwind", order::unwind),
    on!("order.returned", "order.unwind", order::unwind),
    on!("order.failed", "order.unwind", order::unwind),
    on!("order.rejected", "delivery.cancel", delivery::on_order_ended),
    on!("order.cancelled", "delivery.cancel", delivery::on_order_ended),
    on!("order.expired", "delivery.cancel", delivery::on_order_ended),
    on!("refund.approved", "order.refund", order::refund::on_refund_approved),
    on!("*", "notification", to_notifications),
];

async fn to_feed(app: &App, event: &EventRow) -> Result<(), Infra> {
    Ok(feed::append(app, event).await?)
}

/// Tells people of the event: whom, follows from its topics; what, from the table of templates.
async fn to_notifications(app: &App, event: &EventRow) -> Result<(), Infra> {
    let mut recipients = Vec::new();
    for topic in event.topics() {
        let (audience, people) = match topic {
            Topic::Account(id) if told(event, Audience::Customer) => (Audience::Customer, vec![id]),
            Topic::Store(id) if told(event, Audience::Store) => {
                (Audience::Store, account::people_of_store(app, id).await.map_err(infra)?)
            }
            Topic::Courier(id) if told(event, Audience::Courier) => {
                (Audience::Courier, vec![courier::get(app, id).await.map_err(infra)?.account_id])
            }
            Topic::Ops if told(event, Audience::Ops) => {
                (Audience::Ops, account::ops_people(app).await.map_err(infra)?)
            }
            _ => continue,
        };
        recipients.extend(people.into_iter().map(|account_id| Recipient { account_id, audience }));
    }
    if recipients.is_empty() {
        return Ok(());
    }
    let facts = facts(app, event).await?;
    notification::tell(app, event, &recipients, &facts).await?;
    Ok(())
}

fn told(event: &EventRow, audience: Audience) -> bool {
    notification::template(&event.kind, audience).is_some()
}

/// What the templates may say. Orders carry their number; others name their order or store.
async fn facts(app: &App, event: &EventRow) -> Result<Facts, Infra> {
    let mut facts = Facts { number: event.text("number").map(str::to_owned), ..Facts::default() };
    if let (None, Some(id)) = (&facts.number, event.id_of::<OrderId>("order_id")) {
        facts.number = Some(order::get_system(app, id).await.map_err(infra)?.number);
    }
    let of_event = event.id_of::<StoreId>("store_id").or_else(|| event.subject_as());
    let store_id = match (of_event, event.id_of::<DeliveryId>("delivery_id")) {
        (None, Some(id)) => Some(delivery::get_system(app, id).await.map_err(infra)?.store_id),
        (known, _) => known,
    };
    if let Some(id) = store_id {
        facts.store = Some(store::get(app, id).await.map_err(infra)?.name.clone());
    }
    facts.minutes = event.data.get_i64("prep_minutes").ok();
    Ok(facts)
}

/// What an event names must exist: its absence is a defect, not a decision.
fn infra<E: Fault>(e: E) -> Infra {
    if e.retryable() {
        Infra::Port { port: "room", cause: e.to_string() }
    } else {
        Infra::defect(format!("{}: {e}", e.code()))
    }
}

/// The relay with the whole table.
#[must_use]
pub fn relay(app: &App, fence: Fence) -> Relay<'_> {
    Relay::new(app, TABLE, fence)
}

/// Delivers until nothing is due; says how many events were completed. For tests and commands: the jobs service lets
/// a [`relay`] run.
///
/// # Errors
/// Database failure.
pub async fn drain(app: &App, fence: Fence) -> Result<u64, DbError> {
    let relay = relay(app, fence);
    let mut completed = 0_u64;
    loop {
        match relay.step().await? {
            0 => return Ok(completed),
            n => completed = completed.saturating_add(n),
        }
    }
}
