//! The walk.

use std::collections::HashSet;

use daraa_platform::fault::{Fault, Infra};

use super::model::{
    AUDIT_CHAIN, DOCUMENT_UNREADABLE, EVENT_UNDELIVERED, Finding, LEDGER_BALANCE, LEDGER_INCOMPLETE,
    LEDGER_UNBALANCED, Report, Rule, WALLET_BALANCE,
};
use super::rules::{self, Belongings};
use super::store::{self, Unreadable};
use crate::app::App;
use crate::catalog::StockItem;
use crate::catalog::stock::{self, Reservation};
use crate::delivery::{self, Delivery};
use crate::ids::VariantId;
use crate::ledger::wallet::{self, Wallet};
use crate::ledger::{self, LedgerError, LedgerProblem};
use crate::order::{self, Order, OrderGroup};
use crate::payment::{self, PaymentIntent};
use crate::promotion::{self, Coupon, CustomerUses};
use crate::review::{self, Review};
use crate::{audit, indexes, outbox};

/// Dead events a report names.
const MAX_DEAD: i64 = 100;
/// Rows whose belongings are read together; few, so that no answer is cut off.
const PART: usize = 50;

/// Walks a collection batch by batch; what cannot be read is told of and passed over.
macro_rules! walk {
    ($app:ident, $report:ident, $of:expr, $row:ty, |$rows:ident| $body:block) => {
        let mut after = None;
        loop {
            let batch = store::batch::<$row>($app, &$of, after).await?;
            unreadable($report, batch.unreadable);
            let $rows = batch.rows;
            $body
            if batch.last.is_none() {
                break;
            }
            after = batch.last;
        }
    };
}

/// Checks everything. Quiet times give exact answers; while orders move, what waits for an event is passed over.
///
/// # Errors
/// Database failure. What must not be is no error, it is in the report.
pub async fn run(app: &App) -> Result<Report, Infra> {
    let mut whole = Report::default();
    let report = &mut whole;
    shapes(app, report).await?;
    walk!(app, report, stock::INDEXES, StockItem, |rows| {
        report.stock_items += count(rows.len());
        report.tell(rows.iter().flat_map(rules::stock));
        held(app, &rows, report).await?;
    });
    walk!(app, report, payment::INDEXES, PaymentIntent, |rows| {
        report.payments += count(rows.len());
        report.tell(rows.iter().flat_map(rules::payment));
        for part in rows.chunks(PART) {
            let ids =
                part.iter().flat_map(|payment| payment.splits.iter().map(|split| split.order_id)).collect();
            let orders = store::by_id::<Order, _>(app, &order::INDEXES, ids).await?;
            report.tell(part.iter().flat_map(|payment| rules::shares(payment, |id| orders.seen(id))));
        }
    });
    walk!(app, report, delivery::INDEXES, Delivery, |rows| {
        report.deliveries += count(rows.len());
        report.tell(rows.iter().flat_map(rules::delivery_history));
        for part in rows.chunks(PART) {
            let ids = part.iter().flat_map(|delivery| delivery.order_ids.iter().copied()).collect();
            let orders = store::by_id::<Order, _>(app, &order::INDEXES, ids).await?;
            report.tell(part.iter().flat_map(|delivery| rules::carried(delivery, |id| orders.seen(id))));
        }
    });
    walk!(app, report, order::GROUP_INDEXES, OrderGroup, |rows| {
        report.groups += count(rows.len());
        for part in rows.chunks(PART) {
            let ids = part.iter().flat_map(|group| group.order_ids.iter().copied()).collect();
            let orders = store::by_id::<Order, _>(app, &order::INDEXES, ids).await?;
            report.tell(part.iter().flat_map(|group| rules::group(group, |id| orders.seen(id))));
        }
    });
    walk!(app, report, order::INDEXES, Order, |rows| {
        report.orders += count(rows.len());
        for part in rows.chunks(PART) {
            orders(app, part, report).await?;
        }
    });
    walk!(app, report, review::INDEXES, Review, |rows| {
        report.reviews += count(rows.len());
        for part in rows.chunks(PART) {
            let ids = part.iter().map(|review| review.order_id).collect();
            let orders = store::by_id::<Order, _>(app, &order::INDEXES, ids).await?;
            report.tell(part.iter().filter_map(|review| rules::review(review, orders.seen(review.order_id))));
        }
    });
    coupons(app, report).await?;
    walk!(app, report, wallet::WALLET_INDEXES, Wallet, |rows| {
        report.wallets += count(rows.len());
        report.tell(rows.iter().filter_map(rules::wallet));
    });
    rooms(app, report).await?;
    report.findings.sort();
    Ok(whole)
}

/// Every collection against its declared shape.
async fn shapes(app: &App, report: &mut Report) -> Result<(), Infra> {
    for of in indexes::ALL {
        let mut after = None;
        loop {
            let (found, last) = store::misshapen(app, of, after).await?;
            unreadable(report, found);
            if last.is_none() {
                break;
            }
            after = last;
        }
    }
    Ok(())
}

/// A row may have a wrong shape and be unreadable for it: that is one finding.
fn unreadable(report: &mut Report, found: Vec<Unreadable>) {
    let code = DOCUMENT_UNREADABLE.code;
    let known: HashSet<String> =
        report.findings.iter().filter(|f| f.code == code).map(|f| f.subject.clone()).collect();
    let new = found.into_iter().filter(|row| !known.contains(&row.subject));
    report.tell(new.map(|row| Finding::of(&DOCUMENT_UNREADABLE, row.subject, row.what)));
}

/// Looks at who holds the stock.
async fn held(app: &App, rows: &[StockItem], report: &mut Report) -> Result<(), Infra> {
    let all: Vec<(VariantId, &Reservation)> =
        rows.iter().flat_map(|item| item.reservations.iter().map(|held| (item.id, held))).collect();
    for part in all.chunks(PART) {
        let ids = part.iter().map(|(_, held)| held.id).collect();
        let orders = store::by_id::<Order, _>(app, &order::INDEXES, ids).await?;
        let subjects = part.iter().map(|(_, held)| held.id.to_string()).collect();
        let waiting = outbox::waiting(app, subjects).await?;
        let moving = |held: &Reservation| waiting.contains(&held.id.to_string());
        let still = part.iter().filter(|(_, held)| !moving(held));
        let now = app.clock.now();
        report.tell(still.filter_map(|(id, r)| rules::held(*id, r, orders.seen(r.id), now)));
    }
    Ok(())
}

async fn orders(app: &App, part: &[Order], report: &mut Report) -> Result<(), Infra> {
    let ids = part.iter().map(|order| order.group_id).collect();
    let groups = store::by_id::<OrderGroup, _>(app, &order::GROUP_INDEXES, ids).await?;
    let ids = part.iter().map(|order| order.payment_id).collect();
    let payments = store::by_id::<PaymentIntent, _>(app, &payment::INDEXES, ids).await?;
    let ids = part.iter().filter_map(|order| order.delivery_id).collect();
    let deliveries = store::by_id::<Delivery, _>(app, &delivery::INDEXES, ids).await?;
    let waiting = outbox::waiting(app, part.iter().map(|order| order.id.to_string()).collect()).await?;
    for order in part {
        let its = Belongings {
            group: groups.seen(order.group_id),
            payment: payments.seen(order.payment_id),
            delivery: order.delivery_id.map(|id| deliveries.seen(id)),
            settled: !waiting.contains(&order.id.to_string()),
        };
        report.tell(rules::order_history(order));
        report.tell(rules::order(order, &its, app.clock.now()));
    }
    Ok(())
}

async fn coupons(app: &App, report: &mut Report) -> Result<(), Infra> {
    let now = app.clock.now();
    walk!(app, report, promotion::INDEXES, Coupon, |rows| {
        report.coupons += count(rows.len());
        report.tell(rows.iter().filter_map(|coupon| rules::coupon(coupon, now)));
    });
    walk!(app, report, promotion::USE_INDEXES, CustomerUses, |rows| {
        for part in rows.chunks(PART) {
            let ids = part.iter().map(|uses| uses.coupon_id).collect();
            let coupons = store::by_id::<Coupon, _>(app, &promotion::INDEXES, ids).await?;
            report.tell(part.iter().filter_map(|uses| match coupons.seen(uses.coupon_id) {
                rules::Seen::There(coupon) => rules::coupon_uses(uses, coupon, now),
                _ => None,
            }));
        }
    });
    Ok(())
}

/// What rooms know best themselves: the books, the outbox, the audit chain.
async fn rooms(app: &App, report: &mut Report) -> Result<(), Infra> {
    let books: [(&Rule, Result<Vec<LedgerProblem>, LedgerError>); 4] = [
        (&LEDGER_UNBALANCED, ledger::unbalanced(app).await),
        (&LEDGER_INCOMPLETE, ledger::incomplete(app).await),
        (&LEDGER_BALANCE, ledger::wrong_balances(app).await),
        (&WALLET_BALANCE, ledger::wrong_wallets(app).await),
    ];
    for (rule, problems) in books {
        let problems = problems.map_err(infra)?;
        report.tell(problems.into_iter().map(|p| Finding::of(rule, p.subject, p.what)));
    }
    report.tell(outbox::dead(app, MAX_DEAD).await?.into_iter().map(|event| {
        let said = event.last_error.as_deref().unwrap_or("nothing");
        let what =
            format!("{} of {} was never delivered; its consumer said: {said}", event.kind, event.subject);
        Finding::of(&EVENT_UNDELIVERED, event.id, what)
    }));
    let chain = audit::verify(app).await.map_err(infra)?.tampering;
    report.tell(chain.into_iter().map(|what| Finding::of(&AUDIT_CHAIN, "audit_log", format!("{what:?}"))));
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
