//! Use cases around couriers.

use daraa_platform::fault::Infra;
use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Document, doc, serialize_to_bson};
use tracing::debug;

use super::error::CourierError;
use super::model::{Courier, CourierAction, CourierStatus, CourierStep, Position, Vehicle};
use super::{event, rules, store};
use crate::account;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::CourierId;
use crate::outbox;
use crate::place::Point;

/// How much of the platform's cash a courier may hold unless ops say otherwise: 10,000,000.00 SYP.
const DEFAULT_CASH_LIMIT: Money = Money::new(1_000_000_000, Currency::Syp);
/// A track answer holds this many points at most.
const MAX_TRACK: i64 = 500;
/// One batch of the shift job.
const BATCH: i64 = 100;

/// What a person says who wants to bring things.
#[derive(Debug, Clone, Copy)]
pub struct Apply {
    /// What he rides.
    pub vehicle: Vehicle,
    /// How many deliveries he can have at once; one unless said otherwise.
    pub capacity: Option<i64>,
}

/// What ops decide about a courier.
#[derive(Debug, Clone, Copy)]
pub struct Approve {
    /// Who.
    pub courier_id: CourierId,
    /// How much cash he may hold; the platform's default when not said.
    pub cash_limit: Option<Money>,
}

/// Begins a shift.
#[derive(Debug, Clone, Copy)]
pub struct GoOnline {
    /// Where he is.
    pub point: Point,
    /// When the shift ends; open when not said.
    pub until: Option<Timestamp>,
}

/// Applies as a courier. Applying again changes nothing and returns the first application.
///
/// # Errors
/// Not signed in, a capacity out of range, or database failure.
pub async fn apply(app: &App, actor: &Actor, command: Apply) -> Result<Courier, CourierError> {
    let person = actor.person()?;
    let capacity = rules::capacity(command.capacity)?;
    if let Some(known) = store::of_account(app, person.account_id).await? {
        return Ok(known);
    }
    let name = account::get(app, person.account_id).await?.name.clone();
    let courier = Courier {
        id: app.ids.next(),
        account_id: person.account_id,
        name,
        vehicle: command.vehicle,
        capacity,
        status: CourierStatus::PendingApproval,
        cash_limit: DEFAULT_CASH_LIMIT,
        online: false,
        shift_until: None,
        point: None,
        seen_at: None,
        active_deliveries: 0,
        history: Vec::new(),
        created_at: app.clock.now(),
        version: 1,
    };
    match store::insert(app, &courier).await {
        Ok(()) => Ok(courier),
        // Two applications at once: the other one counts.
        Err(e) if e.duplicate_index() == Some("courier_account") => {
            store::of_account(app, person.account_id).await?.ok_or(CourierError::CourierNotFound)
        }
        Err(e) => Err(e.into()),
    }
}

/// Ops let a courier work. His account becomes a courier's account in the same transaction.
///
/// # Errors
/// Not ops, not found, not waiting for approval, or database failure.
pub async fn approve(app: &App, actor: &Actor, command: Approve) -> Result<Courier, CourierError> {
    actor.ops(&[OpsRole::Operations])?;
    let courier = get(app, command.courier_id).await?;
    let action = match courier.status {
        CourierStatus::Suspended => CourierAction::Reinstate,
        _ => CourierAction::Approve,
    };
    let limit = command.cash_limit.unwrap_or(courier.cash_limit);
    let set = doc! { "cash_limit": serialize_to_bson(&limit).map_err(DbError::from)? };
    step(app, actor, courier, action, set).await
}

/// Ops stop a courier: no more offers. What he carries he still brings.
///
/// # Errors
/// Not ops, not found, not active, or database failure.
pub async fn suspend(app: &App, actor: &Actor, courier_id: CourierId) -> Result<Courier, CourierError> {
    actor.ops(&[OpsRole::Operations])?;
    let courier = get(app, courier_id).await?;
    step(app, actor, courier, CourierAction::Suspend, doc! { "online": false }).await
}

async fn step(
    app: &App,
    actor: &Actor,
    courier: Courier,
    action: CourierAction,
    set: Document,
) -> Result<Courier, CourierError> {
    let Some(to) = rules::decide(courier.status, action)? else { return Ok(courier) };
    let row = CourierStep {
        at: app.clock.now(),
        actor: actor.label(),
        action,
        to,
        version: courier.version.saturating_add(1),
    };
    transact!(&app.mongo, "courier.step", CourierError, |tx| {
        let after = store::advance_in_tx(app, tx, &courier, &row, set.clone())
            .await?
            .ok_or(CourierError::StaleVersion)?;
        if action == CourierAction::Approve {
            account::set_courier_in_tx(app, tx, after.account_id, Some(after.id)).await?;
        }
        let entry = NewAudit {
            actor,
            action: event::of(&after, action).kind,
            subject: after.id.to_string(),
            details: doc! { "to": serialize_to_bson(&to).map_err(DbError::from)? },
        };
        audit::record_in_tx(app, tx, entry).await?;
        outbox::emit_in_tx(app, tx, event::of(&after, action)).await?;
        Ok(after)
    })
}

/// Begins a shift, or moves its end.
///
/// # Errors
/// Not a courier, not active, a shift end that makes no sense, or database failure.
pub async fn go_online(app: &App, actor: &Actor, command: GoOnline) -> Result<Courier, CourierError> {
    let courier = mine(app, actor).await?;
    let now = app.clock.now();
    rules::may_go_online(&courier, command.until, now)?;
    let after = store::set_online(app, courier.id, command.point, command.until, now)
        .await?
        .ok_or(CourierError::CourierNotActive)?;
    heard(app, courier.id, Position { point: command.point, at: now }).await;
    Ok(after)
}

/// Ends a shift: no more offers. A live offer is taken back by dispatch; what he carries he still brings.
///
/// # Errors
/// Not a courier, or database failure.
pub async fn go_offline(app: &App, actor: &Actor) -> Result<Courier, CourierError> {
    let courier = mine(app, actor).await?;
    let after = store::set_offline(app, courier.id).await?.ok_or(CourierError::CourierNotFound)?;
    forget_position(app, &after).await;
    Ok(after)
}

/// Ends the shifts whose time is over, a batch at a time; says how many. Their couriers get no more offers, what they
/// carry they still bring.
///
/// # Errors
/// Database failure.
pub async fn end_shifts(app: &App) -> Result<u64, CourierError> {
    let now = app.clock.now();
    let mut ended = 0;
    for courier in store::past_shift(app, now, BATCH).await? {
        if let Some(after) = store::end_shift(app, courier.id, now).await? {
            forget_position(app, &after).await;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Nobody has a reason to know where somebody is who is off and brings nothing.
async fn forget_position(app: &App, courier: &Courier) {
    if !courier.online
        && courier.active_deliveries == 0
        && let Err(e) = store::clear_live(app, courier.id).await
    {
        debug!(cause = %e, "a live position stays until it vanishes by itself");
    }
}

/// A position ping. The live position is in Redis; now and then one is stored.
///
/// # Errors
/// Not a courier, neither online nor under way, or database failure.
pub async fn move_to(app: &App, actor: &Actor, point: Point) -> Result<CourierId, CourierError> {
    let id = actor.courier()?;
    let position = Position { point, at: app.clock.now() };
    heard(app, id, position).await;
    if store::sample_due(app, id).await && !store::sample(app, id, position).await? {
        let courier = get(app, id).await?;
        if !courier.online && courier.active_deliveries == 0 {
            forget_position(app, &courier).await;
            return Err(CourierError::CourierOffline);
        }
    }
    Ok(id)
}

/// Without Redis the live position is missing for a while; nothing else is wrong.
async fn heard(app: &App, id: CourierId, position: Position) {
    if let Err(e) = store::set_live(app, id, position).await {
        debug!(cause = %e, "a live position is lost");
    }
}

/// The courier who asks, whatever his status.
///
/// # Errors
/// Not signed in, never applied, or database failure.
pub async fn mine(app: &App, actor: &Actor) -> Result<Courier, CourierError> {
    let person = actor.person()?;
    store::of_account(app, person.account_id).await?.ok_or(CourierError::NotACourier)
}

/// A courier by id; the caller has checked that it may be seen.
///
/// # Errors
/// Not found, or database failure.
pub async fn get(app: &App, id: CourierId) -> Result<Courier, CourierError> {
    store::get(app, id).await?.ok_or(CourierError::CourierNotFound)
}

/// Couriers by id, in any order; the caller has checked that they may be seen.
///
/// # Errors
/// Database failure.
pub async fn get_many(app: &App, ids: &[CourierId]) -> Result<Vec<Courier>, CourierError> {
    Ok(store::get_many(app, ids).await?)
}

/// A courier by id, inside a transaction.
///
/// # Errors
/// Not found, or database failure.
pub async fn get_in_tx(app: &App, tx: &mut Tx, id: CourierId) -> Result<Courier, CourierError> {
    store::get_in_tx(app, tx, id).await?.ok_or(CourierError::CourierNotFound)
}

/// Who takes offers now, for dispatch, each where he was last heard of.
///
/// # Errors
/// Database failure.
pub async fn online(app: &App) -> Result<Vec<Courier>, CourierError> {
    let couriers = store::online(app).await?;
    Ok(as_last_heard(app, couriers).await)
}

/// Who is off and still brings what he has, for dispatch, each where he was last heard of.
///
/// # Errors
/// Database failure.
pub async fn finishing(app: &App) -> Result<Vec<Courier>, CourierError> {
    let couriers = store::finishing(app).await?;
    Ok(as_last_heard(app, couriers).await)
}

async fn as_last_heard(app: &App, mut couriers: Vec<Courier>) -> Vec<Courier> {
    let ids: Vec<CourierId> = couriers.iter().map(|courier| courier.id).collect();
    match store::live_many(app, &ids).await {
        Ok(heard) => {
            for (courier, live) in couriers.iter_mut().zip(heard) {
                // A sample may be the newer one: Redis was away, or the end of a delivery told where he is.
                if let Some(live) = live.filter(|live| courier.seen_at.is_none_or(|seen| live.at > seen)) {
                    (courier.point, courier.seen_at) = (Some(live.point), Some(live.at));
                }
            }
        }
        Err(e) => debug!(cause = %e, "couriers are where they were sampled last"),
    }
    couriers
}

/// Who has something to bring and gave no sign (a position, a shift begun, a delivery ended) after `before`; at most
/// 1,000, those who fell silent last first.
///
/// # Errors
/// Database failure.
pub async fn silent(app: &App, before: Timestamp) -> Result<Vec<CourierId>, CourierError> {
    Ok(store::silent(app, before).await?.into_iter().map(|courier| courier.id).collect())
}

/// All couriers, newest first, for ops.
///
/// # Errors
/// Not ops, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    status: Option<CourierStatus>,
    page: &PageRequest,
) -> Result<Page<Courier>, CourierError> {
    actor.ops(&[OpsRole::Operations, OpsRole::Support, OpsRole::Finance])?;
    Ok(store::list(app, status, page).await?)
}

/// Takes one place of a courier's capacity; `false` when none is left or he may not work.
///
/// # Errors
/// Database failure.
pub async fn take_in_tx(
    app: &App,
    tx: &mut Tx,
    id: CourierId,
    only_online: bool,
) -> Result<bool, CourierError> {
    Ok(store::take_in_tx(app, tx, id, only_online).await?)
}

/// Gives one place of his capacity back; `seen` is where the work ended.
///
/// # Errors
/// Database failure.
pub async fn free_in_tx(
    app: &App,
    tx: &mut Tx,
    id: CourierId,
    seen: Option<Position>,
) -> Result<(), CourierError> {
    if !store::free_in_tx(app, tx, id, seen).await? {
        return Err(Infra::defect(format!("{id} gave back a place he had not taken")).into());
    }
    Ok(())
}

/// Where the courier is: live, else the last sample. The caller has checked that it may be seen.
///
/// # Errors
/// Database failure.
pub async fn position(app: &App, id: CourierId) -> Result<Option<Position>, CourierError> {
    if let Ok(Some(live)) = store::live(app, id).await {
        return Ok(Some(live));
    }
    let courier = get(app, id).await?;
    Ok(courier.point.zip(courier.seen_at).map(|(point, at)| Position { point, at }))
}

/// The newest points of a courier's track, newest first, for ops.
///
/// # Errors
/// Not ops, or database failure.
pub async fn track(app: &App, actor: &Actor, id: CourierId) -> Result<Vec<Position>, CourierError> {
    actor.ops(&[OpsRole::Operations, OpsRole::Support])?;
    Ok(store::track(app, id, MAX_TRACK).await?)
}
