//! The use cases.

use daraa_platform::money::Money;
use daraa_platform::mongo::DbError;
use daraa_platform::transact;
use mongodb::bson::{Document, doc, serialize_to_bson};

use crate::actor::Actor;
use crate::app::App;
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::OrderId;
use crate::order::error::OrderError;
use crate::order::model::{Cancellation, Order, OrderDeadlines};
use crate::order::rules::{Decision, FREE_CANCEL, OrderAction, Party, customer_cancel_rule, decide};
use crate::order::rules::{reason, scope};
use crate::order::service::{Step, refused, step_in_tx};
use crate::order::{refund, store};

/// Calls an order off.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
    /// The version whose preview was seen; needed where cancelling costs something.
    pub expected_version: Option<i64>,
    /// The client's key for this request.
    pub idempotency_key: String,
}

/// What a cancellation would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelPreview {
    /// What the customer would still pay.
    pub fee: Money,
    /// What the customer would get back, or not have to pay.
    pub refund: Money,
    /// The row of the policy.
    pub rule_id: String,
    /// The order's version this was computed from.
    pub version: i64,
}

/// What it costs the customer when these parties cancel now. A store or ops person who is also the customer acts as
/// store or ops.
fn cost(order: &Order, parties: &[Party]) -> Result<Cancellation, OrderError> {
    let zero = Money::zero(order.money.total.currency);
    if parties.contains(&Party::Staff) || parties.contains(&Party::Ops) {
        return Ok(Cancellation { fee: zero, rule_id: FREE_CANCEL.to_owned() });
    }
    let rule = customer_cancel_rule(order.into()).ok_or(OrderError::ActionNotAllowed)?;
    let fee = refund::rules::items_paid(order)?.max(zero)?.percent(rule.fee_bps)?;
    Ok(Cancellation { fee: fee.min(order.money.total)?, rule_id: rule.id.to_owned() })
}

/// What cancelling would cost now; refuses exactly when [`cancel`] would.
///
/// # Errors
/// Not found, the state or the policy forbids it, or database failure.
pub async fn preview_cancel(
    app: &App,
    actor: &Actor,
    order_id: OrderId,
) -> Result<CancelPreview, OrderError> {
    let order = store::get(app, order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let order = scope::visible(actor, order)?;
    let parties = scope::parties(actor, &order);
    match decide((&order).into(), OrderAction::Cancel, &parties) {
        Ok(Decision::Move(_)) => {}
        Ok(Decision::Already) => return Err(OrderError::InvalidTransition { status: order.status.code() }),
        Err(refusal) => return Err(refused(&order, refusal)),
    }
    let cost = cost(&order, &parties)?;
    Ok(CancelPreview {
        fee: cost.fee,
        refund: order.money.total.sub(cost.fee)?,
        rule_id: cost.rule_id,
        version: order.version,
    })
}

/// PLACED … READY → CANCELLED. What was held is given back except the fee; stock and coupon are released from the
/// event.
///
/// # Errors
/// Not found, no reason, key reused, stale version, a fee that was not seen, the state or the policy forbids it, or
/// database failure.
pub async fn cancel(app: &App, actor: &Actor, command: CancelOrder) -> Result<Order, OrderError> {
    let reason = reason::checked(&command.reason)?;
    let content = serde_json::json!({
        "order_id": command.order_id.to_string(), "reason": reason, "version": command.expected_version,
    });
    let request = IdempotentRequest::new(
        actor.person()?.account_id,
        "order.cancel",
        &command.idempotency_key,
        &content,
    )
    .ok_or(OrderError::BadIdempotencyKey)?;
    if known(app, &request).await? {
        return store::get(app, command.order_id).await?.ok_or(OrderError::OrderNotFound);
    }
    let done = transact!(&app.mongo, "order.cancel", OrderError, |tx| {
        let order = store::get_in_tx(app, tx, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
        let order = scope::visible(actor, order)?;
        let parties = scope::parties(actor, &order);
        let answer = doc! { "order_id": order.id };
        let (mut set, mut data) = (Document::new(), Document::new());
        if let Ok(Decision::Move(_)) = decide((&order).into(), OrderAction::Cancel, &parties) {
            let cost = cost(&order, &parties)?;
            // What was free when it was asked for may cost something now: nobody pays for what he did not see.
            if cost.fee.amount_minor > 0 && command.expected_version.is_none() {
                return Err(OrderError::CancelFeeUnconfirmed { fee: cost.fee });
            }
            data.insert("fee_minor", cost.fee.amount_minor);
            set.insert("cancellation", serialize_to_bson(&cost).map_err(DbError::from)?);
            set.insert("deadlines", serialize_to_bson(&OrderDeadlines::default()).map_err(DbError::from)?);
        }
        let step = Step {
            reason: Some(reason.clone()),
            expected_version: command.expected_version,
            set,
            data,
            ..Step::new(OrderAction::Cancel, actor, &parties)
        };
        let after = step_in_tx(app, tx, order, step).await?;
        idempotency::record_in_tx(app, tx, &request, answer).await?;
        Ok(after)
    });
    match done {
        Err(OrderError::Infra(daraa_platform::fault::Infra::Db(e))) if idempotency::raced(&e) => {
            known(app, &request).await?;
            store::get(app, command.order_id).await?.ok_or(OrderError::OrderNotFound)
        }
        other => other,
    }
}

/// Whether the request was done before.
async fn known(app: &App, request: &IdempotentRequest) -> Result<bool, OrderError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(false),
        Replay::Done(_) => Ok(true),
        Replay::KeyReused => Err(OrderError::IdempotencyKeyReused),
    }
}
