//! The walk.

use std::collections::HashMap;

use daraa_platform::fault::{Fault, Infra};
use daraa_platform::ids::TypedId as _;
use mongodb::bson::Bson;

use super::model::Report;
use super::rules::{self, Belongings};
use super::store;
use crate::app::App;
use crate::catalog::StockItem;
use crate::catalog::stock::Reservation;
use crate::delivery::Delivery;
use crate::ids::{DeliveryId, OrderGroupId, OrderId, PaymentId, VariantId};
use crate::order::{Order, OrderGroup};
use crate::payment::PaymentIntent;
use crate::{audit, ledger, outbox};

/// A report lists at most so many findings.
const MAX_FINDINGS: usize = 1_000;
/// Dead events a report names.
const MAX_DEAD: i64 = 100;
/// Rows whose belongings are read together; few, so that no answer is cut off.
const PART: usize = 50;

/// Walks a collection batch by batch.
macro_rules! walk {
    ($app:ident, $collection:expr, $row:ty, |$rows:ident| $body:block) => {
        let mut after = None;
        loop {
            let $rows: Vec<$row> = store::batch($app, $collection, after).await?;
            let Some(last) = $rows.last() else { break };
            after = Some(last.id.oid());
            $body
        }
    };
}

/// Checks everything. Quiet times give exact answers; while orders move, what waits for an event is passed over.
///
/// # Errors
/// Database failure. What must not be is no error, it is in the report.
pub async fn run(app: &App) -> Result<Report, Infra> {
    let mut report = Report::default();
    walk!(app, store::STOCK, StockItem, |rows| {
        report.stock_items += count(rows.len());
        report.findings.extend(rows.iter().flat_map(rules::stock));
        held(app, &rows, &mut report).await?;
    });
    walk!(app, store::PAYMENTS, PaymentIntent, |rows| {
        report.payments += count(rows.len());
        report.findings.extend(rows.iter().flat_map(rules::payment));
    });
    walk!(app, store::DELIVERIES, Delivery, |rows| {
        report.deliveries += count(rows.len());
        report.findings.extend(rows.iter().flat_map(rules::delivery_history));
    });
    walk!(app, store::GROUPS, OrderGroup, |rows| {
        report.groups += count(rows.len());
        for part in rows.chunks(PART) {
            let ids = part.iter().flat_map(|group| group.order_ids.iter().map(|id| Bson::from(*id)));
            let orders: Vec<Order> = store::by_id(app, store::ORDERS, ids.collect()).await?;
            let orders: HashMap<OrderId, Order> = orders.into_iter().map(|row| (row.id, row)).collect();
            report.findings.extend(part.iter().flat_map(|group| rules::group(group, &orders)));
        }
    });
    walk!(app, store::ORDERS, Order, |rows| {
        report.orders += count(rows.len());
        for part in rows.chunks(PART) {
            orders(app, part, &mut report).await?;
        }
    });
    rooms(app, &mut report).await?;
    report.findings.sort();
    report.findings.truncate(MAX_FINDINGS);
    Ok(report)
}

/// Looks at who holds the stock.
async fn held(app: &App, rows: &[StockItem], report: &mut Report) -> Result<(), Infra> {
    let all: Vec<(VariantId, &Reservation)> =
        rows.iter().flat_map(|item| item.reservations.iter().map(|held| (item.id, held))).collect();
    for part in all.chunks(PART) {
        let ids = part.iter().map(|(_, held)| Bson::from(held.id)).collect();
        let orders: Vec<Order> = store::by_id(app, store::ORDERS, ids).await?;
        let orders: HashMap<OrderId, Order> = orders.into_iter().map(|row| (row.id, row)).collect();
        let waiting = store::waiting(app, part.iter().map(|(_, held)| held.id.to_string()).collect()).await?;
        let moving = |held: &Reservation| waiting.contains(&held.id.to_string());
        let still = part.iter().filter(|(_, held)| !moving(held));
        let now = app.clock.now();
        report.findings.extend(still.filter_map(|(id, r)| rules::held(*id, r, orders.get(&r.id), now)));
    }
    Ok(())
}

async fn orders(app: &App, part: &[Order], report: &mut Report) -> Result<(), Infra> {
    let ids = |of: fn(&Order) -> Option<Bson>| part.iter().filter_map(of).collect::<Vec<Bson>>();
    let groups: Vec<OrderGroup> =
        store::by_id(app, store::GROUPS, ids(|order| Some(order.group_id.into()))).await?;
    let groups: HashMap<OrderGroupId, OrderGroup> = groups.into_iter().map(|row| (row.id, row)).collect();
    let payments: Vec<PaymentIntent> =
        store::by_id(app, store::PAYMENTS, ids(|order| Some(order.payment_id.into()))).await?;
    let payments: HashMap<PaymentId, PaymentIntent> = payments.into_iter().map(|row| (row.id, row)).collect();
    let deliveries: Vec<Delivery> =
        store::by_id(app, store::DELIVERIES, ids(|order| order.delivery_id.map(Bson::from))).await?;
    let deliveries: HashMap<DeliveryId, Delivery> = deliveries.into_iter().map(|row| (row.id, row)).collect();
    let waiting = store::waiting(app, part.iter().map(|order| order.id.to_string()).collect()).await?;
    for order in part {
        let its = Belongings {
            group: groups.get(&order.group_id),
            payment: payments.get(&order.payment_id),
            delivery: order.delivery_id.and_then(|id| deliveries.get(&id)),
            settled: !waiting.contains(&order.id.to_string()),
        };
        report.findings.extend(rules::order_history(order));
        report.findings.extend(rules::order(order, &its, app.clock.now()));
    }
    Ok(())
}

/// What rooms know best themselves: the books, the outbox, the audit chain.
async fn rooms(app: &App, report: &mut Report) -> Result<(), Infra> {
    for problem in ledger::check(app).await.map_err(infra)? {
        report.findings.push(rules::finding("I3", problem.subject, problem.what));
    }
    for event in outbox::dead(app, MAX_DEAD).await? {
        let what = format!("{} of {} was never delivered", event.kind, event.subject);
        report.findings.push(rules::finding("I6", event.id, what));
    }
    for tampering in audit::verify(app).await.map_err(infra)?.tampering {
        report.findings.push(rules::finding("I8", "audit_log", format!("{tampering:?}")));
    }
    Ok(())
}

fn infra<E: Fault>(e: E) -> Infra {
    if e.retryable() {
        Infra::Port { port: "room", cause: e.to_string() }
    } else {
        Infra::defect(format!("{}: {e}", e.code()))
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
