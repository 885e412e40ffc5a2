//! The platform's settings: typed, versioned, cached, audited.

use daraa_domain::actor::{Actor, OpsRole, Person};
use daraa_domain::app::App;
use daraa_domain::settings::{self, DeadlinesPatch, SettingsError, SettingsPatch, UpdateSettings};
use daraa_platform::fault::{Fault as _, FaultKind};
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};

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
    for app in [&here, &there] {
        let after = settings::get(app).await.unwrap();
        assert_eq!((after.version, after.deadlines.offer_s, after.deadlines.quote_s), (1, 45, 900));
    }
    let log = here.mongo.db().collection::<Document>("audit_log");
    let entry = log.find_one(doc! { "action": "settings.update" }).await.unwrap().unwrap();
    let details = entry.get_document("details").unwrap();
    assert_eq!(details.get_i64("version").unwrap(), 1);
    assert!(details.contains_key("deadlines") && !details.contains_key("commission_bps"));
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
    assert!(matches!(e, SettingsError::OutOfRange { name: "commissionBps", .. }), "{e:?}");
    assert_eq!(settings::get(app).await.unwrap().version, 0);
}

#[tokio::test]
async fn of_two_changes_at_once_from_one_version_one_wins() {
    let world = World::new().await;
    let app = &world.app;
    let admin = ops(app, OpsRole::Admin);
    for version in 0..3 {
        let both = (1..=2).map(|n| settings::update(app, &admin, commission(n, Some(version))));
        let (won, lost): (Vec<_>, Vec<_>) = join_all(both).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{lost:?}");
        assert!(matches!(lost[0], Err(SettingsError::StaleVersion)), "{lost:?}");
        assert_eq!(settings::get(app).await.unwrap().version, version + 1);
    }
}
