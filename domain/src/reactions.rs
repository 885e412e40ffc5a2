//! Who reacts to which event: the one table that joins rooms which may not call each other.
//!
//! Every consumer is idempotent. An event's consumers run in the order of the table; the feed comes first, for people
//! are watching. Calls: every room that reacts. Called by: the relay of the jobs service, tests.

use daraa_platform::fault::Fault;
use daraa_platform::mongo::DbError;

use crate::app::App;
use crate::outbox::{Consumer, ConsumerResult, EventRow, Fence, Relay};
use crate::{delivery, feed};

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
    on!("order.accepted", "delivery", delivery::on_order_accepted),
    on!("order.delayed", "delivery", delivery::on_order_delayed),
    on!("order.ready", "delivery", delivery::on_order_ready),
    on!("order.cancelled", "delivery", delivery::on_order_ended),
];

async fn to_feed(app: &App, event: &EventRow) -> Result<(), daraa_platform::fault::Infra> {
    Ok(feed::append(app, event).await?)
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
