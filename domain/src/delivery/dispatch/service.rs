//! One tick: read the world, let the engine think, apply what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use daraa_dispatch as engine;
use daraa_platform::fault::{Fault as _, Infra};
use daraa_platform::money::Currency;
use daraa_platform::transact;
use mongodb::bson::doc;
use tracing::{debug, info};

use super::super::error::DeliveryError;
use super::super::model::{Delivery, DeliveryStatus, LiveOffer};
use super::super::offer::{self, OfferAction, service::Ask};
use super::super::service::{at_least_real, secs, text_of};
use super::super::{event, store};
use super::world::{self, World};
use crate::actor::Actor;
use crate::app::App;
use crate::courier::{self, Courier};
use crate::ids::{CourierId, DeliveryId};
use crate::outbox::{self, Fence, Topic};
use crate::{ledger, settings};

/// Time between two ticks, shown seconds.
pub const EPOCH_S: i64 = 10;
/// Travel times one tick may ask for.
const WORK_BUDGET: u64 = 200_000;
/// The one shard there is; a second city would be the next.
const SHARD: i64 = 0;
/// Couriers report while they ride; one who waits may be silent this long before others are asked first.
const STALE_AFTER_S: i64 = 3_600;
/// How long a courier usually thinks about an offer, shown seconds.
const USUAL_ANSWER_S: i64 = 30;
/// Nobody answers faster than this, real time.
const LEAST_REAL_ANSWER: Duration = Duration::from_secs(3);
/// Who acts.
const DISPATCHER: Actor = Actor::System("dispatch");

/// What the dispatcher looks at.
const LIVE: &[DeliveryStatus] = &[DeliveryStatus::Pending, DeliveryStatus::Offered];

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Offers made.
    pub offers: u64,
    /// Offers ended.
    pub ended: u64,
    /// Deliveries shown to ops.
    pub escalations: u64,
    /// Estimates written.
    pub estimates: u64,
    /// Commands that came too late and did nothing.
    pub skipped: u64,
}

/// One tick of the dispatcher that holds the lease with this fencing number.
///
/// # Errors
/// [`DeliveryError::StaleFence`] when another leader has taken over, or database failure. What was applied before
/// the failure stays; the next tick sees it.
pub async fn dispatch_tick(app: &App, fence: Fence) -> Result<Ticked, DeliveryError> {
    let fence = fence.number();
    let shard = store::next_epoch(app, SHARD, fence).await?.ok_or(DeliveryError::StaleFence)?;
    let settings = settings::get(app).await?;
    let mut deliveries = store::live(app, LIVE).await?;
    let (online, finishing) = (courier::online(app).await?, courier::finishing(app).await?);
    if deliveries.is_empty() && finishing.is_empty() && online.iter().all(|c| c.active_deliveries == 0) {
        return Ok(Ticked::default());
    }
    deliveries.extend(store::live(app, DeliveryStatus::WITH_COURIER).await?);
    let floats = floats(app, &deliveries, &online).await?;
    let world = World { deliveries: &deliveries, online: &online, finishing: &finishing, floats: &floats };

    let now = app.clock.now().secs();
    let config = engine::Config {
        epoch_s: EPOCH_S,
        offer_ttl_s: offer_ttl_s(app, settings.deadlines.offer_s),
        answer_s: settings.deadlines.offer_s.min(USUAL_ANSWER_S),
        stale_after_s: STALE_AFTER_S,
        ..engine::Config::default()
    };
    let epoch = u64::try_from(shard.epoch.saturating_sub(1)).unwrap_or(0);
    let mut engine = engine::Engine::restore(
        config,
        engine::Geodesic::default(),
        engine::PromisedPrep::default(),
        engine::ConstantAcceptance::default(),
        world.snapshot(epoch),
    );
    let off = world.asked_but_off();
    let tick = engine.tick(now, WORK_BUDGET);
    debug!(work = tick.work, commands = tick.commands.len(), left_over = tick.left_over, "dispatch tick");

    let mut applied = Ticked::default();
    let by_id: BTreeMap<DeliveryId, &Delivery> = deliveries.iter().map(|d| (d.id, d)).collect();
    for delivery in deliveries.iter().filter(|d| d.offer.is_some_and(|o| off.contains(&o.courier_id))) {
        if end_offer(app, fence, shard.epoch, delivery, OfferAction::Revoke).await? {
            applied.ended += 1;
        }
    }
    for command in tick.commands {
        match apply(app, fence, shard.epoch, &by_id, command, &mut applied).await {
            Ok(()) => {}
            // The world went on while the engine was thinking; the next tick sees how.
            Err(e) if came_too_late(&e) => {
                debug!(cause = %e, "a dispatch command came too late");
                applied.skipped += 1;
            }
            Err(e) => return Err(e),
        }
    }
    if applied.offers + applied.ended + applied.escalations > 0 {
        info!(
            offers = applied.offers,
            ended = applied.ended,
            escalations = applied.escalations,
            "dispatched"
        );
    }
    Ok(applied)
}

/// How long a courier may think, shown seconds.
fn offer_ttl_s(app: &App, wanted_s: i64) -> i64 {
    let ttl = at_least_real(app, secs(wanted_s), LEAST_REAL_ANSWER);
    i64::try_from(ttl.as_secs()).unwrap_or(wanted_s)
}

/// Whether only this command failed: its delivery, courier or offer is not as it was.
fn came_too_late(e: &DeliveryError) -> bool {
    match e {
        DeliveryError::StaleFence => false,
        DeliveryError::Infra(Infra::Db(cause)) => cause.duplicate_index().is_some(),
        other => other.kind().is_user_error(),
    }
}

/// What couriers who may be asked to take cash hold already. Asked for only while there is cash to take.
async fn floats(
    app: &App,
    deliveries: &[Delivery],
    online: &[Courier],
) -> Result<BTreeMap<CourierId, i64>, DeliveryError> {
    let mut out = BTreeMap::new();
    if deliveries.iter().any(|d| d.status == DeliveryStatus::Pending && !d.cash_due.is_zero()) {
        // What counts is what he holds in the currency of his limit.
        let mut by_currency: BTreeMap<Currency, Vec<CourierId>> = BTreeMap::new();
        for courier in online {
            by_currency.entry(courier.cash_limit.currency).or_default().push(courier.id);
        }
        for (currency, ids) in by_currency {
            let floats = ledger::floats_of(app, &ids, currency).await?;
            out.extend(floats.into_iter().map(|float| (float.courier_id, float.owed.amount_minor)));
        }
    }
    Ok(out)
}

async fn apply(
    app: &App,
    fence: i64,
    epoch: i64,
    deliveries: &BTreeMap<DeliveryId, &Delivery>,
    command: engine::Command,
    applied: &mut Ticked,
) -> Result<(), DeliveryError> {
    match command.action {
        engine::Action::Offer { orders, courier, expires_at, depart_at, travel_to_pickup_s } => {
            for order in orders {
                let ask = Ask {
                    delivery_id: world::delivery_of(order),
                    courier_id: world::courier_of(courier),
                    command: world::command_ref(command.id),
                    expires_at: world::instant(expires_at),
                    depart_at: world::instant(depart_at),
                    travel_to_pickup_s,
                };
                match make_offer(app, fence, epoch, ask).await? {
                    true => applied.offers += 1,
                    false => applied.skipped += 1,
                }
            }
        }
        engine::Action::Revoke { order, reason, .. } => {
            let Some(delivery) = deliveries.get(&world::delivery_of(order)) else { return Ok(()) };
            let action = match reason {
                engine::RevokeReason::Expired => OfferAction::Expire,
                _ => OfferAction::Revoke,
            };
            match end_offer(app, fence, epoch, delivery, action).await? {
                true => applied.ended += 1,
                false => applied.skipped += 1,
            }
        }
        engine::Action::Escalate { order, reason } => {
            escalate(app, fence, epoch, world::delivery_of(order), world::reason_of(reason)).await?;
            applied.escalations += 1;
        }
        engine::Action::Eta { order, eta } => {
            match store::set_eta(app, world::delivery_of(order), &world::eta_of(eta)).await? {
                true => applied.estimates += 1,
                false => applied.skipped += 1,
            }
        }
        // The engine makes neither today; an offer is taken back and made anew instead of changed.
        engine::Action::Amend { .. } | engine::Action::Preposition { .. } => applied.skipped += 1,
    }
    Ok(())
}

async fn make_offer(app: &App, fence: i64, epoch: i64, ask: Ask) -> Result<bool, DeliveryError> {
    // The time a courier has is counted from the moment he is asked, not from the thought.
    let now = app.clock.now();
    let ttl = ask.expires_at.since(world::instant(now.secs())).max(Duration::from_secs(1));
    let ask = Ask { expires_at: now.plus(ttl), ..ask };
    transact!(&app.mongo, "dispatch.offer", DeliveryError, |tx| {
        if !store::fence_in_tx(app, tx, SHARD, fence, epoch).await? {
            return Err(DeliveryError::StaleFence);
        }
        offer::service::make_in_tx(app, tx, &DISPATCHER, ask).await
    })
}

async fn end_offer(
    app: &App,
    fence: i64,
    epoch: i64,
    delivery: &Delivery,
    action: OfferAction,
) -> Result<bool, DeliveryError> {
    let Some(LiveOffer { offer_id, .. }) = delivery.offer else { return Ok(false) };
    let Some(live) = offer::store::get(app, offer_id).await? else { return Ok(false) };
    transact!(&app.mongo, "dispatch.end_offer", DeliveryError, |tx| {
        if !store::fence_in_tx(app, tx, SHARD, fence, epoch).await? {
            return Err(DeliveryError::StaleFence);
        }
        offer::service::withdraw_in_tx(app, tx, &DISPATCHER, &live, action).await
    })
}

async fn escalate(
    app: &App,
    fence: i64,
    epoch: i64,
    id: DeliveryId,
    reason: super::super::model::EscalationReason,
) -> Result<(), DeliveryError> {
    transact!(&app.mongo, "dispatch.escalate", DeliveryError, |tx| {
        if !store::fence_in_tx(app, tx, SHARD, fence, epoch).await? {
            return Err(DeliveryError::StaleFence);
        }
        if let Some(delivery) = store::escalate_in_tx(app, tx, id, reason).await? {
            let mut told = event::of(&delivery, "delivery.escalated", doc! { "reason": text_of(&reason)? });
            told.topics = vec![Topic::Ops];
            outbox::emit_in_tx(app, tx, told).await?;
        }
        Ok(())
    })
}
