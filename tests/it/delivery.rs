//! Deliveries: offers, the way to the door, codes, and everything that goes wrong on it.

use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::courier::{self, GoOnline};
use daraa_domain::delivery::offer::{self, DeclineReason, OFFER_TRANSITIONS, OfferStatus};
use daraa_domain::delivery::rules::TRANSITIONS;
use daraa_domain::delivery::{
    self, Complete, Delivery, DeliveryAction, DeliveryError, DeliveryStatus as S, EscalationReason,
    FailureReason, PickUp,
};
use daraa_domain::ids::OfferId;
use daraa_domain::ledger;
use daraa_domain::order::{self, OrderError, OrderStatus};
use daraa_domain::outbox::Fence;
use daraa_domain::pricing::PaymentMethod;
use daraa_platform::fault::Infra;
use daraa_platform::money::Currency;
use daraa_platform::transact;
use daraa_tests::{Bringer, World, near};
use futures_util::future::join_all;
use mongodb::bson::{Bson, Document, doc};

/// A ready order with its delivery, and its customer.
async fn open(world: &World) -> (Delivery, Actor) {
    let customer = world.customer().await;
    let order = world.order_to_bring(customer.account_id, OrderStatus::Ready, PaymentMethod::Cash).await;
    (world.delivery_of(&order).await, world.actor(&customer).await)
}

async fn now(world: &World, delivery: &Delivery) -> Delivery {
    world.delivery(delivery.order_ids[0]).await
}

async fn live_offer(world: &World, delivery: &Delivery) -> OfferId {
    now(world, delivery).await.offer.expect("a live offer").offer_id
}

/// Taken, fetched and brought to the door.
async fn at_the_door(world: &World, delivery: &Delivery, bringer: &Bringer) {
    let (app, actor) = (&world.app, &bringer.actor);
    world.dispatch().await;
    offer::accept(app, actor, live_offer(world, delivery).await).await.unwrap();
    delivery::depart(app, actor, delivery.id).await.unwrap();
    delivery::arrive(app, actor, delivery.id, None).await.unwrap();
    delivery::pick_up(app, actor, code(delivery, "1234")).await.unwrap();
    delivery::depart(app, actor, delivery.id).await.unwrap();
    let door = delivery::arrive(app, actor, delivery.id, None).await.unwrap();
    assert_eq!(door.status, S::AtDropoff);
}

fn code(delivery: &Delivery, store_code: &str) -> PickUp {
    PickUp { delivery_id: delivery.id, order_id: None, store_code: store_code.to_owned() }
}

fn pin(delivery: &Delivery, pin: &str, cash: Option<i64>) -> Complete {
    Complete { delivery_id: delivery.id, pin: pin.to_owned(), cash_collected_minor: cash }
}

#[test]
fn the_table() {
    let rows: Vec<String> = TRANSITIONS
        .iter()
        .map(|t| {
            let who: String = t.who.iter().map(|party| party.letter()).collect();
            format!("{:?} --{:?}--> {:?}   {who}", t.from, t.action, t.to)
        })
        .collect();
    insta::assert_snapshot!("delivery", rows.join("\n"));
    let rows: Vec<String> = OFFER_TRANSITIONS
        .iter()
        .map(|t| format!("{:?} --{:?}--> {:?}   {}", t.from, t.action, t.to, t.who))
        .collect();
    insta::assert_snapshot!("offer", rows.join("\n"));
}

#[tokio::test]
async fn an_order_accepted_twice_at_once_gets_one_delivery() {
    let world = World::new().await;
    let app = &world.app;
    let customer = world.customer().await;
    let order = world.order_to_bring(customer.account_id, OrderStatus::Ready, PaymentMethod::Cash).await;
    let event = world.order_event(&order, "order.accepted").await;
    let all = join_all((0..4).map(|_| delivery::on_order_accepted(app, &event))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let rows = app.mongo.db().collection::<Document>("deliveries");
    assert_eq!(rows.count_documents(doc! { "order_ids": order.id }).await.unwrap(), 1);
    let made = world.delivery(order.id).await;
    assert_eq!(order::get_system(app, order.id).await.unwrap().delivery_id, Some(made.id));

    // The order itself takes no second one, whatever the indexes say.
    let second = transact!(&app.mongo, "test.second", OrderError, |tx| {
        order::set_delivery_in_tx(app, tx, order.id, app.ids.next()).await?;
        Ok(())
    });
    assert!(matches!(second, Err(OrderError::InvalidTransition { .. })), "{second:?}");
}

#[tokio::test]
async fn from_the_store_to_the_door() {
    let world = World::new().await;
    let app = &world.app;
    let far = world.bringer(near(3_000.0, 0.0)).await;
    let bringer = world.bringer(near(200.0, 0.0)).await;
    let (delivery, customer) = open(&world).await;
    assert_eq!(delivery.status, S::Pending);
    let order_id = delivery.order_ids[0];
    let event = world.order_event(&order::get_system(app, order_id).await.unwrap(), "order.accepted").await;
    delivery::on_order_accepted(app, &event).await.unwrap();
    assert_eq!(now(&world, &delivery).await, delivery, "an event that comes twice changes nothing");

    assert_eq!(world.dispatch().await.offers, 1);
    assert_eq!(world.dispatch().await.offers, 0, "a live offer is exclusive");
    let mine = offer::live_of(app, &bringer.actor).await.unwrap();
    assert_eq!(mine.len(), 1, "the nearest is asked");
    assert!(offer::live_of(app, &far.actor).await.unwrap().is_empty());
    assert!(matches!(offer::accept(app, &far.actor, mine[0].id).await, Err(DeliveryError::OfferNotFound)));

    let taken = offer::accept(app, &bringer.actor, mine[0].id).await.unwrap();
    assert_eq!((taken.status, taken.courier_id), (S::Assigned, Some(bringer.id)));
    assert_eq!(offer::accept(app, &bringer.actor, mine[0].id).await.unwrap().version, taken.version, "once");
    assert_eq!(order::get_system(app, order_id).await.unwrap().courier_id, Some(bringer.id));
    assert_eq!(
        delivery::available_actions(app, &bringer.actor, &taken),
        [DeliveryAction::Unassign, DeliveryAction::Depart]
    );
    assert!(delivery::available_actions(app, &customer, &taken).is_empty());

    let id = delivery.id;
    delivery::depart(app, &bringer.actor, id).await.unwrap();
    assert!(matches!(
        delivery::pick_up(app, &bringer.actor, code(&delivery, "1234")).await,
        Err(DeliveryError::InvalidTransition)
    ));
    let there = delivery::arrive(app, &bringer.actor, id, None).await.unwrap();
    assert_eq!(delivery::arrive(app, &bringer.actor, id, None).await.unwrap().version, there.version, "once");
    assert!(matches!(
        delivery::pick_up(app, &bringer.actor, code(&delivery, "0000")).await,
        Err(DeliveryError::WrongStoreCode { tries_left: 4 })
    ));
    let got = delivery::pick_up(app, &bringer.actor, code(&delivery, "1234")).await.unwrap();
    assert_eq!((got.status, got.store_code_attempts.used), (S::PickedUp, 0));
    assert_eq!(order::get_system(app, order_id).await.unwrap().status, OrderStatus::HandedOver);

    delivery::depart(app, &bringer.actor, id).await.unwrap();
    delivery::arrive(app, &bringer.actor, id, None).await.unwrap();
    assert!(matches!(
        delivery::complete(app, &bringer.actor, pin(&delivery, "9876", Some(1))).await,
        Err(DeliveryError::CashMismatch)
    ));
    assert!(matches!(
        delivery::complete(app, &bringer.actor, pin(&delivery, "1234", None)).await,
        Err(DeliveryError::WrongPin { tries_left: 4 })
    ));
    let done =
        delivery::complete(app, &bringer.actor, pin(&delivery, "9876", Some(1_500_000))).await.unwrap();
    assert_eq!(done.status, S::Delivered);
    assert_eq!(
        delivery::complete(app, &bringer.actor, pin(&delivery, "9876", Some(1_500_000)))
            .await
            .unwrap()
            .version,
        done.version,
        "once"
    );
    assert_eq!(order::get_system(app, order_id).await.unwrap().status, OrderStatus::Completed);
    let float = ledger::float_of(app, bringer.id, Currency::Syp).await.unwrap();
    assert_eq!(float.owed.amount_minor, 1_500_000, "the cash is his to settle");
    let him = courier::get(app, bringer.id).await.unwrap();
    assert_eq!((him.active_deliveries, him.point), (0, Some(near(1_500.0, 0.0))));

    for pair in done.history.windows(2) {
        assert_eq!(pair[0].to, pair[1].from, "the history has no gap");
        assert_eq!(pair[0].version + 1, pair[1].version);
    }
    for step in &done.history {
        assert!(TRANSITIONS.iter().any(|t| (t.from, t.action, t.to) == (step.from, step.action, step.to)));
    }
    let told = world.announced().await;
    for kind in
        ["delivery.created", "offer.made", "offer.accepted", "delivery.assigned", "delivery.delivered"]
    {
        assert_eq!(told.iter().filter(|k| *k == kind).count(), 1, "{kind}");
    }
}

#[tokio::test]
async fn twenty_answers_at_once_have_one_effect() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer_with(near(0.0, 0.0), 5).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let id = live_offer(&world, &delivery).await;
    let answers = join_all((0..20).map(|_| offer::accept(app, &bringer.actor, id))).await;
    for answer in answers {
        answer.expect("said twice is success");
    }
    assert_eq!(now(&world, &delivery).await.status, S::Assigned);
    assert_eq!(courier::get(app, bringer.id).await.unwrap().active_deliveries, 1);
    assert_eq!(world.announced().await.iter().filter(|k| *k == "delivery.assigned").count(), 1);
}

#[tokio::test]
async fn an_offer_that_expires_goes_to_the_next_at_once() {
    let world = World::new().await;
    let app = &world.app;
    let first = world.bringer(near(100.0, 0.0)).await;
    let second = world.bringer(near(800.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let id = live_offer(&world, &delivery).await;
    world.pass(Duration::from_secs(30));
    assert!(matches!(offer::accept(app, &first.actor, id).await, Err(DeliveryError::OfferNotLive)));
    assert!(matches!(
        offer::decline(app, &first.actor, id, DeclineReason::Other).await,
        Err(DeliveryError::OfferNotLive)
    ));
    let ticked = world.dispatch().await;
    assert_eq!((ticked.ended, ticked.offers), (1, 1));
    assert_eq!(now(&world, &delivery).await.offer.unwrap().courier_id, second.id);
    assert_eq!(offer::get_for(app, &first.actor, id).await.unwrap().status, OfferStatus::Expired);
    // Without a dispatcher a job ends them.
    world.pass(Duration::from_secs(30));
    assert_eq!(delivery::expire_offers(app).await.unwrap(), 1);
    assert_eq!(delivery::expire_offers(app).await.unwrap(), 0);
    let after = now(&world, &delivery).await;
    assert_eq!((after.status, after.refusals.failures), (S::Pending, 2));
}

#[tokio::test]
async fn who_declines_is_not_asked_again_and_ops_hear_when_nobody_is_left() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let id = live_offer(&world, &delivery).await;
    let declined = offer::decline(app, &bringer.actor, id, DeclineReason::TooFar).await.unwrap();
    assert_eq!(declined.status, OfferStatus::Declined);
    assert_eq!(
        offer::decline(app, &bringer.actor, id, DeclineReason::TooFar).await.unwrap(),
        declined,
        "once"
    );
    let ticked = world.dispatch().await;
    assert_eq!((ticked.offers, ticked.escalations), (0, 1));
    assert_eq!(world.dispatch().await.escalations, 0, "told once");
    let fresh = world.bringer(near(4_000.0, 0.0)).await;
    world.dispatch().await;
    assert_eq!(now(&world, &delivery).await.offer.unwrap().courier_id, fresh.id);
}

#[tokio::test]
async fn who_goes_off_loses_the_offer() {
    let world = World::new().await;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let id = live_offer(&world, &delivery).await;
    courier::go_offline(&world.app, &bringer.actor).await.unwrap();
    assert!(offer::accept(&world.app, &bringer.actor, id).await.is_err());
    assert_eq!(world.dispatch().await.ended, 1);
    let after = now(&world, &delivery).await;
    assert_eq!((after.status, after.refusals.failures), (S::Pending, 0));
}

#[tokio::test]
async fn a_cancelled_order_frees_everybody() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    for accepted in [false, true] {
        let (delivery, _) = open(&world).await;
        world.dispatch().await;
        let id = live_offer(&world, &delivery).await;
        if accepted {
            offer::accept(app, &bringer.actor, id).await.unwrap();
        }
        let order = order::get_system(app, delivery.order_ids[0]).await.unwrap();
        let event = world.order_event(&order, "order.cancelled").await;
        delivery::on_order_ended(app, &event).await.unwrap();
        delivery::on_order_ended(app, &event).await.unwrap();
        assert_eq!(now(&world, &delivery).await.status, S::Cancelled);
        assert_eq!(courier::get(app, bringer.id).await.unwrap().active_deliveries, 0);
        assert!(offer::live_of(app, &bringer.actor).await.unwrap().is_empty());
        let late = offer::accept(app, &bringer.actor, id).await;
        assert!(accepted || matches!(late, Err(DeliveryError::OfferNotLive)));
    }
}

#[tokio::test]
async fn a_replaced_dispatcher_does_nothing() {
    let world = World::new().await;
    world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    delivery::dispatch_tick(&world.app, Fence::new(7)).await.unwrap();
    world.pass(Duration::from_secs(60));
    assert!(matches!(
        delivery::dispatch_tick(&world.app, Fence::new(6)).await,
        Err(DeliveryError::StaleFence)
    ));
    assert_eq!(now(&world, &delivery).await.status, S::Offered, "the old offer was not touched");
    assert_eq!(delivery::dispatch_tick(&world.app, Fence::new(8)).await.unwrap().ended, 1);
}

#[tokio::test]
async fn two_dispatchers_at_once_make_one_offer() {
    let world = World::new().await;
    for n in 0..4_u32 {
        world.bringer(near(f64::from(n) * 100.0, 0.0)).await;
    }
    let (delivery, _) = open(&world).await;
    let (a, b) = tokio::join!(
        delivery::dispatch_tick(&world.app, Fence::new(1)),
        delivery::dispatch_tick(&world.app, Fence::new(1)),
    );
    let made: u64 = [a, b].into_iter().flatten().map(|t| t.offers).sum();
    assert_eq!(made, 1);
    assert_eq!(now(&world, &delivery).await.status, S::Offered);
}

#[tokio::test]
async fn only_the_parties_see_a_delivery_and_its_courier() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let stranger = world.bringer(near(9_000.0, 0.0)).await;
    let (delivery, customer) = open(&world).await;
    let other = world.actor(&world.customer().await).await;
    let ops = world.actor(&world.ops(OpsRole::Support).await).await;
    for nobody in [&other, &stranger.actor] {
        assert!(matches!(
            delivery::get_for(app, nobody, delivery.id).await,
            Err(DeliveryError::DeliveryNotFound)
        ));
        assert!(matches!(
            delivery::depart(app, &stranger.actor, delivery.id).await,
            Err(DeliveryError::DeliveryNotFound)
        ));
    }
    let seen = delivery::get_for(app, &customer, delivery.id).await.unwrap();
    assert!(delivery::position_for(app, &customer, &seen).await.unwrap().is_none(), "nobody brings it yet");
    at_the_door(&world, &delivery, &bringer).await;
    courier::move_to(app, &bringer.actor, near(1_490.0, 0.0)).await.unwrap();
    let seen = delivery::get_for(app, &customer, delivery.id).await.unwrap();
    for party in [&customer, &ops, &bringer.actor] {
        let at = delivery::position_for(app, party, &seen).await.unwrap().unwrap();
        assert_eq!(at.point, near(1_490.0, 0.0));
    }
    assert!(delivery::position_for(app, &other, &seen).await.unwrap().is_none());
    delivery::complete(app, &bringer.actor, pin(&delivery, "9876", None)).await.unwrap();
    let over = delivery::get_for(app, &customer, delivery.id).await.unwrap();
    assert!(
        delivery::position_for(app, &customer, &over).await.unwrap().is_none(),
        "his way is his own again"
    );
}

#[tokio::test]
async fn nobody_at_the_door_means_waiting_then_bringing_it_back() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, customer) = open(&world).await;
    at_the_door(&world, &delivery, &bringer).await;
    let id = delivery.id;
    let no_show = FailureReason::CustomerNoShow;
    assert!(matches!(
        delivery::fail(app, &bringer.actor, id, no_show).await,
        Err(DeliveryError::WaitNotOver)
    ));
    world.pass(Duration::from_secs(300));
    delivery::fail(app, &bringer.actor, id, no_show).await.unwrap();
    let again = delivery::retry(app, &customer, id).await.unwrap();
    assert_eq!((again.status, again.failure), (S::AtDropoff, None));
    assert!(matches!(
        delivery::fail(app, &bringer.actor, id, no_show).await,
        Err(DeliveryError::WaitNotOver)
    ));
    world.pass(Duration::from_secs(300));
    delivery::fail(app, &bringer.actor, id, no_show).await.unwrap();
    delivery::bring_back(app, &bringer.actor, id).await.unwrap();
    let back = delivery::confirm_return(app, &bringer.actor, id).await.unwrap();
    assert_eq!(back.status, S::Returned);
    let order = order::get_system(app, delivery.order_ids[0]).await.unwrap();
    assert_eq!(order.status, OrderStatus::Returned);
    assert_eq!(courier::get(app, bringer.id).await.unwrap().active_deliveries, 0);
}

#[tokio::test]
async fn a_courier_who_forgets_is_helped_and_ops_can_say_lost() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    at_the_door(&world, &delivery, &bringer).await;
    world.pass(Duration::from_secs(300));
    assert_eq!(delivery::no_show(app).await.unwrap(), 0, "the courier himself first");
    world.pass(Duration::from_secs(3_600));
    assert_eq!(delivery::no_show(app).await.unwrap(), 1);
    assert_eq!(delivery::no_show(app).await.unwrap(), 0);
    assert!(delivery::lose(app, &bringer.actor, delivery.id).await.is_err(), "not by himself");
    let ops = world.actor(&world.ops(OpsRole::Support).await).await;
    assert_eq!(delivery::lose(app, &ops, delivery.id).await.unwrap().status, S::Failed);
    let order = order::get_system(app, delivery.order_ids[0]).await.unwrap();
    assert_eq!(order.status, OrderStatus::Failed);
}

#[tokio::test]
async fn ops_give_and_take_by_hand() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let other = world.bringer(near(200.0, 0.0)).await;
    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let offered = live_offer(&world, &delivery).await;
    assert!(delivery::assign(app, &bringer.actor, delivery.id, bringer.id).await.is_err());
    delivery::assign(app, &ops, delivery.id, other.id).await.unwrap();
    assert_eq!(offer::get_for(app, &ops, offered).await.unwrap().status, OfferStatus::Revoked);
    let (second, _) = open(&world).await;
    assert!(matches!(
        delivery::assign(app, &ops, second.id, other.id).await,
        Err(DeliveryError::CapacityReached)
    ));
    assert_eq!(now(&world, &second).await.status, S::Pending, "nothing of it remains");
    assert!(matches!(delivery::unassign(app, &ops, delivery.id, " ").await, Err(DeliveryError::BadReason)));
    let free = delivery::unassign(app, &ops, delivery.id, "vehicle broke down").await.unwrap();
    assert_eq!((free.status, free.courier_id), (S::Pending, None));
    assert_eq!(courier::get(app, other.id).await.unwrap().active_deliveries, 0);
    assert_eq!(order::get_system(app, delivery.order_ids[0]).await.unwrap().courier_id, None);
    world.dispatch().await;
    assert_eq!(
        now(&world, &delivery).await.offer.unwrap().courier_id,
        bringer.id,
        "not the one it was taken from"
    );
}

#[tokio::test]
async fn guessing_in_parallel_is_no_faster() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    at_the_door(&world, &delivery, &bringer).await;
    let mut guesses = 0;
    for round in 0..4 {
        let tries = (0..10).map(|n| {
            let guess = pin(&delivery, &format!("{:04}", round * 10 + n), None);
            delivery::complete(app, &bringer.actor, guess)
        });
        for outcome in join_all(tries).await {
            match outcome {
                Err(DeliveryError::WrongPin { .. }) => guesses += 1,
                Err(DeliveryError::StaleVersion | DeliveryError::TooManyAttempts) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(guesses <= 5, "{guesses} guesses");
    for _ in guesses..5 {
        delivery::complete(app, &bringer.actor, pin(&delivery, "0000", None)).await.unwrap_err();
    }
    let right = pin(&delivery, "9876", None);
    assert!(matches!(
        delivery::complete(app, &bringer.actor, right.clone()).await,
        Err(DeliveryError::TooManyAttempts)
    ));
    world.pass(Duration::from_secs(300));
    assert_eq!(delivery::complete(app, &bringer.actor, right).await.unwrap().status, S::Delivered);
}

#[tokio::test]
async fn food_that_is_not_ready_stays_in_the_store() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let customer = world.customer().await;
    let order =
        world.order_to_bring(customer.account_id, OrderStatus::Preparing, PaymentMethod::Wallet).await;
    let delivery = world.delivery_of(&order).await;
    assert!(delivery.cash_due.is_zero());
    world.dispatch().await;
    offer::accept(app, &bringer.actor, live_offer(&world, &delivery).await).await.unwrap();
    delivery::depart(app, &bringer.actor, delivery.id).await.unwrap();
    delivery::arrive(app, &bringer.actor, delivery.id, None).await.unwrap();
    assert!(matches!(
        delivery::pick_up(app, &bringer.actor, code(&delivery, "1234")).await,
        Err(DeliveryError::OrderNotReady)
    ));
    let event = world.order_event(&order, "order.ready").await;
    delivery::on_order_ready(app, &event).await.unwrap();
    assert!(
        matches!(
            delivery::pick_up(app, &bringer.actor, code(&delivery, "1234")).await,
            Err(DeliveryError::OrderConflict)
        ),
        "the order itself decides"
    );
    assert_eq!(now(&world, &delivery).await.status, S::AtPickup);
}

#[tokio::test]
async fn who_takes_it_and_vanishes_loses_it() {
    let world = World::new().await;
    let app = &world.app;
    let gone = world.bringer(near(100.0, 0.0)).await;
    let other = world.bringer(near(300.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    offer::accept(app, &gone.actor, live_offer(&world, &delivery).await).await.unwrap();
    let minutes = |n: u64| Duration::from_secs(n * 60);
    world.pass(minutes(9));
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 0, "not long enough");
    courier::move_to(app, &gone.actor, near(90.0, 0.0)).await.unwrap();
    world.pass(minutes(9));
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 0, "he was heard of");
    delivery::depart(app, &gone.actor, delivery.id).await.unwrap();
    world.pass(minutes(9));
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 0, "he has done something");
    world.pass(minutes(1));
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 1);
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 0, "once");
    let after = now(&world, &delivery).await;
    assert_eq!((after.status, after.courier_id), (S::Pending, None));
    assert_eq!(courier::get(app, gone.id).await.unwrap().active_deliveries, 0);
    assert_eq!(order::get_system(app, delivery.order_ids[0]).await.unwrap().courier_id, None);
    assert!(world.announced().await.contains(&"delivery.unassigned".to_owned()));
    world.dispatch().await;
    assert_eq!(now(&world, &delivery).await.offer.unwrap().courier_id, other.id, "others are asked");
}

#[tokio::test]
async fn what_a_vanished_courier_carries_stays_with_him() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let (delivery, _) = open(&world).await;
    at_the_door(&world, &delivery, &bringer).await;
    world.pass(Duration::from_secs(3_600));
    assert_eq!(delivery::free_forgotten(app).await.unwrap(), 0);
    assert_eq!(now(&world, &delivery).await.courier_id, Some(bringer.id));
}

#[tokio::test]
async fn a_shift_that_has_ended_is_nobody_online() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let until = Some(world.now().plus(Duration::from_secs(3_600)));
    courier::go_online(app, &bringer.actor, GoOnline { point: near(100.0, 0.0), until }).await.unwrap();
    let (delivery, _) = open(&world).await;
    world.pass(Duration::from_secs(3_601));
    let ticked = world.dispatch().await;
    assert_eq!((ticked.offers, ticked.escalations), (0, 1));
    assert_eq!(now(&world, &delivery).await.escalated, [EscalationReason::NoCourierOnline]);
}

#[tokio::test]
async fn ops_who_assign_to_a_second_courier_are_told_that_it_was_not_done() {
    let world = World::new().await;
    let app = &world.app;
    let (first, second) = (world.bringer(near(100.0, 0.0)).await, world.bringer(near(200.0, 0.0)).await);
    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    let (delivery, _) = open(&world).await;
    let given = delivery::assign(app, &ops, delivery.id, first.id).await.unwrap();
    assert_eq!(
        delivery::assign(app, &ops, delivery.id, first.id).await.unwrap().version,
        given.version,
        "once"
    );
    assert!(matches!(
        delivery::assign(app, &ops, delivery.id, second.id).await,
        Err(DeliveryError::InvalidTransition)
    ));
    assert_eq!(now(&world, &delivery).await.courier_id, Some(first.id));
    assert_eq!(courier::get(app, second.id).await.unwrap().active_deliveries, 0);
}

/// Sets how much cash a courier may hold; an order to be paid in cash takes 1,500,000.
async fn limit_cash(world: &World, bringer: &Bringer, minor: i64, currency: &str) {
    let couriers = world.app.mongo.db().collection::<Document>("couriers");
    let limit = doc! { "amount_minor": minor, "currency": currency };
    couriers.update_one(doc! { "_id": bringer.id }, doc! { "$set": { "cash_limit": limit } }).await.unwrap();
}

#[tokio::test]
async fn two_deliveries_at_once_do_not_exceed_the_cash_limit() {
    let world = World::new().await;
    let app = &world.app;
    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    for round in 0..3 {
        let bringer = world.bringer_with(near(100.0, 0.0), 2).await;
        limit_cash(&world, &bringer, 2_000_000, "SYP").await;
        let (asked, _) = open(&world).await;
        world.dispatch().await;
        let offered = live_offer(&world, &asked).await;
        let (given, _) = open(&world).await;
        let (accepted, assigned) = tokio::join!(
            offer::accept(app, &bringer.actor, offered),
            delivery::assign(app, &ops, given.id, bringer.id),
        );
        let refused = |outcome: &Result<Delivery, DeliveryError>| {
            matches!(outcome, Err(DeliveryError::CashLimitReached))
        };
        assert!(
            (accepted.is_ok() && refused(&assigned)) || (assigned.is_ok() && refused(&accepted)),
            "round {round}: {accepted:?} {assigned:?}"
        );
        assert_eq!(courier::get(app, bringer.id).await.unwrap().active_deliveries, 1);
        // Out of the way of the next round.
        courier::go_offline(app, &bringer.actor).await.unwrap();
        for delivery in [&asked, &given] {
            let order = order::get_system(app, delivery.order_ids[0]).await.unwrap();
            let event = world.order_event(&order, "order.cancelled").await;
            delivery::on_order_ended(app, &event).await.unwrap();
        }
    }
}

#[tokio::test]
async fn cash_in_a_currency_without_a_limit_is_refused() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    let (delivery, _) = open(&world).await;
    world.dispatch().await;
    let offered = live_offer(&world, &delivery).await;
    limit_cash(&world, &bringer, 1_000_000_000, "USD").await;
    assert!(matches!(
        offer::accept(app, &bringer.actor, offered).await,
        Err(DeliveryError::CashLimitReached)
    ));
    assert!(matches!(
        delivery::assign(app, &ops, delivery.id, bringer.id).await,
        Err(DeliveryError::CashLimitReached)
    ));
    assert_eq!(now(&world, &delivery).await.status, S::Offered, "nothing of it remains");
    world.pass(Duration::from_secs(30));
    let ticked = world.dispatch().await;
    assert_eq!((ticked.offers, ticked.escalations), (0, 1), "and he is not asked");
}

#[tokio::test]
async fn dispatch_sees_what_lies_beyond_a_thousand_deliveries() {
    let world = World::new().await;
    let app = &world.app;
    let (newest, _) = open(&world).await;
    let older = newest.created_at.minus(Duration::from_secs(1));
    // Not due for hours, and before the newest in every list.
    let waiting: Vec<Delivery> = (0..1_000)
        .map(|_| Delivery {
            id: app.ids.next(),
            order_ids: vec![app.ids.next()],
            created_at: older,
            ready_at: None,
            ready_expected_at: older.plus(Duration::from_secs(5 * 3_600)),
            ..newest.clone()
        })
        .collect();
    for some in waiting.chunks(250) {
        app.mongo.coll::<Delivery>("deliveries").insert_many("test.deliveries", some).await.unwrap();
    }
    world.bringer(near(100.0, 0.0)).await;
    assert_eq!(world.dispatch().await.offers, 1);
    assert_eq!(now(&world, &newest).await.status, S::Offered);
}

#[tokio::test]
async fn an_order_to_be_brought_nowhere_is_a_defect_and_not_silence() {
    let world = World::new().await;
    let app = &world.app;
    let customer = world.customer().await;
    let order = world.order_to_bring(customer.account_id, OrderStatus::Ready, PaymentMethod::Cash).await;
    let orders = app.mongo.db().collection::<Document>("orders");
    let nowhere = doc! { "$set": { "address": Bson::Null } };
    orders.update_one(doc! { "_id": order.id }, nowhere).await.unwrap();
    let event = world.order_event(&order, "order.accepted").await;
    assert!(matches!(
        delivery::on_order_accepted(app, &event).await,
        Err(DeliveryError::Infra(Infra::Defect(_)))
    ));
}
