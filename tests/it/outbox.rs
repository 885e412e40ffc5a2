//! The relay: in order within a subject, nothing lost or doubled wherever it dies, retried, and dead in the end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use daraa_domain::app::App;
use daraa_domain::feed;
use daraa_domain::ids::AccountId;
use daraa_domain::notification;
use daraa_domain::outbox::{
    self, Consumer, ConsumerResult, EventRow, EventState, Fence, MAX_TRIES, NewEvent, Relay, Topic,
};
use daraa_domain::{actor, ids, reactions};
use daraa_platform::fault::Infra;
use daraa_platform::paging::PageRequest;
use daraa_platform::transact;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use tokio::sync::Notify;

const FIRST: Fence = Fence::new(1);
const SECOND: Fence = Fence::new(2);

async fn emit(app: &App, kind: &'static str, subject: &str, topics: &[Topic]) -> ids::EventId {
    let event =
        NewEvent { kind, subject: subject.to_owned(), topics: topics.to_vec(), data: Document::new() };
    outbox::emit(app, event).await.unwrap()
}

async fn row(app: &App, id: ids::EventId) -> EventRow {
    app.mongo.coll("outbox").find_one("test.event", doc! { "_id": id }).await.unwrap().unwrap()
}

/// What a topic shows: `(sequence, subject, kind)`.
async fn shown(app: &App, topic: &Topic) -> Vec<(i64, String, String)> {
    let mut all: Vec<(i64, String, String)> = Vec::new();
    loop {
        let last = all.last().map_or(0, |(sequence, ..)| *sequence);
        let events = feed::after(app, topic, last, feed::MAX_READ).await.unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events.into_iter().map(|e| (e.sequence, e.subject_id, e.kind)));
    }
}

fn to_feed<'a>(app: &'a App, event: &'a EventRow) -> outbox::ConsumerFuture<'a> {
    Box::pin(async move { answer(feed::append(app, event).await.map_err(Infra::from)) })
}

fn answer(result: Result<(), Infra>) -> ConsumerResult {
    result.map_err(|e| Box::new(e) as _)
}

fn fails<'a>(_: &'a App, _: &'a EventRow) -> outbox::ConsumerFuture<'a> {
    Box::pin(async { answer(Err(Infra::defect("on purpose"))) })
}

fn fails_twice<'a>(_: &'a App, event: &'a EventRow) -> outbox::ConsumerFuture<'a> {
    Box::pin(async move { answer(if event.attempts < 2 { Err(Infra::defect("not yet")) } else { Ok(()) }) })
}

fn panics<'a>(_: &'a App, event: &'a EventRow) -> outbox::ConsumerFuture<'a> {
    Box::pin(async move {
        assert!(event.attempts > 0, "on purpose, the first time");
        Ok(())
    })
}

const FEED: Consumer = Consumer { kind: "*", name: "feed", run: to_feed };

#[tokio::test]
async fn subjects_go_side_by_side_and_each_in_order() {
    let world = World::new().await;
    let kinds = ["t.one", "t.two", "t.three", "t.four"];
    for kind in kinds {
        for subject in 0..6 {
            emit(&world.app, kind, &format!("sub_{subject}"), &[Topic::Ops]).await;
        }
    }
    let done = reactions::drain(&world.app, FIRST).await.unwrap();
    assert_eq!(done, 24);
    let shown = shown(&world.app, &Topic::Ops).await;
    let sequences: Vec<i64> = shown.iter().map(|(sequence, ..)| *sequence).collect();
    assert_eq!(sequences, (1..=24).collect::<Vec<_>>(), "without a gap");
    for subject in 0..6 {
        let of_one: Vec<&str> = shown
            .iter()
            .filter(|(_, s, _)| *s == format!("sub_{subject}"))
            .map(|(.., kind)| kind.as_str())
            .collect();
        assert_eq!(of_one, kinds, "in the order they happened");
    }
    assert_eq!(outbox::count_pending(&world.app, 10).await.unwrap(), 0);
    assert_eq!(outbox::oldest_due(&world.app).await.unwrap(), None);
}

/// A future that is dropped after so many polls: a process that dies at that point.
struct DiesAfter<F> {
    work: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for DiesAfter<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.work.as_mut().poll(cx).map(Some)
    }
}

#[tokio::test]
async fn wherever_the_relay_dies_nothing_is_lost_or_doubled() {
    let world = World::new().await;
    let me: AccountId = world.app.ids.next();
    let topics = [Topic::Account(me), Topic::Ops];
    let mut deaths = 0;
    // Each round dies one poll later than the one before, until one gets through.
    for polls in 1.. {
        for kind in ["account.created", "payment.refunded"] {
            emit(&world.app, kind, "acc_test", &topics).await;
        }
        let relay = reactions::relay(&world.app, FIRST);
        match (DiesAfter { work: Box::pin(relay.step()), polls }).await {
            None => deaths += 1,
            Some(done) => {
                assert!(done.unwrap() > 0);
                break;
            }
        }
    }
    assert!(deaths > 10, "it died at {deaths} points only");
    reactions::drain(&world.app, SECOND).await.unwrap();
    let emitted = 2 * (deaths + 1);
    let shown = shown(&world.app, &Topic::Account(me)).await;
    assert_eq!(shown.len(), emitted, "each event once");
    for (i, (sequence, _, kind)) in shown.iter().enumerate() {
        assert_eq!(*sequence, i as i64 + 1, "without a gap");
        assert_eq!(kind, ["account.created", "payment.refunded"][i % 2], "in order");
    }
    let told = world
        .app
        .mongo
        .coll::<Document>("notifications")
        .count_up_to("test.count", doc! { "recipient_id": me }, 10_000)
        .await
        .unwrap();
    assert_eq!(told, emitted as u64, "told of each once");
    assert_eq!(outbox::count_pending(&world.app, 10).await.unwrap(), 0);
}

#[tokio::test]
async fn two_relays_at_once_double_nothing() {
    let world = World::new().await;
    for n in 0..20 {
        emit(&world.app, "t.one", &format!("sub_{}", n % 4), &[Topic::Ops]).await;
    }
    let relays = [FIRST, SECOND].map(|fence| reactions::drain(&world.app, fence));
    for done in join_all(relays).await {
        done.unwrap();
    }
    reactions::drain(&world.app, SECOND).await.unwrap();
    let sequences: Vec<i64> = shown(&world.app, &Topic::Ops).await.iter().map(|e| e.0).collect();
    assert_eq!(sequences, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failing_consumer_is_retried_while_its_subject_waits_and_others_go_on() {
    let world = World::new().await;
    let table = [FEED, Consumer { kind: "t.fails", name: "twice", run: fails_twice }];
    let relay = Relay::new(&world.app, &table, FIRST);
    let failing = emit(&world.app, "t.fails", "sub_a", &[Topic::Ops]).await;
    emit(&world.app, "t.later", "sub_a", &[Topic::Ops]).await;
    emit(&world.app, "t.other", "sub_b", &[Topic::Ops]).await;
    assert_eq!(relay.step().await.unwrap(), 1, "only the other subject");
    assert_eq!(relay.step().await.unwrap(), 0, "not due yet");
    let held = row(&world.app, failing).await;
    assert_eq!((held.state, held.attempts, held.done), (EventState::Pending, 1, vec!["feed".to_owned()]));
    assert!(held.last_error.unwrap().contains("twice: INTERNAL"));
    let waits_for = held.next_at;
    world.pass(Duration::from_secs(1));
    assert_eq!(relay.step().await.unwrap(), 0, "the second failure");
    assert!(row(&world.app, failing).await.next_at > waits_for);
    world.pass(Duration::from_secs(1));
    assert_eq!(relay.step().await.unwrap(), 2);
    let of_a: Vec<String> = shown(&world.app, &Topic::Ops)
        .await
        .into_iter()
        .filter(|(_, subject, _)| subject == "sub_a")
        .map(|(.., kind)| kind)
        .collect();
    assert_eq!(of_a, ["t.fails", "t.later"], "the feed was not asked twice");
}

#[tokio::test]
async fn a_panicking_consumer_is_a_failing_one() {
    let world = World::new().await;
    let table = [Consumer { kind: "*", name: "panics", run: panics }];
    let relay = Relay::new(&world.app, &table, FIRST);
    let id = emit(&world.app, "t.one", "sub_a", &[]).await;
    assert_eq!(relay.step().await.unwrap(), 0);
    world.pass(Duration::from_secs(1));
    assert_eq!(relay.step().await.unwrap(), 1);
    assert_eq!(row(&world.app, id).await.state, EventState::Done);
}

#[tokio::test]
async fn an_event_that_never_succeeds_dies_with_an_alert_and_can_be_revived() {
    let world = World::new().await;
    let table = [FEED, Consumer { kind: "t.poison", name: "poisoned", run: fails }];
    let relay = Relay::new(&world.app, &table, FIRST);
    let poison = emit(&world.app, "t.poison", "sub_a", &[]).await;
    emit(&world.app, "t.later", "sub_a", &[Topic::Ops]).await;
    for _ in 0..MAX_TRIES {
        relay.step().await.unwrap();
        world.pass(Duration::from_secs(300));
    }
    assert_eq!(row(&world.app, poison).await.state, EventState::Dead);
    relay.step().await.unwrap();
    let kinds: Vec<String> = shown(&world.app, &Topic::Ops).await.into_iter().map(|e| e.2).collect();
    assert!(kinds.contains(&"outbox.dead_letter".to_owned()), "{kinds:?}");
    assert!(kinds.contains(&"t.later".to_owned()), "the next of its subject goes on: {kinds:?}");
    let dead: Vec<ids::EventId> =
        outbox::dead(&world.app, 10).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(dead, [poison]);

    assert!(outbox::revive(&world.app, poison).await.unwrap());
    assert!(!outbox::revive(&world.app, poison).await.unwrap(), "it is not dead any more");
    let mended = [FEED];
    assert_eq!(Relay::new(&world.app, &mended, FIRST).step().await.unwrap(), 1);
    assert_eq!(row(&world.app, poison).await.state, EventState::Done);
}

#[tokio::test]
async fn an_older_relay_writes_nothing_after_a_newer_one() {
    let world = World::new().await;
    let table = [Consumer { kind: "*", name: "fails", run: fails }];
    let id = emit(&world.app, "t.one", "sub_a", &[]).await;
    Relay::new(&world.app, &table, SECOND).step().await.unwrap();
    world.pass(Duration::from_secs(10));
    let mended = [FEED];
    assert_eq!(Relay::new(&world.app, &mended, FIRST).step().await.unwrap(), 0);
    let after = row(&world.app, id).await;
    assert_eq!((after.state, after.attempts, after.fence), (EventState::Pending, 1, 2));
    assert_eq!(Relay::new(&world.app, &mended, SECOND).step().await.unwrap(), 1);
}

#[tokio::test]
async fn a_running_relay_is_woken_by_the_database_and_finishes_when_asked_to_stop() {
    let world = World::new().await;
    let app = Arc::clone(&world.app);
    let mut news = outbox::watch(&app).await.unwrap();
    let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = {
        let (app, wake, stop) = (Arc::clone(&app), Arc::clone(&wake), Arc::clone(&stop));
        tokio::spawn(async move {
            // Nothing but the wake-up: the relay would sleep forever without it.
            reactions::relay(&app, FIRST).run(stop.notified(), || wake.notified()).await
        })
    };
    emit(&app, "t.one", "sub_a", &[Topic::Ops]).await;
    while news.next().await.unwrap().is_none() {}
    wake.notify_one();
    let delivered = async {
        while outbox::count_pending(&app, 1).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), delivered).await.expect("delivered");
    stop.notify_one();
    tokio::time::timeout(Duration::from_secs(20), running).await.expect("stopped").unwrap();
    assert_eq!(shown(&app, &Topic::Ops).await.len(), 1);
}

#[tokio::test]
async fn delivered_events_go_after_a_week() {
    let world = World::new().await;
    emit(&world.app, "t.one", "sub_a", &[]).await;
    reactions::drain(&world.app, FIRST).await.unwrap();
    world.pass(outbox::KEEP_DONE);
    assert_eq!(outbox::purge_done(&world.app).await.unwrap(), 0, "a week is kept");
    world.pass(Duration::from_secs(1));
    emit(&world.app, "t.two", "sub_a", &[]).await;
    assert_eq!(outbox::purge_done(&world.app).await.unwrap(), 1);
    assert_eq!(outbox::count_pending(&world.app, 10).await.unwrap(), 1, "what waits stays");
}

#[tokio::test]
async fn people_are_told_what_concerns_them_and_read_it() {
    let world = World::new().await;
    let (me, other) = (world.customer().await, world.customer().await);
    let (mine, theirs) = (world.actor(&me).await, world.actor(&other).await);
    reactions::drain(&world.app, FIRST).await.unwrap();
    emit(&world.app, "payment.failed", "pay_test", &[Topic::Account(me.account_id), Topic::Ops]).await;
    reactions::drain(&world.app, FIRST).await.unwrap();
    let page = PageRequest::default();
    let listed = notification::list(&world.app, &mine, true, &page).await.unwrap();
    let newest = &listed.rows[0].1;
    assert_eq!(newest.kind, "payment.failed");
    assert!(!newest.title.ar.is_empty() && !newest.title.en.is_empty());
    let welcome = 1;
    assert_eq!(notification::count_unread(&world.app, &mine).await.unwrap(), 1 + welcome);
    let these = |ids| notification::Marking::These(ids);
    let marked = notification::mark_read(&world.app, &theirs, these(vec![newest.id])).await.unwrap();
    assert_eq!(marked, 0, "not theirs");
    assert_eq!(notification::mark_read(&world.app, &mine, these(vec![newest.id])).await.unwrap(), 1);
    assert_eq!(notification::mark_read(&world.app, &mine, these(vec![newest.id])).await.unwrap(), 0);
    assert_eq!(notification::count_unread(&world.app, &mine).await.unwrap(), welcome);
    notification::mark_read(&world.app, &mine, notification::Marking::All).await.unwrap();
    assert!(notification::list(&world.app, &mine, true, &page).await.unwrap().rows.is_empty());
    assert_eq!(notification::list(&world.app, &mine, false, &page).await.unwrap().rows.len(), 2);
    assert!(notification::mark_read(&world.app, &mine, these(Vec::new())).await.is_err());
    assert!(notification::list(&world.app, &actor::Actor::Anonymous, true, &page).await.is_err());
    world.pass(Duration::from_secs(notification::KEEP_SECS as u64 + 1));
    // One welcome of each person, and the failed payment.
    assert_eq!(notification::purge(&world.app).await.unwrap(), 3);
}

#[tokio::test]
async fn a_writer_whose_clock_is_ahead_puts_nothing_off() {
    let world = World::new().await;
    let now = world.now();
    world.pass(Duration::from_secs(3_600));
    emit(&world.app, "t.ahead", "sub_a", &[Topic::Ops]).await;
    world.clock.set(now);
    emit(&world.app, "t.right", "sub_b", &[Topic::Ops]).await;
    assert_eq!(reactions::drain(&world.app, FIRST).await.unwrap(), 2);
}

#[tokio::test]
async fn the_versions_of_an_object_go_in_order_whatever_the_clocks_said() {
    let world = World::new().await;
    let start = world.now();
    // The second writer's clock is an hour behind the first one's.
    for (kind, version, behind) in [("t.first", 1_i64, 0), ("t.second", 2, 3_600), ("t.third", 3, 1_800)] {
        world.clock.set(start.minus(Duration::from_secs(behind)));
        let event = NewEvent {
            kind,
            subject: "sub_a".to_owned(),
            topics: vec![Topic::Ops],
            data: doc! { "version": version },
        };
        outbox::emit(&world.app, event).await.unwrap();
    }
    world.clock.set(start);
    reactions::drain(&world.app, FIRST).await.unwrap();
    let kinds: Vec<String> = shown(&world.app, &Topic::Ops).await.into_iter().map(|e| e.2).collect();
    assert_eq!(kinds, ["t.first", "t.second", "t.third"]);
}

#[tokio::test]
async fn the_longest_wait_counts_from_when_it_happened_or_was_to_be_tried_again() {
    let world = World::new().await;
    let table = [Consumer { kind: "*", name: "fails", run: fails }];
    let failed = emit(&world.app, "t.one", "sub_a", &[]).await;
    assert_eq!(outbox::oldest_due(&world.app).await.unwrap(), Some(world.now()));
    Relay::new(&world.app, &table, FIRST).step().await.unwrap();
    assert_eq!(outbox::oldest_due(&world.app).await.unwrap(), None, "it waits for its turn");
    let again = row(&world.app, failed).await.next_at;
    world.pass(Duration::from_secs(60));
    emit(&world.app, "t.two", "sub_b", &[]).await;
    assert_eq!(outbox::oldest_due(&world.app).await.unwrap(), Some(again));
}

#[tokio::test]
async fn rows_appended_at_once_from_two_servers_are_numbered_once_and_without_a_gap() {
    let world = World::new().await;
    let servers = [Arc::clone(&world.app), world.another_server().await];
    let mut rows = Vec::new();
    for n in 0..60 {
        let id = emit(&world.app, "t.one", &format!("sub_{n}"), &[Topic::Ops]).await;
        rows.push(row(&world.app, id).await);
    }
    // Each on both, and the first few once more: an event that is in already goes in with others that are not.
    let appends = rows.iter().take(10).chain(&rows).enumerate().flat_map(|(n, row)| {
        let servers = &servers;
        [feed::append(&servers[n % 2], row), feed::append(&servers[(n + 1) % 2], row)]
    });
    for done in join_all(appends).await {
        done.unwrap();
    }
    let shown = shown(&world.app, &Topic::Ops).await;
    let sequences: Vec<i64> = shown.iter().map(|(sequence, ..)| *sequence).collect();
    assert_eq!(sequences, (1..=60).collect::<Vec<_>>());
    let subjects: std::collections::HashSet<&String> = shown.iter().map(|(_, subject, _)| subject).collect();
    assert_eq!(subjects.len(), 60);
    assert_eq!(feed::head(&world.app, &Topic::Ops).await.unwrap(), 60);
}

#[tokio::test]
async fn a_customer_who_works_in_the_store_is_told_as_both() {
    use daraa_domain::notification::{Audience, Facts, Recipient, tell};
    let world = World::new().await;
    let me: AccountId = world.app.ids.next();
    let id = emit(&world.app, "order.cancelled", "ord_test", &[]).await;
    let event = row(&world.app, id).await;
    let both = [Audience::Customer, Audience::Store].map(|audience| Recipient { account_id: me, audience });
    assert_eq!(tell(&world.app, &event, &both, &Facts::default()).await.unwrap(), 2);
    assert_eq!(tell(&world.app, &event, &both, &Facts::default()).await.unwrap(), 0, "once as each");
}

#[tokio::test]
async fn what_belongs_after_a_commit_happens_though_nobody_waits_for_it() {
    let world = World::new().await;
    let app = &world.app;
    let rows = app.mongo.coll::<Document>("feed_heads");
    let mut tries = Vec::new();
    // Each round hangs up one poll later than the one before, until one gets through.
    for polls in 1.. {
        let (id, followed) = (format!("hang-up-{polls}"), Arc::new(AtomicBool::new(false)));
        tries.push((id.clone(), Arc::clone(&followed)));
        let write = async {
            transact!(&app.mongo, "test.hang_up", Infra, |tx| {
                rows.insert_in_tx(tx, "test.insert", &doc! { "_id": &id, "last": 0_i64 }).await?;
                let followed = Arc::clone(&followed);
                tx.after_commit(async move { followed.store(true, Ordering::SeqCst) });
                Ok(())
            })
        };
        if let Some(outcome) = (DiesAfter { work: Box::pin(write), polls }).await {
            outcome.unwrap();
            break;
        }
    }
    for (id, followed) in tries {
        let there = || rows.find_one("test.find", doc! { "_id": &id });
        let settled = async {
            while there().await.unwrap().is_some() && !followed.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.expect("written, and nothing followed");
    }
}
