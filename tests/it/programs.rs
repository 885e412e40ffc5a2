//! The programs themselves: the commands on the database, and what people are told when something is wrong with it: one
//! line with cause and remedy, a failing exit code, nothing changed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use daraa_domain::account::{self, PersonName, Phone};
use daraa_domain::{indexes, migrations};
use daraa_platform::fault::Lang;
use daraa_platform::mongo::migrate::{self, Migration};
use daraa_platform::mongo::{DbError, Mongo, index};
use daraa_tests::{Program, World};
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

fn rows(world: &World, collection: &str) -> Collection<Document> {
    world.app.mongo.db().collection(collection)
}

/// Every collection's documents, indexes and validators: what a command that refused must not have changed.
async fn state(world: &World) -> Vec<String> {
    let db = world.app.mongo.db();
    let mut all = Vec::new();
    let collections = db.run_cursor_command(doc! { "listCollections": 1 }).await.unwrap();
    for collection in collections.try_collect::<Vec<Document>>().await.unwrap() {
        let listed = doc! { "listIndexes": collection.get_str("name").unwrap() };
        let indexes = db.run_cursor_command(listed).await.unwrap();
        let mut indexes: Vec<Document> = indexes.try_collect().await.unwrap();
        indexes.sort_by_key(ToString::to_string);
        all.push(format!("{} {indexes:?}", collection.get_document("options").unwrap()));
    }
    // What the documents are.
    let hashes = db.run_command(doc! { "dbHash": 1 }).await.unwrap();
    all.push(hashes.get_document("collections").unwrap().to_string());
    all.sort();
    all
}

/// As if every migration had been applied.
async fn migrated(world: &World) {
    migrate::apply(&world.app.mongo, migrations::ALL, world.now(), |_| ()).await.unwrap();
    // Migrations drop what has changed; this builds it again.
    index::apply(&world.app.mongo, indexes::ALL, |_| ()).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_lists_what_a_run_applies_and_a_second_run_has_nothing_to_do() {
    let world = World::new().await;
    let all: Vec<Value> =
        migrations::ALL.iter().map(|m| json!({ "number": m.number, "name": m.name })).collect();
    let before = state(&world).await;
    let dry = world.server(&["db", "migrate", "--dry-run", "--json"]).run();
    assert_eq!((dry.code, dry.json()), (Some(0), json!(all)));
    assert_eq!(state(&world).await, before, "a dry run changes nothing");
    let plain = world.server(&["db", "migrate", "--dry-run"]).run();
    assert!(plain.out.ends_with(&format!("{} migrations pending\n", all.len())), "{plain:?}");
    let applied = world.server(&["db", "migrate", "--json"]).run();
    assert_eq!((applied.code, applied.json()), (Some(0), json!(all)));
    let again = world.server(&["db", "migrate", "--json"]).run();
    assert_eq!((again.code, again.json()), (Some(0), json!([])));
    let dry = world.server(&["db", "migrate", "--dry-run", "--json"]).run();
    assert_eq!(dry.json(), json!([]));
}

#[tokio::test]
async fn of_two_that_migrate_at_once_each_migration_is_applied_by_one() {
    let world = World::new().await;
    let both = [world.server(&["db", "migrate", "--json"]), world.server(&["db", "migrate", "--json"])];
    let running = both.map(Program::start);
    let mut applied = 0;
    for run in running {
        let ended = run.ends();
        if ended.code == Some(0) {
            applied += ended.json().as_array().unwrap().len();
        } else {
            assert!(ended.refusal().contains("migrations are at work in another process"), "{ended:?}");
        }
    }
    assert_eq!(applied, migrations::ALL.len());
    let recorded =
        rows(&world, "schema_migrations").count_documents(doc! { "_id": { "$gt": 0 } }).await.unwrap();
    assert_eq!(recorded, migrations::ALL.len() as u64);
}

/// The process dies in the middle of the second migration, the first time.
static DIES: AtomicBool = AtomicBool::new(true);

async fn note(mongo: &Mongo, what: &str) -> Result<(), DbError> {
    let heads = mongo.coll::<Document>("feed_heads");
    heads.upsert("test.note", doc! { "_id": what }, doc! { "$inc": { "last": 1_i64 } }).await.map(|_| ())
}

fn first(mongo: &Mongo) -> BoxFuture<'_, Result<(), DbError>> {
    Box::pin(note(mongo, "first"))
}

fn second(mongo: &Mongo) -> BoxFuture<'_, Result<(), DbError>> {
    Box::pin(async {
        let dies = DIES.swap(false, Ordering::SeqCst);
        note(mongo, "second, half of it").await?;
        if dies {
            std::future::pending::<()>().await;
        }
        note(mongo, "second, all of it").await
    })
}

fn third(mongo: &Mongo) -> BoxFuture<'_, Result<(), DbError>> {
    Box::pin(note(mongo, "third"))
}

#[tokio::test]
async fn a_migration_that_died_half_way_is_finished_by_the_next_run() {
    const ALL: &[Migration] = &[
        Migration { number: 1, name: "first", apply: first },
        Migration { number: 2, name: "second", apply: second },
        Migration { number: 3, name: "third", apply: third },
    ];
    let world = World::new().await;
    let (mongo, now) = (&world.app.mongo, world.now());
    let done = async |what: &str| {
        let row = rows(&world, "feed_heads").find_one(doc! { "_id": what }).await.unwrap();
        row.map_or(0, |row| row.get_i64("last").unwrap())
    };
    tokio::select! {
        outcome = migrate::apply(mongo, ALL, now, |_| ()) => panic!("it did not die: {outcome:?}"),
        // Dropped where it stands, as a process that is killed: nothing is given back.
        () = async { while done("second, half of it").await == 0 {} } => {}
    }
    let pending: Vec<i64> = migrate::pending(mongo, ALL).await.unwrap().iter().map(|m| m.number).collect();
    assert_eq!(pending, [2, 3], "what was done is recorded, what was not is not");
    let early = migrate::apply(mongo, ALL, now.plus(Duration::from_secs(60)), |_| ()).await;
    assert!(matches!(early, Err(DbError::Locked)), "its lock outlives it for a while");
    let late = now.plus(Duration::from_secs(601));
    let made: Vec<i64> =
        migrate::apply(mongo, ALL, late, |_| ()).await.unwrap().iter().map(|m| m.number).collect();
    assert_eq!(made, [2, 3], "it begins where the other one stopped");
    assert_eq!((done("first").await, done("second, all of it").await, done("third").await), (1, 1, 1));
    assert_eq!(done("second, half of it").await, 2, "a migration runs again from its beginning");
    assert!(migrate::apply(mongo, ALL, late, |_| ()).await.unwrap().is_empty());
    rows(&world, "schema_migrations").delete_many(doc! {}).await.unwrap();
}

#[tokio::test]
async fn the_check_fails_with_rule_and_remedy_and_changes_nothing() {
    let world = World::new().await;
    let shop = world.open_store().await;
    world.drain().await;
    let pending = world.server(&["db", "check", "--json"]).run();
    assert_eq!((pending.code, &pending.json()["ok"]), (Some(1), &json!(false)));
    assert_eq!(pending.json()["problems"][0]["rule"], json!("migration-pending"));
    migrated(&world).await;
    let well = world.server(&["db", "check", "--json"]).run();
    assert_eq!((well.code, &well.json()["problems"]), (Some(0), &json!([])), "{well:?}");
    let variant = doc! { "_id": shop.variants[0] };
    rows(&world, "stock_items").update_one(variant, doc! { "$inc": { "initial": 1_i64 } }).await.unwrap();
    rows(&world, "job_runs").drop_index("job_runs_all").await.unwrap();
    let before = state(&world).await;
    let broken = world.server(&["db", "check", "--json"]).run();
    let plain = world.server(&["db", "check"]).run();
    let unchanged = state(&world).await == before;
    // Made again first, so that the next test of this slot finds its database as it should be.
    index::apply(&world.app.mongo, indexes::ALL, |_| ()).await.unwrap();
    assert!(unchanged, "a check changes nothing");
    let problems = broken.json()["problems"].take();
    let rules: Vec<&str> = problems.as_array().unwrap().iter().map(|p| p["rule"].as_str().unwrap()).collect();
    assert_eq!((broken.code, &rules[..]), (Some(1), &["index-drift", "stock-sum"][..]));
    assert_eq!(problems[1]["subject"], json!(shop.variants[0].to_string()));
    assert!(problems[1]["remedy"].as_str().unwrap().contains("adjust the stock"));
    assert_eq!(plain.code, Some(1));
    assert!(plain.out.contains("index-drift") && plain.out.contains("    mend: "), "{plain:?}");
    assert!(plain.out.ends_with("2 problems\n"));
}

#[tokio::test]
async fn cleanup_removes_what_is_old_and_statistics_count_what_is_left() {
    let world = World::new().await;
    world.open_store().await;
    world.drain().await;
    let outbox = rows(&world, "outbox");
    let delivered = outbox.count_documents(doc! { "state": "DONE" }).await.unwrap();
    assert!(delivered > 0);
    let nothing = world.server(&["db", "cleanup", "--json"]).run();
    // The program goes by the machine's clock: what this world delivered "today" was months ago.
    assert_eq!((nothing.code, &nothing.json()["ok"]), (Some(0), &json!(true)), "{nothing:?}");
    assert_eq!(nothing.json()["removed"]["outbox_events"], json!(delivered));
    assert_eq!(outbox.count_documents(doc! { "state": "DONE" }).await.unwrap(), 0);
    let again = world.server(&["db", "cleanup"]).run();
    assert_eq!(again.code, Some(0));
    assert!(again.out.lines().all(|line| line.ends_with(" 0")), "{again:?}");
    let stats = world.server(&["db", "stats", "--json"]).run();
    let all = stats.json()["collections"].take();
    let of =
        |name: &str| all.as_array().unwrap().iter().find(|row| row["collection"] == name).unwrap().clone();
    assert_eq!((stats.code, of("stores")["documents"].as_i64()), (Some(0), Some(1)));
    assert_eq!(all.as_array().unwrap().len(), indexes::ALL.len());
}

#[tokio::test]
async fn the_demo_city_is_made_by_a_command_and_completed_by_another_run() {
    let world = World::new().await;
    let made = world.server(&["db", "seed", "--json"]).run();
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.json().is_object() && made.err.is_empty(), "{made:?}");
    let stores = rows(&world, "stores").count_documents(doc! {}).await.unwrap();
    assert!(stores > 3);
    assert_eq!(world.server(&["db", "seed"]).run().code, Some(0));
    assert_eq!(rows(&world, "stores").count_documents(doc! {}).await.unwrap(), stores);
    let production = world.server(&["db", "seed"]).with("DARAA_MODE", "production");
    let refused = production.with("DARAA_SMS_URL", "https://sms.invalid/send").run();
    assert!(refused.refusal().contains("not made in production"), "{refused:?}");
}

/// A copy of the test's secrets in which one file holds something else.
fn secrets_with(world: &World, file: &str, content: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("daraa-test-secrets-{}", world.app.random.token()));
    std::fs::create_dir(&dir).unwrap();
    for entry in std::fs::read_dir(world.settings().secrets.dir()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
    }
    std::fs::write(dir.join(file), content).unwrap();
    dir
}

/// A port nobody listens on.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn what_is_wrong_with_the_way_to_the_database_is_said_in_one_line() {
    let world = World::new().await;
    let before = state(&world).await;
    let user = &world.settings().mongo.user;
    let wrong = secrets_with(&world, &format!("mongo_{user}_password"), "wrong");
    let nobody = format!("mongodb://127.0.0.1:{}/?replicaSet=daraa", closed_port());
    let other_set = world.settings().mongo.uri.replace("replicaSet=daraa", "replicaSet=another");
    let migrate = || world.server(&["db", "migrate"]).with("DARAA_MONGO_SERVER_SELECTION_MS", "1500");
    for (program, says) in [
        (
            migrate().with("DARAA_MONGO_URI", "mongodb:/127.0.0.1"),
            vec!["connection string", "set DARAA_MONGO_URI"],
        ),
        (migrate().with("DARAA_MONGO_URI", "mongodb://127.0.0.1:port/"), vec!["set DARAA_MONGO_URI"]),
        (
            migrate().with("DARAA_MONGO_URI", "mongodb://me:secret@127.0.0.1/"),
            vec!["DARAA_MONGO_URI", "secret files"],
        ),
        (migrate().with("DARAA_SECRETS_DIR", "/nonexistent"), vec!["/nonexistent/mongo_", "_password"]),
        (migrate().with("DARAA_SECRETS_DIR", &wrong), vec!["does not accept", user, "DARAA_SECRETS_DIR"]),
        (
            migrate().with("DARAA_MONGO_URI", &nobody),
            vec!["no primary answers at mongodb://127.0.0.1:", "start the members"],
        ),
        (migrate().with("DARAA_MONGO_URI", &other_set), vec!["no primary answers", "replicaSet"]),
        (migrate().with("DARAA_MONGO_MAX_POOL_SIZE", "many"), vec!["DARAA_MONGO_MAX_POOL_SIZE"]),
        (world.jobs(&["list"]).with("DARAA_SECRETS_DIR", &wrong), vec!["does not accept", user]),
        (
            world
                .server(&["db", "check"])
                .with("DARAA_MONGO_SERVER_SELECTION_MS", "1000")
                .with("DARAA_MONGO_URI", &nobody),
            vec!["no primary answers"],
        ),
    ] {
        let ended = program.run();
        let line = ended.refusal();
        for part in says {
            assert!(line.contains(part), "{part:?} is missing in {line:?}");
        }
        assert!(!line.contains("secret@") && line.len() < 400, "{line}");
    }
    std::fs::remove_dir_all(wrong).unwrap();
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn a_user_without_the_right_is_told_which_and_changes_nothing() {
    let world = World::new().await;
    let before = state(&world).await;
    // The server's own user may write documents of the real database and nothing here.
    let migrate = world.server(&["db", "migrate"]).with("DARAA_MONGO_USER", "daraa_app").run();
    let line = migrate.refusal();
    assert!(line.contains("daraa_app may not `update` on schema_migrations"), "{line}");
    assert!(line.contains("DARAA_MONGO_USER") && line.contains("mongo-init/users.json"), "{line}");
    let apply = world.server(&["indexes", "apply"]).with("DARAA_MONGO_USER", "daraa_app").run();
    let said = apply.err.lines().last().unwrap();
    assert!(apply.code == Some(1) && said.contains("daraa_app may not"), "{apply:?}");
    assert_eq!(state(&world).await, before);
}

/// What a long-lived program says when it refuses: the line of its log.
fn why(program: Program) -> String {
    let ended = program.run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines = ended.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let refusals: Vec<Value> = lines.filter(|line| line["message"] == "the process stops").collect();
    assert_eq!(refusals.len(), 1, "{}", ended.err);
    refusals[0]["why"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_server_refuses_a_database_that_is_not_as_declared() {
    let world = World::new().await;
    let pending = why(world.server(&["serve"]));
    assert!(
        pending.contains("pending migration 1") && pending.contains("daraa-server db migrate"),
        "{pending}"
    );
    migrated(&world).await;
    rows(&world, "job_runs").drop_index("job_runs_all").await.unwrap();
    let before = state(&world).await;
    let drift = why(world.server(&["serve"]));
    let unchanged = state(&world).await == before;
    index::apply(&world.app.mongo, indexes::ALL, |_| ()).await.unwrap();
    assert!(unchanged);
    assert!(drift.contains("missing job_runs.job_runs_all") && drift.contains("indexes apply"), "{drift}");
    let wrong = secrets_with(&world, &format!("mongo_{}_password", world.settings().mongo.user), "wrong");
    for program in [world.server(&["serve"]), world.jobs(&["serve"])] {
        let refused = why(program.with("DARAA_SECRETS_DIR", &wrong));
        assert!(refused.contains("does not accept the name or the password"), "{refused}");
    }
    std::fs::remove_dir_all(wrong).unwrap();
}

#[tokio::test]
async fn a_database_of_the_future_is_left_alone() {
    let world = World::new().await;
    migrated(&world).await;
    let newer = doc! { "_id": 99_i64, "name": "of tomorrow", "applied_at": world.now() };
    rows(&world, "schema_migrations").insert_one(newer).await.unwrap();
    let before = state(&world).await;
    let known = migrations::ALL.iter().map(|m| m.number).max().unwrap();
    let says = format!("migrated to 99 by a newer version, this program knows migrations up to {known}");
    for command in [&["db", "migrate"][..], &["db", "migrate", "--dry-run"], &["db", "check"]] {
        let ended = world.server(command).run();
        assert!(
            ended.refusal().contains(&says) && ended.refusal().contains("start the newer version"),
            "{ended:?}"
        );
    }
    for program in [world.server(&["serve"]), world.jobs(&["serve"])] {
        let refused = why(program);
        assert!(refused.contains(&says), "{refused}");
    }
    assert_eq!(state(&world).await, before);
    rows(&world, "schema_migrations").delete_many(doc! {}).await.unwrap();
}

#[tokio::test]
async fn a_refused_and_an_unreadable_document_are_told_by_their_fields() {
    let world = World::new().await;
    let phone = world.new_phone();
    let name = PersonName::parse("Somebody").unwrap();
    account::ensure(&world.app, Phone::parse(&phone).unwrap(), name, Lang::En).await.unwrap();
    let admin = || world.server(&["admin", &phone]);
    let db = world.app.mongo.db();
    let declared = indexes::ALL.iter().find(|c| c.collection == "accounts").unwrap();
    let validated = async |validator: Document, level: &str| {
        let command = doc! { "collMod": "accounts", "validator": validator, "validationLevel": level };
        db.run_command(command).await.unwrap();
    };
    // A validator of another version.
    validated(doc! { "$jsonSchema": { "required": ["shoe_size"] } }, "strict").await;
    let refused = admin().run();
    validated(declared.shape.validator(), "strict").await;
    let line = refused.refusal();
    assert!(line.contains("shoe_size is not what its collection allows"), "{line}");
    assert!(line.contains("daraa-server db migrate"), "{line}");
    assert!(!line.contains(&phone), "no values");
    // A document of another version.
    validated(declared.shape.validator(), "off").await;
    let accounts = rows(&world, "accounts");
    let of_tomorrow = doc! { "$set": { "lang": "MARTIAN" } };
    accounts.update_one(doc! { "phone": &phone }, of_tomorrow).await.unwrap();
    let unreadable = admin().run();
    migrated(&world).await;
    let checked = world.server(&["db", "check", "--json"]).run();
    accounts.delete_many(doc! {}).await.unwrap();
    validated(declared.shape.validator(), "strict").await;
    let line = unreadable.refusal();
    assert!(line.contains("a document cannot be read") && line.contains("newer version"), "{line}");
    let problem = &checked.json()["problems"][0];
    assert_eq!((checked.code, &problem["rule"]), (Some(1), &json!("document-unreadable")), "{checked:?}");
    assert!(problem["subject"].as_str().unwrap().starts_with("accounts/"), "{problem}");
    assert!(problem["what"].as_str().unwrap().contains("lang"), "{problem}");
}

#[tokio::test]
async fn the_jobs_service_divides_its_connections_and_tells_of_them() {
    let world = World::new().await;
    migrated(&world).await;
    let port = closed_port();
    let jobs = world.jobs(&["serve"]).with("DARAA_JOBS_LISTEN", format!("127.0.0.1:{port}"));
    let running = jobs.with("DARAA_LOG", "info").with("DARAA_MONGO_MAX_POOL_SIZE", "40").start();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let get =
        async |path: &str| reqwest::get(url(path)).await.ok()?.error_for_status().ok()?.text().await.ok();
    let shares =
        [("control", 4), ("changes", 2), ("relay", 21), ("dispatch", 2), ("deadlines", 5), ("scheduled", 4)];
    // Each opens its connections when it begins to work; no job is due.
    let at_work = |text: &str| {
        shares.iter().filter(|(pool, _)| *pool != "scheduled").all(|(pool, _)| {
            text.contains(&format!(r#"daraa_db_pool_connections{{pool="daraa-jobs-{pool}",state="open"}}"#))
        })
    };
    let looked = r#"daraa_db_command_seconds_count{pool="daraa-jobs-relay",command="find"}"#;
    let metrics = loop {
        match get("/metrics").await {
            Some(text) if text.contains(looked) && at_work(&text) => break text,
            _ => world.app.mongo.ping().await.unwrap(),
        }
    };
    for (pool, max) in shares {
        let limit = format!(r#"daraa_db_pool_limit{{pool="daraa-jobs-{pool}",bound="max"}} {max}"#);
        assert!(metrics.contains(&limit), "{limit}\n{metrics}");
    }
    running.stop();
    let ended = running.ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = |what: &str| ended.err.lines().any(|line| line.contains(what));
    assert!(told(r#""name":"mongo_max_pool_size","value":"40""#), "{}", ended.err);
    assert!(told("daraa-jobs-relay"), "{}", ended.err);
}
