//! The use cases.

use std::time::Duration;

use daraa_platform::fault::{Fault as _, FaultKind, Infra};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::transact;
use mongodb::bson::{Document, doc, serialize_to_bson};

use super::model::{MAX_REFUNDS_PER_ORDER, Refund, RefundHistoryEntry};
use super::rules::{self, RefundAction, RefundDecision, RefundStatus};
use super::store;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::{OrderId, OrderLineId, RefundId};
use crate::ledger::{self, RefundLiability, RefundPosting};
use crate::order::error::OrderError;
use crate::order::model::{ItemClaims, Order};
use crate::order::rules::{OrderStatus, Party};
use crate::order::rules::{reason, scope};
use crate::order::{event, store as orders};
use crate::outbox::{self, EventRow, NewEvent, Topic};
use crate::payment;

/// A customer may ask for a refund this long after the order was placed.
const WINDOW: Duration = Duration::from_secs(14 * 86_400);
/// Who decides about refunds.
const DECIDERS: &[OpsRole] = &[OpsRole::Support, OpsRole::Finance];

/// Asks for money back.
#[derive(Debug, Clone)]
pub struct RequestRefund {
    /// Which order.
    pub order_id: OrderId,
    /// For these lines; for the whole when empty.
    pub line_ids: Vec<OrderLineId>,
    /// So much; all of the lines or of what is left without.
    pub amount_minor: Option<i64>,
    /// Why.
    pub reason: String,
    /// The client's key for this request.
    pub idempotency_key: String,
}

/// Decides for it.
#[derive(Debug, Clone, Copy)]
pub struct ApproveRefund {
    /// Which refund.
    pub refund_id: RefundId,
    /// Who pays for it.
    pub liability: RefundLiability,
}

/// Decides against it.
#[derive(Debug, Clone)]
pub struct RejectRefund {
    /// Which refund.
    pub refund_id: RefundId,
    /// Why.
    pub reason: String,
}

/// Asks for a refund of a completed order.
///
/// # Errors
/// Not found, not completed, too late, too often, more than is left, key reused, or database failure.
pub async fn request(app: &App, actor: &Actor, command: RequestRefund) -> Result<Refund, OrderError> {
    let reason = reason::checked(&command.reason)?;
    let content = serde_json::json!({
        "order_id": command.order_id.to_string(),
        "line_ids": command.line_ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "amount_minor": command.amount_minor,
        "reason": reason,
    });
    let key = &command.idempotency_key;
    let request = IdempotentRequest::new(actor.person()?.account_id, "order.refund", key, &content)
        .ok_or(OrderError::BadIdempotencyKey)?;
    if let Some(done) = replay(app, &request).await? {
        return Ok(done);
    }
    let refund_id: RefundId = app.ids.next();
    let written = transact!(&app.mongo, "order.refund_request", OrderError, |tx| {
        let order = orders::get_in_tx(app, tx, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
        let order = scope::visible(actor, order)?;
        let refund = requested(app, actor, refund_id, &order, &command, &reason)?;
        let max = MAX_REFUNDS_PER_ORDER;
        if store::count_in_tx(app, tx, order.id, max).await? >= max {
            return Err(OrderError::TooManyRefunds { max });
        }
        write_claims_in_tx(app, tx, &order, rules::claim(&order, &refund)).await?;
        store::insert_in_tx(app, tx, &refund).await?;
        idempotency::record_in_tx(app, tx, &request, doc! { "refund_id": refund.id }).await?;
        Ok(refund)
    });
    match written {
        Err(OrderError::Infra(Infra::Db(e))) if idempotency::raced(&e) => {
            replay(app, &request).await?.ok_or(OrderError::RequestInProgress)
        }
        other => other,
    }
}

async fn write_claims_in_tx(
    app: &App,
    tx: &mut Tx,
    order: &Order,
    (claimed_minor, items): (i64, ItemClaims),
) -> Result<(), OrderError> {
    if orders::claim_refund_in_tx(app, tx, order, claimed_minor, &items).await? {
        Ok(())
    } else {
        Err(OrderError::StaleVersion { version: order.version })
    }
}

/// A refund came to nothing: what it claimed can be asked for again.
async fn unclaim_in_tx(app: &App, tx: &mut Tx, refund: &Refund) -> Result<(), OrderError> {
    let order = orders::get_in_tx(app, tx, refund.order_id).await?.ok_or(OrderError::OrderNotFound)?;
    write_claims_in_tx(app, tx, &order, rules::unclaim(&order, refund)).await
}

async fn replay(app: &App, request: &IdempotentRequest) -> Result<Option<Refund>, OrderError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(None),
        Replay::KeyReused => Err(OrderError::IdempotencyKeyReused),
        Replay::Done(answer) => {
            let id = answer.get_object_id("refund_id").map_err(Infra::defect)?;
            Ok(store::get(app, RefundId::from(id)).await?)
        }
    }
}

fn requested(
    app: &App,
    actor: &Actor,
    id: RefundId,
    order: &Order,
    command: &RequestRefund,
    reason: &str,
) -> Result<Refund, OrderError> {
    let parties = scope::parties(actor, order);
    if !parties.contains(&Party::Customer) && !parties.contains(&Party::Ops) {
        return Err(OrderError::ActionNotAllowed);
    }
    if order.status != OrderStatus::Completed {
        return Err(OrderError::InvalidTransition { status: order.status.code() });
    }
    let now = app.clock.now();
    if !parties.contains(&Party::Ops) && order.placed_at.plus(WINDOW) < now {
        return Err(OrderError::RefundTooLate);
    }
    let parts = rules::parts(order, &command.line_ids, command.amount_minor)?;
    let first = RefundHistoryEntry {
        at: now,
        actor: actor.label(),
        action: RefundAction::Request,
        from: None,
        to: RefundStatus::Requested,
        reason: Some(reason.to_owned()),
    };
    Ok(Refund {
        id,
        order_id: order.id,
        account_id: order.account_id,
        store_id: order.store_id,
        lines: parts.lines,
        amount: parts.amount,
        of_items: parts.of_items,
        of_tax: parts.of_tax,
        reason: reason.to_owned(),
        status: RefundStatus::Requested,
        liability: None,
        history: vec![first],
        version: 1,
        created_at: now,
    })
}

/// Decides for a refund and pays it, at once when the provider answers, else as soon as it does.
///
/// # Errors
/// Not a decider, not found, decided otherwise, or database failure.
pub async fn approve(app: &App, actor: &Actor, command: ApproveRefund) -> Result<Refund, OrderError> {
    actor.ops(DECIDERS)?;
    let set = serialize_to_bson(&command.liability).map_err(DbError::from)?;
    transact!(&app.mongo, "order.refund_approve", OrderError, |tx| {
        let refund = load_in_tx(app, tx, command.refund_id).await?;
        if command.liability == RefundLiability::Courier {
            let order =
                orders::get_in_tx(app, tx, refund.order_id).await?.ok_or(OrderError::OrderNotFound)?;
            order.courier_id.ok_or(OrderError::NoCourierToCharge)?;
        }
        let (after, moved) = step_in_tx(
            app,
            tx,
            refund,
            RefundAction::Approve,
            actor,
            None,
            doc! { "liability": set.clone() },
        )
        .await?;
        if !moved && after.liability != Some(command.liability) {
            // Somebody else decided meanwhile that another one pays.
            return Err(OrderError::RefundDecided { status: after.status.code() });
        }
        if moved {
            audited(app, tx, actor, "refund.approve", &after).await?;
            let (subject, topics) = (after.id.to_string(), vec![Topic::Ops]);
            let data = doc! { "order_id": after.order_id.to_string(), "status": after.status.code() };
            outbox::emit_in_tx(app, tx, NewEvent { kind: "refund.approved", subject, topics, data }).await?;
        }
        Ok(after)
    })
}

/// Decides against a refund.
///
/// # Errors
/// Not a decider, not found, decided otherwise, no reason, or database failure.
pub async fn reject(app: &App, actor: &Actor, command: RejectRefund) -> Result<Refund, OrderError> {
    actor.ops(DECIDERS)?;
    let reason = reason::checked(&command.reason)?;
    transact!(&app.mongo, "order.refund_reject", OrderError, |tx| {
        let refund = load_in_tx(app, tx, command.refund_id).await?;
        let why = Some(reason.clone());
        let (after, moved) =
            step_in_tx(app, tx, refund, RefundAction::Reject, actor, why, Document::new()).await?;
        if moved {
            unclaim_in_tx(app, tx, &after).await?;
            audited(app, tx, actor, "refund.reject", &after).await?;
        }
        Ok(after)
    })
}

async fn load_in_tx(app: &App, tx: &mut Tx, id: RefundId) -> Result<Refund, OrderError> {
    store::get_in_tx(app, tx, id).await?.ok_or(OrderError::RefundNotFound)
}

async fn audited(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    refund: &Refund,
) -> Result<(), OrderError> {
    let details =
        doc! { "order_id": refund.order_id.to_string(), "amount_minor": refund.amount.amount_minor };
    let act = NewAudit { actor, action, subject: refund.id.to_string(), details };
    audit::record_in_tx(app, tx, act).await?;
    Ok(())
}

/// One change; says whether there was one.
async fn step_in_tx(
    app: &App,
    tx: &mut Tx,
    refund: Refund,
    action: RefundAction,
    actor: &Actor,
    reason: Option<String>,
    set: Document,
) -> Result<(Refund, bool), OrderError> {
    let to = match rules::decide(refund.status, action) {
        RefundDecision::Already => return Ok((refund, false)),
        RefundDecision::Never => return Err(OrderError::RefundDecided { status: refund.status.code() }),
        RefundDecision::Move(to) => to,
    };
    let (at, actor, from) = (app.clock.now(), actor.label(), Some(refund.status));
    let entry = RefundHistoryEntry { at, actor, action, from, to, reason };
    let after = store::advance_in_tx(app, tx, &refund, &entry, set).await?;
    Ok((after.ok_or(OrderError::StaleVersion { version: refund.version })?, true))
}

/// `refund.approved`: pays, charges by liability, says so.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
pub async fn on_refund_approved(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let id: RefundId = event.subject.parse().map_err(Infra::defect)?;
    let actor = Actor::System("refund");
    let refund = transact!(&app.mongo, "order.refund_process", OrderError, |tx| {
        let refund = load_in_tx(app, tx, id).await?;
        if refund.status != RefundStatus::Approved {
            return Ok(refund);
        }
        Ok(step_in_tx(app, tx, refund, RefundAction::Process, &actor, None, Document::new()).await?.0)
    })?;
    if refund.status != RefundStatus::Processing {
        return Ok(());
    }
    match payment::refund(app, refund.order_id, refund.amount, refund.id).await {
        Ok(_) => succeeded(app, &actor, &refund).await,
        Err(e) if matches!(e.kind(), FaultKind::Conflict | FaultKind::BadInput) => {
            failed(app, &actor, &refund, e.code()).await
        }
        Err(e) => Err(e.into()),
    }
}

async fn succeeded(app: &App, actor: &Actor, refund: &Refund) -> Result<(), OrderError> {
    transact!(&app.mongo, "order.refund_succeed", OrderError, |tx| {
        let refund = load_in_tx(app, tx, refund.id).await?;
        let (after, moved) =
            step_in_tx(app, tx, refund, RefundAction::Succeed, actor, None, Document::new()).await?;
        if !moved {
            return Ok(());
        }
        let order = orders::add_refunded_in_tx(app, tx, after.order_id, after.amount).await?;
        let order = order.ok_or(OrderError::OrderNotFound)?;
        let posting = RefundPosting {
            refund_id: after.id,
            order_id: order.id,
            store_id: order.store_id,
            courier_id: order.courier_id,
            amount: after.amount,
            of_items: after.of_items,
            of_tax: after.of_tax,
            items_paid: rules::items_paid(&order)?,
            liability: after.liability.unwrap_or(RefundLiability::Platform),
        };
        ledger::reverse_for_refund_in_tx(app, tx, &posting).await?;
        let data = doc! { "refund_id": after.id.to_string(), "amount_minor": after.amount.amount_minor };
        outbox::emit_in_tx(app, tx, event::of(&order, "order.refunded", data)).await?;
        Ok(())
    })
}

async fn failed(app: &App, actor: &Actor, refund: &Refund, code: &str) -> Result<(), OrderError> {
    transact!(&app.mongo, "order.refund_fail", OrderError, |tx| {
        let refund = load_in_tx(app, tx, refund.id).await?;
        let why = Some(code.to_owned());
        let (after, moved) =
            step_in_tx(app, tx, refund, RefundAction::Fail, actor, why, Document::new()).await?;
        if moved {
            unclaim_in_tx(app, tx, &after).await?;
        }
        Ok(())
    })
}

/// The refunds of an order, oldest first; the caller may see the order.
///
/// # Errors
/// Database failure.
pub async fn of_order(app: &App, order_id: OrderId) -> Result<Vec<Refund>, OrderError> {
    of_orders(app, &[order_id]).await
}

/// The refunds of many orders; the caller may see the orders.
///
/// # Errors
/// Database failure.
pub async fn of_orders(app: &App, order_ids: &[OrderId]) -> Result<Vec<Refund>, OrderError> {
    Ok(store::of_orders(app, order_ids).await?)
}

/// Refunds in one state, newest first, for ops people.
///
/// # Errors
/// Not a decider, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    status: RefundStatus,
    page: &PageRequest,
) -> Result<Page<Refund>, OrderError> {
    actor.ops(DECIDERS)?;
    Ok(store::list(app, status, page).await?)
}
