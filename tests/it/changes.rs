//! The database itself tells of changes: nothing depends on the writer living long enough to say so.

use std::time::Duration;

use daraa_domain::app::App;
use daraa_domain::change::{Follower, Step};
use daraa_domain::feed::{self, Listener, News};
use daraa_domain::outbox::{Fence, NewEvent, Topic};
use daraa_domain::{cached, outbox, reactions, settings};
use daraa_jobs::loops::{CACHE_FOLLOWER, forget_changed};
use daraa_platform::mongo::changes::Token;
use daraa_tests::World;
use mongodb::bson::{Document, doc};
use tokio_util::sync::CancellationToken;

use crate::own_redis::until;

const FIRST: Fence = Fence::new(1);
const SECOND: Fence = Fence::new(2);

/// What a writer leaves who dies right after his commit.
async fn write_and_die(app: &App, commission_bps: i64) {
    let settings = app.mongo.db().collection::<Document>("platform_settings");
    let update = doc! { "$set": { "commission_bps": commission_bps } };
    settings.update_one(doc! { "_id": "platform" }, update).await.unwrap();
}

async fn commission_bps(app: &App) -> i64 {
    settings::get(app).await.unwrap().commission_bps
}

async fn begin(app: &App, fence: Fence) -> Follower<'_> {
    Follower::begin(app, CACHE_FOLLOWER, cached::ALL, fence).await.unwrap()
}

async fn stored_settings(app: &App) {
    let settings = settings::Settings::default();
    app.mongo.db().collection("platform_settings").insert_one(settings).await.unwrap();
}

#[tokio::test]
async fn what_a_writer_did_not_live_to_say_is_forgotten_everywhere() {
    let world = World::new().await;
    stored_settings(&world.app).await;
    let other = world.another_server().await;
    let stop = CancellationToken::new();
    let follows = forget_changed(&world.app, FIRST, &stop);
    let looks = async {
        // What both keep, near and in Redis, is what is there.
        for bps in [1_111, 2_222, 3_333] {
            write_and_die(&world.app, bps).await;
            until("both servers know the last write", async || {
                commission_bps(&world.app).await == bps && commission_bps(&other).await == bps
            })
            .await;
        }
        stop.cancel();
    };
    tokio::join!(follows, looks);
}

#[tokio::test]
async fn the_next_follower_goes_on_where_the_last_one_noted_its_place() {
    let world = World::new().await;
    stored_settings(&world.app).await;
    assert!(begin(&world.app, FIRST).await.note().await.unwrap());
    // Nobody follows; what is cached is older than what is written then.
    let cached_bps = commission_bps(&world.app).await;
    write_and_die(&world.app, cached_bps + 1).await;
    assert_eq!(commission_bps(&*world.another_server().await).await, cached_bps);
    let mut next = begin(&world.app, SECOND).await;
    while next.step().await.unwrap() != Step::Forgot {}
    assert_eq!(commission_bps(&world.app).await, cached_bps + 1);
}

#[tokio::test]
async fn a_place_the_database_no_longer_knows_costs_everything_cached() {
    let world = World::new().await;
    stored_settings(&world.app).await;
    assert!(begin(&world.app, FIRST).await.note().await.unwrap());
    // The same place, some decades ago.
    let positions = world.app.mongo.db().collection::<Document>("change_positions");
    let place = positions.find_one(doc! { "_id": CACHE_FOLLOWER }).await.unwrap().unwrap();
    let data = place.get_document("token").unwrap().get_str("_data").unwrap();
    let old = format!("{}00000001{}", &data[..2], &data[10..]);
    let update = doc! { "$set": { "token._data": old } };
    positions.update_one(doc! { "_id": CACHE_FOLLOWER }, update).await.unwrap();
    let cached_bps = commission_bps(&world.app).await;
    write_and_die(&world.app, cached_bps + 1).await;
    let mut next = begin(&world.app, SECOND).await;
    // A young database says so only when it has looked for the place in vain.
    while commission_bps(&world.app).await == cached_bps {
        next.step().await.unwrap();
    }
    // And what comes is followed from here on.
    write_and_die(&world.app, cached_bps + 2).await;
    while next.step().await.unwrap() != Step::Forgot {}
    assert_eq!(commission_bps(&world.app).await, cached_bps + 2);
}

#[tokio::test]
async fn a_follower_that_was_replaced_notes_nothing() {
    let world = World::new().await;
    let (mut old, mut new) = (begin(&world.app, FIRST).await, begin(&world.app, SECOND).await);
    assert!(new.note().await.unwrap());
    assert!(!old.note().await.unwrap());
    assert!(new.note().await.unwrap());
}

async fn append(app: &App, subject: &str) {
    let topics = vec![Topic::Ops];
    let event = NewEvent { kind: "t.one", subject: subject.to_owned(), topics, data: Document::new() };
    outbox::emit(app, event).await.unwrap();
    while reactions::relay(app, FIRST).step().await.unwrap() > 0 {}
}

async fn told(listener: &mut Listener) -> News {
    loop {
        if let Some(news) = listener.next().await.unwrap() {
            return news;
        }
    }
}

#[tokio::test]
async fn a_listener_that_was_interrupted_is_told_what_happened_meanwhile() {
    let world = World::new().await;
    let app = &world.app;
    let ops = |sequence| News { topic: Topic::Ops.to_string(), sequence };
    let mut listener = Listener::begin(app, None).await.unwrap();
    append(app, "sub_a").await;
    assert_eq!(told(&mut listener).await, ops(1));
    let place: Option<Token> = listener.place().unwrap();
    drop(listener);
    append(app, "sub_b").await;
    append(app, "sub_c").await;
    let mut again = Listener::begin(app, place.as_ref()).await.unwrap();
    assert_eq!((told(&mut again).await, told(&mut again).await), (ops(2), ops(3)));
    assert_eq!(feed::head(app, &Topic::Ops).await.unwrap(), 3);
    // Nothing is told twice, and a quiet moment is no failure.
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), again.next()).await.unwrap().unwrap(), None);
}
