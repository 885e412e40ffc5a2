//! Jobs: each tick once, whoever looks; leases with fencing; every end recorded; people in command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::job::{self, CatchUp, Contender, JobError, JobRun, RunStatus, RunTrigger};
use daraa_domain::outbox::Fence;
use daraa_domain::{archive, audit, check, maintenance, outbox};
use daraa_jobs::lead::keep_by;
use daraa_jobs::runner::{RunError, Runner};
use daraa_jobs::schedule::{JOBS, Job, LEASE};
use daraa_jobs::{TaskFuture, Work};
use daraa_platform::fault::Infra;
use daraa_platform::mongo::index::{Drift, diff};
use daraa_platform::mongo::migrate::{self, Migration};
use daraa_platform::mongo::{DbError, Mongo};
use daraa_platform::paging::PageRequest;
use daraa_platform::ports::blob::Blobs;
use daraa_platform::time::Timestamp;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::doc;
use serde_json::json;

const SYSTEM: Actor = Actor::System("test");

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn work(world: &World) -> Arc<Work> {
    let dir = std::env::temp_dir().join(format!("daraa-test-archive-{}", world.app.random.token()));
    Arc::new(Work { app: Arc::clone(&world.app), archive: Blobs::in_dir(dir) })
}

async fn history(world: &World, name: &str) -> Vec<JobRun> {
    let page = job::history(&world.app, &SYSTEM, Some(name), &PageRequest::default()).await.unwrap();
    page.rows.into_iter().map(|(_, run)| run).collect()
}

/// A table of one job that is run daily at 03:00 in Damascus (midnight UTC).
macro_rules! table {
    ($catch_up:expr, $timeout:expr, $run:expr) => {{
        const TABLE: &[Job] =
            &[Job { name: "cleanup", catch_up: $catch_up, lease: LEASE, timeout: $timeout, run: $run }];
        TABLE
    }};
}

const LONG: Duration = Duration::from_secs(60);

fn succeeds(_: &Work) -> TaskFuture<'_> {
    Box::pin(async { Ok(doc! { "things": 3_i64 }) })
}

fn fails(_: &Work) -> TaskFuture<'_> {
    Box::pin(async { Err(Box::new(Infra::defect("on purpose")) as _) })
}

fn panics(_: &Work) -> TaskFuture<'_> {
    Box::pin(async { panic!("on purpose") })
}

fn hangs(_: &Work) -> TaskFuture<'_> {
    Box::pin(std::future::pending())
}

#[tokio::test]
async fn a_lease_has_one_holder_and_passes_on_when_its_beat_stands_still() {
    let app = World::new().await.app;
    let (mut a, mut b) = (Contender::new("job:x", "a", LEASE), Contender::new("job:x", "b", LEASE));
    let start = Instant::now();
    let first = a.attempt(&app, start).await.unwrap().unwrap();
    assert_eq!(first, Fence::new(1));
    assert_eq!(b.attempt(&app, start).await.unwrap(), None);
    assert_eq!(b.attempt(&app, start + LEASE / 2).await.unwrap(), None, "not long enough");
    assert!(job::renew(&app, "job:x", first).await.unwrap());
    assert_eq!(b.attempt(&app, start + LEASE).await.unwrap(), None, "it was renewed");
    let second = b.attempt(&app, start + LEASE * 2).await.unwrap().unwrap();
    assert!(second > first, "fencing numbers grow");
    assert!(!job::renew(&app, "job:x", first).await.unwrap(), "the old holder is told");
    assert!(!job::release(&app, "job:x", first).await.unwrap());
    assert!(job::release(&app, "job:x", second).await.unwrap());
    let third = a.attempt(&app, start).await.unwrap().unwrap();
    assert!(third > second, "given back, it is free at once");
    assert_eq!(job::leases(&app).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_many_contenders_one_wins() {
    let world = World::new().await;
    for round in 0..3 {
        let tries = (0..10).map(|n| {
            let app = &world.app;
            async move {
                let mut contender = Contender::new(format!("loop:{round}"), format!("p{n}"), LEASE);
                contender.attempt(app, Instant::now()).await.unwrap()
            }
        });
        let won = join_all(tries).await.into_iter().flatten().count();
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn three_replicas_run_each_tick_once() {
    let world = World::new().await;
    let table = table!(CatchUp::Once, LONG, succeeds);
    let runners: Vec<Runner> =
        (0..3).map(|n| Runner::new(work(&world), &format!("r{n}"), table).unwrap()).collect();
    // The first look makes the job known: earlier ticks are nobody's business.
    for runner in &runners {
        assert!(runner.look(Instant::now()).await.unwrap().is_empty());
    }
    for day in ["2026-01-06", "2026-01-07"] {
        world.clock.set(at(&format!("{day}T00:00:01Z")));
        let looks = join_all(runners.iter().map(|runner| runner.look(Instant::now()))).await;
        let mut begun = 0;
        for (runner, look) in runners.iter().zip(looks) {
            for run in look.unwrap() {
                begun += 1;
                assert_eq!(runner.execute(run).await, RunStatus::Succeeded);
            }
        }
        assert_eq!(begun, 1);
        for runner in &runners {
            assert!(runner.look(Instant::now()).await.unwrap().is_empty(), "it was dealt with");
        }
    }
    let runs = history(&world, "cleanup").await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].tick, Some(at("2026-01-07T00:00:00Z")));
    for run in runs {
        assert_eq!((run.status, run.trigger), (RunStatus::Succeeded, RunTrigger::Schedule));
        assert_eq!(run.counts, doc! { "things": 3_i64 });
        assert!(run.duration_ms.is_some() && run.finished_at.is_some() && run.error.is_none());
    }
}

#[tokio::test]
async fn a_missed_tick_is_caught_up_or_left_out_by_policy() {
    for (policy, status, trigger) in [
        (CatchUp::Once, RunStatus::Succeeded, RunTrigger::CatchUp),
        (CatchUp::Skip, RunStatus::Skipped, RunTrigger::Schedule),
    ] {
        let world = World::new().await;
        let table = match policy {
            CatchUp::Once => table!(CatchUp::Once, LONG, succeeds),
            CatchUp::Skip => table!(CatchUp::Skip, LONG, succeeds),
        };
        let runner = Runner::new(work(&world), "r", table).unwrap();
        assert!(runner.look(Instant::now()).await.unwrap().is_empty());
        // Three ticks pass while nobody looks; one hour later somebody does.
        world.clock.set(at("2026-01-08T01:00:00Z"));
        for begun in runner.look(Instant::now()).await.unwrap() {
            runner.execute(begun).await;
        }
        let runs = history(&world, "cleanup").await;
        assert_eq!(runs.len(), 1, "only the newest");
        assert_eq!((runs[0].status, runs[0].trigger), (status, trigger));
        assert_eq!(runs[0].tick, Some(at("2026-01-08T00:00:00Z")));
    }
}

#[tokio::test]
async fn every_bad_end_is_recorded_and_told_to_ops() {
    let world = World::new().await;
    for (table, status, said) in [
        (table!(CatchUp::Once, LONG, fails), RunStatus::Failed, "on purpose"),
        (table!(CatchUp::Once, LONG, panics), RunStatus::Panicked, "panicked"),
        (table!(CatchUp::Once, Duration::from_millis(1), hangs), RunStatus::TimedOut, "not done after"),
    ] {
        let runner = Runner::new(work(&world), "r", table).unwrap();
        let before = outbox::count_pending(&world.app, 100).await.unwrap();
        let begun = runner.begin_now("cleanup", "test").await.unwrap();
        assert_eq!(runner.execute(begun).await, status);
        let newest = history(&world, "cleanup").await.remove(0);
        assert_eq!(newest.status, status);
        assert!(newest.error.unwrap().contains(said));
        assert_eq!(outbox::count_pending(&world.app, 100).await.unwrap(), before + 1, "an alert");
        world.pass(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_run_whose_process_died_is_begun_anew_by_another() {
    let world = World::new().await;
    let table = table!(CatchUp::Once, LONG, succeeds);
    let (dying, other) = (
        Runner::new(work(&world), "dying", table).unwrap(),
        Runner::new(work(&world), "other", table).unwrap(),
    );
    let lost = dying.begin_now("cleanup", "test").await.unwrap();
    let now = Instant::now();
    assert!(other.look(now).await.unwrap().is_empty(), "it may be alive");
    assert!(matches!(other.begin_now("cleanup", "test").await, Err(RunError::Busy)));
    let begun = other.look(now + LEASE * 2).await.unwrap();
    assert_eq!(begun.len(), 1);
    assert_eq!(begun[0].run.trigger, RunTrigger::Recovery);
    // The one that was thought dead wakes up: it may not write any more.
    let abandoned = lost.run.id;
    dying.execute(lost).await;
    let run = job::get(&world.app, &SYSTEM, abandoned).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Abandoned);
    for begun in begun {
        assert_eq!(other.execute(begun).await, RunStatus::Succeeded);
    }
}

#[tokio::test]
async fn ops_run_pause_and_resume_jobs() {
    let world = World::new().await;
    let ops = world.ops(OpsRole::Operations).await;
    let customer = world.customer().await;
    let runner = Runner::new(work(&world), "r", table!(CatchUp::Once, LONG, succeeds)).unwrap();
    runner.look(Instant::now()).await.unwrap();

    let asked =
        world.mutate(&ops.token, "jobRun", "run { status trigger }", json!({ "name": "cleanup" })).await;
    assert_eq!(asked["run"], json!({ "status": "REQUESTED", "trigger": "MANUAL" }));
    let again = world.refused(&ops.token, "jobRun", json!({ "name": "cleanup" })).await;
    assert!(again.contains_key("JOB_BUSY"), "{again:?}");
    for begun in runner.look(Instant::now()).await.unwrap() {
        runner.execute(begun).await;
    }
    let shown = world
        .gql(
            &ops.token,
            "{ jobRuns(name: \"cleanup\") { nodes { job status counts { name count } } } }",
            json!({}),
        )
        .await;
    let expected =
        json!([{ "job": "cleanup", "status": "SUCCEEDED", "counts": [{ "name": "things", "count": 3 }] }]);
    assert_eq!(shown["jobRuns"]["nodes"], expected);

    let paused = world.mutate(&ops.token, "jobPause", "job { paused }", json!({ "name": "cleanup" })).await;
    assert_eq!(paused["job"]["paused"], json!(true));
    world.clock.set(at("2026-01-06T00:00:01Z"));
    let ops = world.sign_in(&ops.phone).await;
    assert!(runner.look(Instant::now()).await.unwrap().is_empty());
    assert_eq!(history(&world, "cleanup").await[0].status, RunStatus::Skipped);
    world.mutate(&ops.token, "jobResume", "job { paused }", json!({ "name": "cleanup" })).await;
    world.clock.set(at("2026-01-07T00:00:01Z"));
    assert_eq!(runner.look(Instant::now()).await.unwrap().len(), 1);

    let nobody = world.actor(&world.sign_in(&customer.phone).await).await;
    assert!(matches!(job::run_now(&world.app, &nobody, "cleanup").await, Err(JobError::Infra(_))));
    let sealed = audit::seal(&world.app).await.unwrap();
    assert!(sealed.entries >= 3, "run, pause and resume are on record");
    let unknown = job::history(&world.app, &SYSTEM, Some("nonsense"), &PageRequest::default()).await;
    assert!(matches!(unknown, Err(JobError::JobNotFound)));
}

#[tokio::test]
async fn the_real_jobs_do_their_work() {
    let world = World::new().await;
    let runner = Runner::new(work(&world), "r", JOBS).unwrap();
    for job in JOBS {
        let begun = runner.begin_now(job.name, "test").await.unwrap();
        assert_eq!(runner.execute(begun).await, RunStatus::Succeeded, "{}", job.name);
    }
    let report = job::newest_report(&world.app).await.unwrap().unwrap();
    assert!(report.get_array("drift").unwrap().is_empty());
    assert!(report.get_array("collections").unwrap().len() > 20);
    assert!(check::run(&world.app).await.unwrap().sound());
}

#[tokio::test]
async fn maintenance_notices_drift_and_tells_ops() {
    let world = World::new().await;
    let rows = world.app.mongo.db().collection::<mongodb::bson::Document>("job_runs");
    rows.drop_index("job_runs_all").await.unwrap();
    // An operation without an index that takes longer than `slowms`, whatever the machine.
    let reports = world.app.mongo.db().collection::<mongodb::bson::Document>("maintenance_reports");
    reports.insert_one(doc! { "_id": "slow" }).await.unwrap();
    reports.find_one(doc! { "$where": "sleep(150) || true" }).await.unwrap();
    let report = maintenance::run(&world.app).await.unwrap();
    // Made again first, so that the next test of this slot finds its database as it should be.
    daraa_platform::mongo::index::apply(&world.app.mongo, daraa_domain::indexes::ALL, |_| ()).await.unwrap();
    assert_eq!(report.drift, ["missing job_runs.job_runs_all"]);
    assert_eq!(outbox::count_pending(&world.app, 10).await.unwrap(), 1, "an alert");
    let is_it =
        |slow: &&maintenance::SlowQueries| slow.collection == "maintenance_reports" && slow.command == "find";
    let slow = report.slow.iter().find(is_it).expect("the slow find");
    assert_eq!(slow.plan, "COLLSCAN");
    assert!(slow.max_ms >= 100, "{slow:?}");
}

#[tokio::test]
async fn audit_entries_over_a_year_old_move_to_verified_files_and_can_be_put_back() {
    let world = World::new().await;
    let archive = work(&world);
    let ops = world.ops(OpsRole::Operations).await;
    audit::seal(&world.app).await.unwrap();
    let old = audit_log(&world).await;
    assert!(old > 0, "the role was granted on record");
    let moved = archive::run(&world.app, &archive.archive).await.unwrap();
    assert_eq!(moved, archive::Moved::default(), "nothing is old enough");

    world.pass(archive::KEEP_AUDIT + Duration::from_secs(1));
    let begun = Runner::new(Arc::clone(&archive), "r", JOBS).unwrap();
    let run = begun.begin_now("archive", "test").await.unwrap();
    assert_eq!(begun.execute(run).await, RunStatus::Succeeded);
    assert_eq!(history(&world, "archive").await[0].counts.get_i64("entries").unwrap(), old as i64);
    assert_eq!(audit_log(&world).await, 1, "what is left says where the rest is");
    assert!(check::run(&world.app).await.unwrap().sound(), "the chain still verifies");

    let granted =
        archive::Search { action: Some("account.grant_ops_role".to_owned()), ..archive::Search::default() };
    let all = archive::search(&world.app, &archive.archive, &archive::Search::default()).await.unwrap();
    let some = archive::search(&world.app, &archive.archive, &granted).await.unwrap();
    assert_eq!(all.len() as u64, old);
    assert!(some.len() <= all.len());
    let files = archive::list(&world.app, &archive::Search::default()).await.unwrap();
    assert!(files.iter().all(|file| file.moved_at.is_some() && file.sha256.len() == 64));

    let name = &files[0].name;
    assert_eq!(archive::restore(&world.app, &archive.archive, name).await.unwrap() as i64, files[0].entries);
    assert_eq!(archive::restore(&world.app, &archive.archive, name).await.unwrap(), 0, "they are there");
    assert!(check::run(&world.app).await.unwrap().sound(), "what was put back is what was sealed");
    archive.archive.put(name, b"not what was written".to_vec()).await.unwrap();
    let damaged = archive::search(&world.app, &archive.archive, &archive::Search::default()).await;
    assert!(matches!(damaged, Err(archive::ArchiveError::ArchiveDamaged { .. })));
    drop(ops);
}

async fn audit_log(world: &World) -> u64 {
    let rows = world.app.mongo.coll::<mongodb::bson::Document>("audit_log");
    rows.count_up_to("test.count", doc! {}, 10_000).await.unwrap()
}

#[tokio::test]
async fn a_job_that_cannot_be_looked_at_costs_no_other_its_run() {
    const TABLE: &[Job] = &[
        Job { name: "cleanup", catch_up: CatchUp::Once, lease: LEASE, timeout: LONG, run: succeeds },
        Job { name: "archive", catch_up: CatchUp::Once, lease: LEASE, timeout: LONG, run: succeeds },
    ];
    let world = World::new().await;
    let runner = Runner::new(work(&world), "r", TABLE).unwrap();
    // What people decided about the second job cannot be read.
    let controls = world.app.mongo.db().collection::<mongodb::bson::Document>("job_controls");
    let unreadable = doc! { "_id": "archive", "known_since": "nonsense" };
    // Only somebody with more rights than ours gets it past the validator.
    controls.insert_one(unreadable).bypass_document_validation(true).await.unwrap();
    let ops = world.actor(&world.ops(OpsRole::Operations).await).await;
    job::run_now(&world.app, &ops, "cleanup").await.unwrap();
    let begun = runner.look(Instant::now()).await.unwrap();
    assert_eq!(begun.iter().map(|begun| begun.run.job.as_str()).collect::<Vec<_>>(), ["cleanup"]);
    for begun in begun {
        assert_eq!(runner.execute(begun).await, RunStatus::Succeeded);
    }
    assert!(runner.look(Instant::now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lease_whose_renewal_hangs_is_given_up_before_it_runs_out() {
    let length = Duration::from_millis(500);
    let hangs = || std::future::pending::<Result<bool, DbError>>();
    // Two timers of one runtime: which of them is the earlier one does not depend on the machine.
    tokio::time::timeout(length, keep_by("job:x", length, hangs)).await.expect("given up in time");
    let taken = || async { Ok(false) };
    tokio::time::timeout(length, keep_by("job:x", length, taken)).await.expect("told");
}

fn counts<'a>(mongo: &'a Mongo) -> std::pin::Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>> {
    Box::pin(async move {
        let rows = mongo.coll::<mongodb::bson::Document>("feed_heads");
        rows.upsert("test.count", doc! { "_id": "counted" }, doc! { "$inc": { "last": 1_i64 } }).await?;
        Ok(())
    })
}

/// As if the lock had been taken over by another process while this one was at work.
fn loses_the_lock<'a>(
    mongo: &'a Mongo,
) -> std::pin::Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>> {
    Box::pin(async move {
        let rows = mongo.coll::<mongodb::bson::Document>("schema_migrations");
        let thief = doc! { "$set": { "token": "somebody else" } };
        rows.update_one("test.steal", doc! { "_id": 0_i64 }, thief).await.map(|_| ())
    })
}

#[tokio::test]
async fn migrations_are_applied_once_under_a_lock_that_is_its_holders_own() {
    const ONCE: &[Migration] = &[Migration { number: 9_001, name: "counts", apply: counts }];
    const LOSES: &[Migration] = &[
        Migration { number: 9_001, name: "counts", apply: counts },
        Migration { number: 9_002, name: "loses the lock", apply: loses_the_lock },
        Migration { number: 9_003, name: "comes too late", apply: counts },
    ];
    let world = World::new().await;
    let (mongo, now) = (&world.app.mongo, world.now());
    let tries = join_all((0..4).map(|_| migrate::apply(mongo, ONCE, now, |_| ()))).await;
    let mut made = 0;
    for outcome in tries {
        match outcome {
            Ok(some) => made += some.len(),
            Err(e) => assert!(matches!(e, DbError::Locked), "the lock was taken: {e}"),
        }
    }
    assert_eq!(made, 1);
    let lost = migrate::apply(mongo, LOSES, now, |_| ()).await;
    assert!(matches!(lost, Err(DbError::Locked)), "{lost:?}");
    let pending: Vec<i64> = migrate::pending(mongo, LOSES).await.unwrap().iter().map(|m| m.number).collect();
    assert_eq!(pending, [9_003], "it stopped when the lock was lost");
    // The lock is somebody else's, and stays it until its time is over.
    let early = migrate::apply(mongo, LOSES, now, |_| ()).await;
    assert!(matches!(early, Err(DbError::Locked)), "{early:?}");
    let late = now.plus(Duration::from_secs(24 * 3_600));
    assert_eq!(migrate::apply(mongo, LOSES, late, |_| ()).await.unwrap().len(), 1);
    let counted = mongo.coll::<mongodb::bson::Document>("feed_heads");
    let counted = counted.find_one("test.counted", doc! { "_id": "counted" }).await.unwrap().unwrap();
    assert_eq!(counted.get_i64("last").unwrap(), 2);
    mongo.db().collection::<mongodb::bson::Document>("schema_migrations").delete_many(doc! {}).await.unwrap();
}

#[tokio::test]
async fn an_index_that_is_hidden_is_drift() {
    let world = World::new().await;
    let mongo = &world.app.mongo;
    let hide = |hidden: bool| {
        let index = doc! { "name": "job_runs_all", "hidden": hidden };
        mongo.db().run_command(doc! { "collMod": "job_runs", "index": index })
    };
    hide(true).await.unwrap();
    let drift = diff(mongo, daraa_domain::indexes::ALL).await.unwrap();
    // Shown again first, so that the next test of this slot finds its database as it should be.
    hide(false).await.unwrap();
    assert!(
        matches!(&drift[..], [Drift::Different { index, found, .. }] if index == "job_runs_all" && found.contains("hidden")),
        "{drift:?}"
    );
    assert_eq!(diff(mongo, daraa_domain::indexes::ALL).await.unwrap(), []);
}
