//! The audit log: sealed in order, every alteration found.

use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole, Person};
use daraa_domain::app::App;
use daraa_domain::audit::{self, AuditError, AuditFilter, NewAudit, Tampering};
use daraa_domain::ids::AuditId;
use daraa_platform::fault::{Fault as _, FaultKind};
use daraa_platform::paging::{Cursor, Direction, PageRequest};
use daraa_platform::transact;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Bson, Document, doc};
use serde_json::json;

async fn act(app: &App, action: &'static str, subject: &str) -> AuditId {
    let actor = Actor::System("test");
    let written: Result<AuditId, AuditError> = transact!(&app.mongo, "test.act", AuditError, |tx| {
        let entry = NewAudit {
            actor: &actor,
            action,
            subject: subject.to_owned(),
            details: doc! { "amount": 7_i64 },
        };
        Ok(audit::record_in_tx(app, tx, entry).await?)
    });
    written.unwrap()
}

fn ops(app: &App, role: Option<OpsRole>) -> Actor {
    Actor::Person(Person {
        account_id: app.ids.next(),
        session_id: app.ids.next(),
        ops: role,
        courier_id: None,
        staff: Vec::new(),
    })
}

async fn tampering(app: &App) -> Vec<Tampering> {
    audit::verify(app).await.unwrap().tampering
}

#[tokio::test]
async fn entries_are_sealed_in_order_and_verify() {
    let world = World::new().await;
    let app = &world.app;
    assert!(audit::verify(app).await.unwrap().sound(), "an empty log is sound");
    for n in 0..3 {
        act(app, "store.approve", &format!("sto_{n}")).await;
    }
    let report = audit::verify(app).await.unwrap();
    assert!(report.sound() && report.pending == 3, "{report:?}");
    let sealed = audit::seal(app).await.unwrap();
    assert_eq!((sealed.seals, sealed.entries), (1, 3));
    act(app, "store.suspend", "sto_0").await;
    audit::seal(app).await.unwrap();
    assert_eq!(audit::seal(app).await.unwrap().seals, 0);
    let report = audit::verify(app).await.unwrap();
    assert_eq!((report.seals, report.entries, report.pending), (2, 4, 0));
    assert!(report.sound() && report.head.len() == 64, "{report:?}");
}

#[tokio::test]
async fn writers_and_sealers_at_once_leave_a_sound_chain() {
    let world = World::new().await;
    let servers = [world.app.clone(), world.another_server().await];
    let writing = join_all((0..40).map(|n| act(&servers[n % 2], "store.approve", "sto_1")));
    let sealing = async {
        for _ in 0..10 {
            let both = join_all(servers.iter().map(|app| audit::seal(app))).await;
            for outcome in both {
                // Who meets the other gives way; nothing else may happen.
                if let Err(e) = outcome {
                    assert_eq!(e.kind(), FaultKind::Unavailable, "{e:?}");
                }
            }
        }
    };
    tokio::join!(writing, sealing);
    audit::seal(&world.app).await.unwrap();
    let report = audit::verify(&world.app).await.unwrap();
    assert!(report.sound(), "{report:?}");
    assert_eq!((report.entries, report.pending), (40, 0));
}

#[tokio::test]
async fn every_alteration_is_found() {
    let world = World::new().await;
    let app = &world.app;
    let mut ids = Vec::new();
    for round in 0..3 {
        for n in 0..2 {
            ids.push(act(app, "wallet.credit", &format!("wal_{round}{n}")).await);
        }
        audit::seal(app).await.unwrap();
    }
    let log = app.mongo.db().collection::<Document>("audit_log");
    let seals = app.mongo.db().collection::<Document>("audit_seals");
    let entry = log.find_one(doc! { "_id": ids[2] }).await.unwrap().unwrap();
    let broken = vec![Tampering::SealBroken { sequence: 2 }];

    for change in [
        doc! { "$set": { "details.amount": 8_i64 } },
        doc! { "$set": { "details.amount": 7_i32 } },
        doc! { "$set": { "actor": "acc_someone" } },
        doc! { "$set": { "extra": true } },
        doc! { "$unset": { "subject": 1 } },
    ] {
        log.update_one(doc! { "_id": ids[2] }, change.clone())
            .bypass_document_validation(true)
            .await
            .unwrap();
        assert_eq!(tampering(app).await, broken, "{change}");
        log.replace_one(doc! { "_id": ids[2] }, &entry).bypass_document_validation(true).await.unwrap();
        assert_eq!(tampering(app).await, vec![]);
    }

    log.delete_one(doc! { "_id": ids[2] }).await.unwrap();
    assert_eq!(tampering(app).await, vec![Tampering::EntryMissing { sequence: 2, id: ids[2] }]);
    log.insert_one(&entry).bypass_document_validation(true).await.unwrap();

    // Entries nobody can read any more do not end the search.
    let mut nameless = entry.clone();
    nameless.insert("_id", Bson::from(app.ids.next::<AuditId>()));
    nameless.remove("at");
    log.insert_one(&nameless).bypass_document_validation(true).await.unwrap();
    assert!(matches!(tampering(app).await[..], [Tampering::EntryUnsealed { .. }]));
    log.delete_one(doc! { "_id": nameless.get("_id").unwrap() }).await.unwrap();

    // A seal that forgets the entry does not fit any more, nor does the entry without one.
    let seal = seals.find_one(doc! { "_id": 2_i64 }).await.unwrap().unwrap();
    seals.update_one(doc! { "_id": 2_i64 }, doc! { "$pull": { "entries": ids[2] } }).await.unwrap();
    assert_eq!(
        tampering(app).await,
        vec![Tampering::SealBroken { sequence: 2 }, Tampering::EntryUnsealed { id: ids[2] }]
    );
    seals.replace_one(doc! { "_id": 2_i64 }, &seal).await.unwrap();

    seals.delete_one(doc! { "_id": 2_i64 }).await.unwrap();
    let found = tampering(app).await;
    assert!(found.contains(&Tampering::SealMissing { sequence: 2 }), "{found:?}");
    assert!(found.contains(&Tampering::EntryUnsealed { id: ids[3] }), "{found:?}");
    seals.insert_one(&seal).await.unwrap();
    assert_eq!(tampering(app).await, vec![]);

    let forged: AuditId = app.ids.next();
    let mut slipped = entry.clone();
    slipped.insert("_id", Bson::from(forged));
    log.insert_one(&slipped).bypass_document_validation(true).await.unwrap();
    assert_eq!(tampering(app).await, vec![Tampering::EntryUnsealed { id: forged }]);
    log.delete_one(doc! { "_id": forged }).await.unwrap();

    let waiting = act(app, "wallet.credit", "wal_9").await;
    log.delete_one(doc! { "_id": waiting }).await.unwrap();
    assert_eq!(tampering(app).await, vec![Tampering::PendingMissing { id: waiting }]);
}

#[tokio::test]
async fn without_the_key_no_chain_can_be_made() {
    let world = World::new().await;
    let app = &world.app;
    let id = act(app, "wallet.credit", "wal_1").await;
    audit::seal(app).await.unwrap();
    let log = app.mongo.db().collection::<Document>("audit_log");
    log.update_one(doc! { "_id": id }, doc! { "$set": { "details.amount": 0_i64 } }).await.unwrap();
    // Whoever seals again with another key.
    let seals = app.mongo.db().collection::<Document>("audit_seals");
    seals.delete_many(doc! {}).await.unwrap();
    let pending = app.mongo.db().collection::<Document>("audit_pending");
    pending.insert_one(doc! { "_id": id, "at": mongodb::bson::DateTime::from_millis(0) }).await.unwrap();
    let secrets = std::env::temp_dir().join(format!("daraa-audit-{}", std::process::id()));
    std::fs::create_dir_all(&secrets).unwrap();
    for file in std::fs::read_dir(daraa_tests::env("DARAA_TEST_SECRETS_DIR")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), secrets.join(file.file_name())).unwrap();
    }
    std::fs::write(secrets.join("code_pepper"), "x".repeat(44)).unwrap();
    let forger = world.another_server_with_secrets(&secrets).await;
    std::fs::remove_dir_all(&secrets).unwrap();
    assert_eq!(audit::seal(&forger).await.unwrap().entries, 1);
    assert!(audit::verify(&forger).await.unwrap().sound());
    assert_eq!(tampering(app).await, vec![Tampering::SealBroken { sequence: 1 }]);
}

#[tokio::test]
async fn old_entries_move_to_an_archive_and_back_and_the_chain_holds() {
    let world = World::new().await;
    let app = &world.app;
    for _ in 0..3 {
        act(app, "store.approve", "sto_1").await;
        act(app, "store.suspend", "sto_1").await;
        audit::seal(app).await.unwrap();
        world.pass(Duration::from_secs(3_600));
    }
    let before = world.now().minus(Duration::from_secs(2 * 3_600 - 1));
    let archive = Actor::System("archive");
    let mut kept = Vec::new();
    while let Some(batch) = audit::next_archivable(app, before).await.unwrap() {
        audit::archived(app, &archive, &batch, "audit-1.jsonl", "sha256").await.unwrap();
        audit::archived(app, &archive, &batch, "audit-1.jsonl", "sha256").await.unwrap();
        kept.extend(batch.entries);
    }
    assert_eq!(kept.len(), 4, "the third seal is too young");
    let report = audit::verify(app).await.unwrap();
    assert_eq!((report.seals, report.entries, report.pending), (3, 2, 2), "{report:?}");
    assert!(report.sound(), "{report:?}");
    audit::seal(app).await.unwrap();

    // Nothing but a whole archived seal may be away.
    let log = app.mongo.db().collection::<Document>("audit_log");
    log.insert_one(&kept[0]).await.unwrap();
    let found = tampering(app).await;
    assert!(matches!(found[..], [Tampering::EntryMissing { sequence: 1, .. }]), "{found:?}");

    assert_eq!(audit::restore(app, &kept).await.unwrap(), 3);
    assert_eq!(audit::restore(app, &kept).await.unwrap(), 0);
    let report = audit::verify(app).await.unwrap();
    assert_eq!((report.entries, report.pending), (8, 0));
    assert!(report.sound(), "{report:?}");
}

#[tokio::test]
async fn nothing_is_archived_from_under_a_broken_seal() {
    let world = World::new().await;
    let app = &world.app;
    let id = act(app, "store.approve", "sto_1").await;
    audit::seal(app).await.unwrap();
    let log = app.mongo.db().collection::<Document>("audit_log");
    log.update_one(doc! { "_id": id }, doc! { "$set": { "actor": "acc_someone" } }).await.unwrap();
    world.pass(Duration::from_secs(1));
    assert!(audit::next_archivable(app, world.now()).await.is_err());
}

#[tokio::test]
async fn operations_and_admins_read_the_log_by_filter_and_page() {
    let world = World::new().await;
    let app = &world.app;
    for n in 0..5 {
        world.pass(Duration::from_secs(1));
        act(app, if n % 2 == 0 { "store.approve" } else { "store.suspend" }, "sto_1").await;
    }
    let reader = ops(app, Some(OpsRole::Operations));
    for role in [None, Some(OpsRole::Support), Some(OpsRole::Finance)] {
        let e = audit::list(app, &ops(app, role), &AuditFilter::default(), &PageRequest::default()).await;
        assert_eq!(e.unwrap_err().kind(), FaultKind::Forbidden);
    }
    let mut seen = Vec::new();
    let mut from: Option<Cursor> = None;
    loop {
        let page = PageRequest { size: 2, from, direction: Direction::Forward };
        let page = audit::list(app, &reader, &AuditFilter::default(), &page).await.unwrap();
        seen.extend(page.rows.iter().map(|(_, entry)| entry.at));
        from = page.rows.last().map(|(cursor, _)| cursor.clone());
        if !page.has_next {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let count = async |filter: AuditFilter| {
        audit::list(app, &reader, &filter, &PageRequest::default()).await.unwrap().rows.len()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(count(AuditFilter { action: some("store.approve"), ..AuditFilter::default() }).await, 3);
    assert_eq!(count(AuditFilter { actor: some("system:test"), ..AuditFilter::default() }).await, 5);
    assert_eq!(count(AuditFilter { subject: some("sto_2"), ..AuditFilter::default() }).await, 0);
    let (from, to) = (Some(seen[2]), Some(seen[0]));
    assert_eq!(count(AuditFilter { from, to, ..AuditFilter::default() }).await, 2);
    let backwards = AuditFilter { from: to, to: from, ..AuditFilter::default() };
    let e = audit::list(app, &reader, &backwards, &PageRequest::default()).await.unwrap_err();
    assert!(matches!(e, AuditError::EmptyRange));
}

#[tokio::test]
async fn the_log_through_the_api() {
    let world = World::new().await;
    let admin = world.ops(OpsRole::Admin).await;
    let document = "query($filter: AuditLogFilter, $after: String) { auditLog(filter: $filter, first: 1, after: $after) { \
                    edges { cursor node { id at actor action subject details } } pageInfo { hasNextPage } } }";
    act(&world.app, "store.approve", "sto_1").await;
    let page = world.gql(&admin.token, document, json!({})).await["auditLog"].take();
    let node = &page["edges"][0]["node"];
    assert_eq!((&node["action"], &node["details"]), (&json!("store.approve"), &json!(r#"{"amount":7}"#)));
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let filter = json!({ "action": "account.grant_ops_role" });
    let variables = json!({ "filter": filter, "after": page["edges"][0]["cursor"] });
    let page = world.gql(&admin.token, document, variables).await["auditLog"].take();
    assert_eq!(page["edges"][0]["node"]["subject"], admin.account_id.to_string());
    let support = world.ops(OpsRole::Support).await;
    let answer = world.gql_raw(Some(&support.token), document, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn two_who_archive_at_once_neither_record_twice_nor_go_back() {
    let world = World::new().await;
    let app = &world.app;
    let servers = [world.app.clone(), world.another_server().await];
    for _ in 0..2 {
        act(app, "store.approve", "sto_1").await;
        audit::seal(app).await.unwrap();
    }
    world.pass(Duration::from_secs(1));
    let archive = Actor::System("archive");
    let first = audit::next_archivable(app, world.now()).await.unwrap().expect("the first seal");
    let both = servers.iter().map(|app| audit::archived(app, &archive, &first, "audit-1", "sha256"));
    for outcome in join_all(both).await {
        outcome.unwrap();
    }
    let second = audit::next_archivable(app, world.now()).await.unwrap().expect("the second seal");
    audit::archived(app, &archive, &second, "audit-2", "sha256").await.unwrap();
    let log = app.mongo.db().collection::<Document>("audit_log");
    let recorded = log.count_documents(doc! { "action": "audit.archive" }).await.unwrap();
    assert_eq!(recorded, 2, "each seal once");

    // One that was recorded late, by a clock of its own, does not bring the archived seals back.
    let late: Result<AuditId, AuditError> = transact!(&app.mongo, "test.late", AuditError, |tx| {
        let entry = NewAudit {
            actor: &archive,
            action: "audit.archive",
            subject: "audit-1".to_owned(),
            details: doc! { "until": 1_i64 },
        };
        Ok(audit::record_in_tx(app, tx, entry).await?)
    });
    late.unwrap();
    assert!(audit::next_archivable(app, world.now()).await.unwrap().is_none());
    assert!(audit::verify(app).await.unwrap().sound());
}
