//! Reserve, confirm, consume, release: each idempotent per order.

use std::collections::HashMap;

use daraa_platform::fault::Infra;
use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::doc;
use tracing::{instrument, warn};

use super::model::{DueReservation, MAX_QUANTITY, StockAdjustment, StockItem};
use super::rules::totals;
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::catalog::CatalogError;
use crate::catalog::service::{owned_variant, record};
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::{OrderId, VariantId};
use crate::store::good_reason;

/// How often a change is tried again when another one came between looking and changing.
const MAX_TRIES: u32 = 3;
/// Variants whose expired reservations are looked at in one go.
const EXPIRED_BATCH: i64 = 100;

/// Reserves all lines of an order, or none: takes from the shelf, variant by variant in the order of ids, and gives
/// everything back when one is sold out. Asked again for the same order it does nothing more. Variants whose stock
/// is not counted are passed over.
///
/// # Errors
/// [`CatalogError::SoldOut`] with what is left, [`CatalogError::BadQuantity`], [`CatalogError::VariantNotFound`].
#[instrument(name = "svc.stock.reserve", skip_all, fields(order.id = %order_id))]
pub async fn reserve(
    app: &App,
    order_id: OrderId,
    lines: &[(VariantId, i64)],
    expires_at: Timestamp,
) -> Result<(), CatalogError> {
    let wanted = totals(lines).ok_or(CatalogError::BadQuantity)?;
    let mut tried = Vec::with_capacity(wanted.len());
    for (variant_id, quantity) in wanted {
        tried.push((variant_id, quantity));
        if let Err(e) = take(app, order_id, variant_id, quantity, Some(expires_at)).await {
            // The one that failed is given back, too: its answer may be lost while its effect is not.
            if let Err(undo) = release(app, order_id, &tried).await {
                warn!(order.id = %order_id, cause = %undo, "stock stays reserved until its expiry");
            }
            return Err(e);
        }
    }
    Ok(())
}

async fn take(
    app: &App,
    order_id: OrderId,
    variant_id: VariantId,
    quantity: i64,
    expires_at: Option<Timestamp>,
) -> Result<(), CatalogError> {
    for _ in 0..MAX_TRIES {
        if store::reserve(app, order_id, variant_id, quantity, expires_at).await? {
            return Ok(());
        }
        let item = store::find(app, variant_id).await?.ok_or(CatalogError::VariantNotFound)?;
        if !item.tracked || item.reservations.iter().any(|r| r.id == order_id) {
            return Ok(());
        }
        if item.on_hand < quantity {
            return Err(CatalogError::SoldOut { variant: variant_id, available: item.on_hand });
        }
        // Something was given back between the two looks: try again.
    }
    Err(CatalogError::SoldOut { variant: variant_id, available: 0 })
}

/// Keeps what an order reserved: it no longer expires. A reservation that expired meanwhile is taken again.
///
/// # Errors
/// [`CatalogError::SoldOut`] when it expired and the goods are gone; nothing is given back then.
#[instrument(name = "svc.stock.confirm", skip_all, fields(order.id = %order_id))]
pub async fn confirm(app: &App, order_id: OrderId, lines: &[(VariantId, i64)]) -> Result<(), CatalogError> {
    for (variant_id, quantity) in totals(lines).ok_or(CatalogError::BadQuantity)? {
        if !store::confirm(app, order_id, variant_id).await? {
            take(app, order_id, variant_id, quantity, None).await?;
        }
    }
    Ok(())
}

/// The order is completed: what it reserved is sold. Without a reservation (done before, not counted) nothing
/// happens.
///
/// # Errors
/// Database failure.
#[instrument(name = "svc.stock.consume", skip_all, fields(order.id = %order_id))]
pub async fn consume(app: &App, order_id: OrderId, lines: &[(VariantId, i64)]) -> Result<(), CatalogError> {
    settle(app, order_id, lines, "sold").await
}

/// The order will not be: what it reserved goes back on the shelf. Without a reservation nothing happens.
///
/// # Errors
/// Database failure.
#[instrument(name = "svc.stock.release", skip_all, fields(order.id = %order_id))]
pub async fn release(app: &App, order_id: OrderId, lines: &[(VariantId, i64)]) -> Result<(), CatalogError> {
    settle(app, order_id, lines, "on_hand").await
}

async fn settle(
    app: &App,
    order_id: OrderId,
    lines: &[(VariantId, i64)],
    into: &'static str,
) -> Result<(), CatalogError> {
    for (variant_id, quantity) in totals(lines).ok_or(CatalogError::BadQuantity)? {
        if store::settle(app, order_id, variant_id, quantity, into).await? {
            continue;
        }
        // Done before, or not counted; what is held in another quantity than the line says is still ended whole.
        let held = store::find(app, variant_id)
            .await?
            .and_then(|item| item.reservations.into_iter().find(|r| r.id == order_id));
        if let Some(held) = held {
            store::settle(app, order_id, variant_id, held.quantity, into).await?;
        }
    }
    Ok(())
}

/// Reservations past their time. The caller asks whether the order lives, and then [`confirm`]s or [`release`]s.
///
/// # Errors
/// Database failure.
pub async fn expired(app: &App) -> Result<Vec<DueReservation>, CatalogError> {
    Ok(store::expired(app, app.clock.now(), EXPIRED_BATCH).await?)
}

/// The stock of many variants, fresh from the primary.
///
/// # Errors
/// Database failure.
pub async fn items(app: &App, ids: &[VariantId]) -> Result<HashMap<VariantId, StockItem>, CatalogError> {
    let rows = store::find_many(app, ids).await?;
    Ok(rows.into_iter().map(|item| (item.id, item)).collect())
}

/// Opens the books of new variants.
pub(in crate::catalog) async fn create_in_tx(
    app: &App,
    tx: &mut Tx,
    items: &[StockItem],
) -> Result<(), CatalogError> {
    Ok(store::insert_many_in_tx(app, tx, items).await?)
}

/// Begins to count a variant. Counted already it stays as it is, and then nobody may say how many there are.
///
/// # Errors
/// [`CatalogError::StockNotSettable`], or database failure.
pub(in crate::catalog) async fn begin_in_tx(
    app: &App,
    tx: &mut Tx,
    id: VariantId,
    on_hand: i64,
) -> Result<(), CatalogError> {
    if store::begin_in_tx(app, tx, id, on_hand).await? || on_hand == 0 {
        Ok(())
    } else {
        Err(CatalogError::StockNotSettable)
    }
}

/// A change of the shelf by hand.
#[derive(Debug, Clone)]
pub struct AdjustStock {
    /// The variant.
    pub variant_id: VariantId,
    /// What came in (positive) or is taken out.
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// Makes a repeated request have one effect.
    pub idempotency_key: String,
}

/// Moves the shelf by hand (staff).
///
/// # Errors
/// No right, [`CatalogError::VariantNotFound`], [`CatalogError::BadDelta`], [`CatalogError::ReasonRequired`],
/// [`CatalogError::StockNotTracked`], [`CatalogError::StockBelowZero`], [`CatalogError::IdempotencyKeyReused`].
#[instrument(name = "svc.stock.adjust", skip_all, fields(variant.id = %command.variant_id))]
pub async fn adjust(app: &App, actor: &Actor, command: AdjustStock) -> Result<StockItem, CatalogError> {
    let id = command.variant_id;
    let (product, _) = owned_variant(app, actor, id).await?;
    if command.delta == 0 || command.delta.unsigned_abs() > MAX_QUANTITY.unsigned_abs() {
        return Err(CatalogError::BadDelta);
    }
    let reason = good_reason(&command.reason).ok_or(CatalogError::ReasonRequired)?;
    let request = idempotent(actor, &command)?;
    if seen(app, &request).await? {
        return store::find(app, id).await?.ok_or(CatalogError::VariantNotFound);
    }
    let row = StockAdjustment {
        id: app.ids.next_oid(),
        variant_id: id,
        store_id: product.store_id,
        delta: command.delta,
        reason,
        actor: actor.label(),
        at: app.clock.now(),
    };
    let done = transact!(&app.mongo, "stock.adjust", CatalogError, |tx| {
        idempotency::record_in_tx(app, tx, &request, doc! { "variant_id": id }).await?;
        let after = store::adjust_in_tx(app, tx, &row).await?;
        record(app, tx, actor, "stock.adjust", id.to_string(), row.store_id).await?;
        match after {
            Some(after) => Ok(after),
            None => Err(why_not_adjusted(app, &row).await?),
        }
    });
    match done {
        Err(CatalogError::Infra(Infra::Db(e))) if idempotency::raced(&e) => {
            seen(app, &request).await?;
            store::find(app, id).await?.ok_or(CatalogError::VariantNotFound)
        }
        done => done,
    }
}

fn idempotent(actor: &Actor, command: &AdjustStock) -> Result<IdempotentRequest, CatalogError> {
    let content = serde_json::json!([command.variant_id.to_string(), command.delta, command.reason]);
    IdempotentRequest::new(actor.person()?.account_id, "stock.adjust", &command.idempotency_key, &content)
        .ok_or(CatalogError::BadIdempotencyKey)
}

async fn seen(app: &App, request: &IdempotentRequest) -> Result<bool, CatalogError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(false),
        Replay::Done(_) => Ok(true),
        Replay::KeyReused => Err(CatalogError::IdempotencyKeyReused),
    }
}

async fn why_not_adjusted(app: &App, row: &StockAdjustment) -> Result<CatalogError, CatalogError> {
    Ok(match store::find(app, row.variant_id).await? {
        None => CatalogError::VariantNotFound,
        Some(item) if !item.tracked => CatalogError::StockNotTracked,
        Some(item) => CatalogError::StockBelowZero { on_hand: item.on_hand },
    })
}
