//! Couriers: applying, approval, shifts, positions.

use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::courier::{
    self, Apply, Approve, Courier, CourierError, CourierStatus, GoOnline, Vehicle, rules::TRANSITIONS,
};
use daraa_platform::fault::{Denial, Infra};
use daraa_platform::paging::PageRequest;
use daraa_tests::{World, near};
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};

const ON_FOOT: Apply = Apply { vehicle: Vehicle::Foot, capacity: None };

#[test]
fn the_table() {
    let rows: Vec<String> =
        TRANSITIONS.iter().map(|t| format!("{:?} --{:?}--> {:?}   O", t.from, t.action, t.to)).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[tokio::test]
async fn one_application_per_person_however_often() {
    let world = World::new().await;
    let actor = world.actor(&world.customer().await).await;
    let all = join_all((0..10).map(|_| courier::apply(&world.app, &actor, ON_FOOT))).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|c| c.as_ref().unwrap().id == first.id));
    assert_eq!(first.status, CourierStatus::PendingApproval);
    assert!(matches!(
        courier::apply(&world.app, &Actor::Anonymous, ON_FOOT).await,
        Err(CourierError::Infra(Infra::Denied(Denial::Unauthenticated)))
    ));
    let six = Apply { capacity: Some(6), ..ON_FOOT };
    assert!(matches!(
        courier::apply(&world.app, &actor, six).await,
        Err(CourierError::CapacityOutOfRange { .. })
    ));
}

#[tokio::test]
async fn ops_approve_and_only_then_a_courier_works() {
    let world = World::new().await;
    let app = &world.app;
    let person = world.customer().await;
    let actor = world.actor(&person).await;
    let applied = courier::apply(app, &actor, ON_FOOT).await.unwrap();
    let online = GoOnline { point: near(0.0, 0.0), until: None };
    assert!(matches!(courier::go_online(app, &actor, online).await, Err(CourierError::CourierNotActive)));
    let approve = Approve { courier_id: applied.id, cash_limit: None };
    assert!(courier::approve(app, &actor, approve).await.is_err(), "not by himself");
    let support = world.actor(&world.ops(OpsRole::Support).await).await;
    assert!(courier::approve(app, &support, approve).await.is_err(), "not by support");

    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    let approved = courier::approve(app, &ops, approve).await.unwrap();
    assert_eq!(approved.status, CourierStatus::Active);
    assert_eq!(courier::approve(app, &ops, approve).await.unwrap().version, approved.version, "once");
    let actor = world.actor(&person).await;
    assert_eq!(actor.courier().unwrap(), applied.id, "the next request knows it");
    assert!(courier::go_online(app, &actor, online).await.unwrap().online);
    assert_eq!(courier::online(app).await.unwrap().len(), 1);

    courier::suspend(app, &ops, applied.id).await.unwrap();
    assert!(courier::online(app).await.unwrap().is_empty(), "suspended means offline");
    assert!(matches!(courier::go_online(app, &actor, online).await, Err(CourierError::CourierNotActive)));
    assert_eq!(courier::approve(app, &ops, approve).await.unwrap().status, CourierStatus::Active);
    let page = courier::list(app, &ops, Some(CourierStatus::Active), &PageRequest::default()).await.unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[tokio::test]
async fn positions_are_live_and_sampled() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(0.0, 0.0)).await;
    world.pass(Duration::from_secs(20));
    for n in 0..10_u32 {
        courier::move_to(app, &bringer.actor, near(f64::from(n), 0.0)).await.unwrap();
    }
    let live = courier::position(app, bringer.id).await.unwrap().unwrap();
    assert_eq!(live.point, near(9.0, 0.0), "the newest");
    assert_eq!(live.at, world.now());
    let ops = world.actor(&world.ops(OpsRole::Support).await).await;
    assert_eq!(courier::track(app, &ops, bringer.id).await.unwrap().len(), 1, "one sample of ten pings");
    assert!(courier::track(app, &bringer.actor, bringer.id).await.is_err(), "tracks are for ops");
    let off = courier::go_offline(app, &bringer.actor).await.unwrap();
    assert!(!off.online);
}

#[tokio::test]
async fn who_is_on_is_listed_beyond_a_thousand() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(0.0, 0.0)).await;
    let one = courier::get(app, bringer.id).await.unwrap();
    let more: Vec<Courier> = (0..1_000)
        .map(|_| Courier { id: app.ids.next(), account_id: app.ids.next(), ..one.clone() })
        .collect();
    for some in more.chunks(250) {
        app.mongo.coll::<Courier>("couriers").insert_many("test.couriers", some).await.unwrap();
    }
    assert_eq!(courier::online(app).await.unwrap().len(), 1_001);
}

#[tokio::test]
async fn shifts_end_by_themselves_unless_their_end_is_moved() {
    let world = World::new().await;
    let app = &world.app;
    let (tired, eager) = (world.bringer(near(0.0, 0.0)).await, world.bringer(near(10.0, 0.0)).await);
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    let shift = |n: u64| GoOnline { point: near(0.0, 0.0), until: Some(world.now().plus(hours(n))) };
    courier::go_online(app, &tired.actor, shift(1)).await.unwrap();
    courier::go_online(app, &eager.actor, shift(1)).await.unwrap();
    world.pass(hours(1));
    assert_eq!(courier::end_shifts(app).await.unwrap(), 0, "the last moment counts");
    courier::go_online(app, &eager.actor, shift(1)).await.unwrap();
    world.pass(Duration::from_secs(1));
    assert_eq!(courier::end_shifts(app).await.unwrap(), 1);
    assert_eq!(courier::end_shifts(app).await.unwrap(), 0);
    let off = courier::get(app, tired.id).await.unwrap();
    assert_eq!((off.online, off.shift_until), (false, None));
    let on: Vec<_> = courier::online(app).await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(on, [eager.id]);
}

#[tokio::test]
async fn who_went_off_with_something_to_bring_is_still_sampled() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(0.0, 0.0)).await;
    courier::go_offline(app, &bringer.actor).await.unwrap();
    let couriers = app.mongo.db().collection::<Document>("couriers");
    let busy = doc! { "$set": { "active_deliveries": 1_i64 } };
    couriers.update_one(doc! { "_id": bringer.id }, busy).await.unwrap();
    world.pass(Duration::from_secs(20));
    courier::move_to(app, &bringer.actor, near(50.0, 0.0)).await.unwrap();
    let seen = courier::get(app, bringer.id).await.unwrap();
    assert_eq!((seen.point, seen.seen_at), (Some(near(50.0, 0.0)), Some(world.now())));
    let idle = doc! { "$set": { "active_deliveries": 0_i64 } };
    couriers.update_one(doc! { "_id": bringer.id }, idle).await.unwrap();
}

#[tokio::test]
async fn dispatch_sees_couriers_where_they_were_last_heard_of() {
    let world = World::new().await;
    let app = &world.app;
    let bringer = world.bringer(near(0.0, 0.0)).await;
    world.pass(Duration::from_secs(20));
    courier::move_to(app, &bringer.actor, near(100.0, 0.0)).await.unwrap();
    world.pass(Duration::from_secs(1));
    courier::move_to(app, &bringer.actor, near(200.0, 0.0)).await.unwrap();
    let stored = courier::get(app, bringer.id).await.unwrap();
    assert_eq!(stored.point, Some(near(100.0, 0.0)), "sampled a moment ago");
    let seen = courier::online(app).await.unwrap().remove(0);
    assert!(seen.point.unwrap().distance_m(near(200.0, 0.0)) <= 1, "{seen:?}");
    assert_eq!(seen.seen_at, Some(world.now()));
}
