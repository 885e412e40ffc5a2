//! The collections of payments and their webhooks.

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson, serialize_to_document};

use super::model::{
    CashState, ENDED_WEBHOOKS, PAYMENTS, PaymentIntent, StoredWebhook, WEBHOOKS, WebhookState,
};
use crate::app::App;
use crate::ids::{AccountId, CourierId, OrderGroupId, OrderId, PaymentId};

fn payments(app: &App) -> Coll<PaymentIntent> {
    app.mongo.coll(PAYMENTS)
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, payment: &PaymentIntent) -> Result<(), DbError> {
    payments(app).insert_in_tx(tx, "db.payment.insert", payment).await
}

pub(super) async fn find(app: &App, id: PaymentId) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one("db.payment.find", doc! { "_id": id }).await
}

pub(super) async fn find_in_tx(
    app: &App,
    tx: &mut Tx,
    id: PaymentId,
) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one_in_tx(tx, "db.payment.find", doc! { "_id": id }).await
}

/// A customer's own payment.
pub(super) async fn find_of(
    app: &App,
    account_id: AccountId,
    id: PaymentId,
) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one("db.payment.find_of", doc! { "_id": id, "account_id": account_id }).await
}

pub(super) async fn find_by_order(app: &App, order_id: OrderId) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one("db.payment.by_order", doc! { "splits.order_id": order_id }).await
}

pub(super) async fn find_by_order_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one_in_tx(tx, "db.payment.by_order", doc! { "splits.order_id": order_id }).await
}

pub(super) async fn find_by_reference(app: &App, reference: &str) -> Result<Option<PaymentIntent>, DbError> {
    payments(app).find_one("db.payment.by_reference", doc! { "operations.reference": reference }).await
}

pub(super) async fn of_groups(app: &App, group_ids: &[OrderGroupId]) -> Result<Vec<PaymentIntent>, DbError> {
    let limit = i64::try_from(group_ids.len()).unwrap_or(i64::MAX);
    let filter = doc! { "group_id": { "$in": group_ids.to_vec() } };
    payments(app).find_many("db.payment.of_groups", filter, doc! { "group_id": 1 }, limit).await
}

/// Writes a payment over the version it was made from; `false` when that is not the stored one any more.
pub(super) async fn replace_in_tx(app: &App, tx: &mut Tx, payment: &PaymentIntent) -> Result<bool, DbError> {
    let (filter, update) = replacement(payment)?;
    payments(app).update_one_in_tx(tx, "db.payment.replace", filter, update).await
}

/// [`replace_in_tx`] outside a transaction.
pub(super) async fn replace(app: &App, payment: &PaymentIntent) -> Result<bool, DbError> {
    let (filter, update) = replacement(payment)?;
    payments(app).update_one("db.payment.replace", filter, update).await
}

fn replacement(payment: &PaymentIntent) -> Result<(Document, Document), DbError> {
    let mut set = serialize_to_document(payment)?;
    set.remove("_id");
    let before = payment.version.saturating_sub(1);
    Ok((doc! { "_id": payment.id, "version": before }, doc! { "$set": set }))
}

/// Payments with an unanswered request, the longest waiting first.
pub(super) async fn unresolved(app: &App, now: Timestamp, limit: i64) -> Result<Vec<PaymentIntent>, DbError> {
    let filter = doc! { "unresolved": true, "next_try_at": { "$lte": now } };
    payments(app).find_many("db.payment.unresolved", filter, doc! { "next_try_at": 1 }, limit).await
}

/// Notes that a request was sent without an answer. Does not count as a change of the payment: whoever holds
/// its version goes on undisturbed.
pub(super) async fn note_attempt(
    app: &App,
    id: PaymentId,
    reference: &str,
    next_try_at: Timestamp,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "operations.reference": reference };
    let update = doc! {
        "$inc": { "operations.$.attempts": 1_i64 },
        "$set": { "next_try_at": next_try_at },
    };
    payments(app).update_one("db.payment.note_attempt", filter, update).await
}

/// The payments whose cash a courier still owes, oldest first.
pub(super) async fn cash_of_courier_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: CourierId,
    states: &[CashState],
    limit: i64,
) -> Result<Vec<PaymentIntent>, DbError> {
    let filter = cash_filter(courier_id, states)?;
    payments(app).find_many_in_tx(tx, "db.payment.cash_of_courier", filter, doc! { "_id": 1 }, limit).await
}

fn cash_filter(courier_id: CourierId, states: &[CashState]) -> Result<Document, DbError> {
    let states = serialize_to_bson(&states)?;
    let matching = doc! { "cash.courier_id": courier_id, "cash.state": { "$in": states } };
    Ok(doc! { "splits": { "$elemMatch": matching } })
}

/// Stores a webhook; `false` when it came before.
pub(super) async fn insert_webhook(app: &App, webhook: &StoredWebhook) -> Result<bool, DbError> {
    match app.mongo.coll(WEBHOOKS).insert("db.payment_webhook.insert", webhook).await {
        Ok(()) => Ok(true),
        Err(DbError::Duplicate { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}

pub(super) async fn find_webhook(app: &App, id: &str) -> Result<Option<StoredWebhook>, DbError> {
    app.mongo.coll(WEBHOOKS).find_one("db.payment_webhook.find", doc! { "_id": id }).await
}

pub(super) async fn end_webhook(app: &App, id: &str, state: WebhookState) -> Result<bool, DbError> {
    let update = doc! { "$set": { "state": serialize_to_bson(&state)? } };
    let webhooks = app.mongo.coll::<StoredWebhook>(WEBHOOKS);
    webhooks.update_one("db.payment_webhook.end", doc! { "_id": id }, update).await
}

pub(super) async fn postpone_webhook(app: &App, id: &str, next_try_at: Timestamp) -> Result<bool, DbError> {
    let update = doc! { "$inc": { "attempts": 1_i64 }, "$set": { "next_try_at": next_try_at } };
    let webhooks = app.mongo.coll::<StoredWebhook>(WEBHOOKS);
    webhooks.update_one("db.payment_webhook.postpone", doc! { "_id": id }, update).await
}

/// Removes a batch of webhooks that were dealt with and came before `before`; says how many.
pub(super) async fn purge_webhooks(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let webhooks = app.mongo.coll::<StoredWebhook>(WEBHOOKS);
    let old = doc! { "state": { "$in": ENDED_WEBHOOKS }, "received_at": { "$lt": before } };
    let ids = webhooks.ids("db.payment_webhook.purge_ids", old, MAX_ROWS).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    webhooks.delete_many("db.payment_webhook.purge", doc! { "_id": { "$in": ids } }).await
}

pub(super) async fn due_webhooks(
    app: &App,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<StoredWebhook>, DbError> {
    let filter = doc! { "state": serialize_to_bson(&WebhookState::Pending)?, "next_try_at": { "$lte": now } };
    let webhooks = app.mongo.coll(WEBHOOKS);
    webhooks.find_many("db.payment_webhook.due", filter, doc! { "next_try_at": 1 }, limit).await
}
