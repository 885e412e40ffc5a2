//! The platform's settings: typed, versioned, cached, audited.

use daraa_domain::actor::{Actor, OpsRole, Person};
use daraa_domain::app::App;
use daraa_domain::settings::{self, DeadlinesPatch, SettingsError, SettingsPatch, UpdateSettings};
use daraa_platform::fault::{Fault as _, FaultKind, FieldPath};
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::own_redis::until;

fn ops(app: &App, role: OpsRole) -> Actor {
    Actor::Person(Person {
        account_id: app.ids.next(),
        session_id: app.ids.next(),
        ops: Some(role),
        courier_id: None,
        staff: Vec::new(),
    })
}

fn commission(bps: i64, expected_version: Option<i64>) -> UpdateSettings {
    let patch = SettingsPatch { commission_bps: Some(bps), ..SettingsPatch::default() };
    UpdateSettings { patch, expected_version }
}

#[tokio::test]
async fn the_defaults_hold_until_an_admin_changes_something() {
    let world = World::new().await;
    let (here, there) = (world.app.clone(), world.another_server().await);
    for app in [&here, &there] {
        let before = settings::get(app).await.unwrap();
        assert_eq!((before.version, before.deadlines.offer_s), (0, 30));
    }
    let admin = ops(&here, OpsRole::Admin);
    let deadlines = DeadlinesPatch { offer_s: Some(45), ..DeadlinesPatch::default() };
    let patch = SettingsPatch { deadlines, ..SettingsPatch::default() };
    settings::update(&here, &admin, UpdateSettings { patch, expected_version: Some(0) }).await.unwrap();
    // Here at once; there as soon as it is heard.
    assert_eq!(settings::get(&here).await.unwrap().version, 1);
    until("the other server hears of it", async || settings::get(&there).await.unwrap().version == 1).await;
    for app in [&here, &there] {
        let after = settings::get(app).await.unwrap();
        assert_eq!((after.version, after.deadlines.offer_s, after.deadlines.quote_s), (1, 45, 900));
    }
    let log = here.mongo.db().collection::<Document>("audit_log");
    let entry = log.find_one(doc! { "action": "settings.update" }).await.unwrap().unwrap();
    let details = entry.get_document("details").unwrap();
    assert_eq!(details.get_i64("version").unwrap(), 1);
    assert!(details.contains_key("deadlines") && !details.contains_key("commission_bps"));
    let text = serde_json::to_value(details).unwrap();
    assert_eq!(text, json!({ "deadlines": { "offer_s": { "from": 30, "to": 45 } }, "version": 1 }));
}

#[tokio::test]
async fn only_admins_change_settings() {
    let world = World::new().await;
    let app = &world.app;
    for role in [OpsRole::Support, OpsRole::Finance, OpsRole::Operations] {
        let e = settings::update(app, &ops(app, role), commission(1, None)).await.unwrap_err();
        assert_eq!(e.kind(), FaultKind::Forbidden);
    }
    let e = settings::update(app, &Actor::Anonymous, commission(1, None)).await.unwrap_err();
    assert_eq!(e.kind(), FaultKind::Unauthenticated);
    let e = settings::update(app, &ops(app, OpsRole::Admin), commission(10_001, None)).await.unwrap_err();
    assert!(matches!(e, SettingsError::OutOfRange { path: FieldPath(["commissionBps"]), .. }), "{e:?}");
    assert_eq!(settings::get(app).await.unwrap().version, 0);
}

#[tokio::test]
async fn of_two_changes_at_once_from_one_version_one_wins() {
    let world = World::new().await;
    let app = &world.app;
    let admin = ops(app, OpsRole::Admin);
    for version in 0..3 {
        // Both ask for something new: what changes nothing is a success without effect.
        let new = |n| commission(2 * version + n, Some(version));
        let both = (1..=2).map(|n| settings::update(app, &admin, new(n)));
        let (won, lost): (Vec<_>, Vec<_>) = join_all(both).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{lost:?}");
        assert!(matches!(lost[0], Err(SettingsError::StaleVersion)), "{lost:?}");
        assert_eq!(settings::get(app).await.unwrap().version, version + 1);
    }
}

#[tokio::test]
async fn settings_through_the_api() {
    let world = World::new().await;
    let (admin, support) = (world.ops(OpsRole::Admin).await, world.ops(OpsRole::Support).await);
    let fields = "version commissionBps cashFee { amountMinor currency } deliveryFee { base { amountMinor } includedM } \
                  deadlines { offerS quoteS }";
    let read = format!("{{ settings {{ {fields} }} }}");
    let before = world.gql(&support.token, &read, json!({})).await["settings"].take();
    assert_eq!((&before["version"], &before["cashFee"]["currency"]), (&json!(0), &json!("SYP")));
    let change =
        json!({ "deadlines": { "offerS": 60 }, "deliveryFee": { "baseMinor": 1 }, "expectedVersion": 0 });
    let selection = format!("settings {{ {fields} }}");
    let after =
        world.mutate(&admin.token, "settingsUpdate", &selection, change.clone()).await["settings"].take();
    assert_eq!((&after["deadlines"]["offerS"], &after["deadlines"]["quoteS"]), (&json!(60), &json!(900)));
    assert_eq!(after["deliveryFee"]["base"]["amountMinor"], 1);
    assert_eq!(world.gql(&support.token, &read, json!({})).await["settings"], after);
    assert!(world.refused(&admin.token, "settingsUpdate", change).await.contains_key("STALE_VERSION"));
    let negative = json!({ "cashFeeMinor": -1 });
    assert!(
        world.refused(&admin.token, "settingsUpdate", negative.clone()).await.contains_key("OUT_OF_RANGE")
    );
    let document =
        "mutation($input: SettingsUpdateInput!) { settingsUpdate(input: $input) { settings { version } } }";
    let answer = world.gql_raw(Some(&support.token), document, json!({ "input": negative })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn what_changes_nothing_has_no_effect_and_the_fee_keeps_its_bound() {
    let world = World::new().await;
    let admin = world.ops(OpsRole::Admin).await;
    let log = world.app.mongo.db().collection::<Document>("audit_log");
    let entries = || log.count_documents(doc! { "action": "settings.update" });
    for input in [json!({}), json!({ "deliveryFee": {} }), json!({ "commissionBps": 1_500 })] {
        let same = world.mutate(&admin.token, "settingsUpdate", "settings { version }", input.clone()).await;
        assert_eq!(same["settings"]["version"], 0, "{input}");
    }
    assert_eq!(entries().await.unwrap(), 0);
    for (fee, field) in [
        (json!({ "maxMinor": 1 }), json!(["deliveryFee", "maxMinor"])),
        (json!({ "baseMinor": 3_000_001 }), json!(["deliveryFee", "baseMinor"])),
        (json!({ "baseMinor": 10, "maxMinor": 9 }), json!(["deliveryFee", "maxMinor"])),
        (json!({ "perKmMinor": -1 }), json!(["deliveryFee", "perKmMinor"])),
    ] {
        let input = json!({ "deliveryFee": fee });
        let payload = world.try_mutate(&admin.token, "settingsUpdate", "", input).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("OUT_OF_RANGE"), &field), "{fee}");
    }
    let input = json!({ "deliveryFee": { "baseMinor": 700_000, "maxMinor": 700_000 } });
    let made = world.mutate(&admin.token, "settingsUpdate", "settings { version }", input).await;
    assert_eq!((made["settings"]["version"].as_i64(), entries().await.unwrap()), (Some(1), 1));
}
