//! Saved addresses: one's own only, bounded, versioned.

use daraa_domain::actor::{Actor, Person};
use daraa_domain::address::{
    self, AddressError, AddressLabel, AddressNotes, CreateAddress, MAX_ADDRESSES, UpdateAddress,
};
use daraa_domain::app::App;
use daraa_domain::place::Point;
use daraa_platform::fault::{Fault as _, FaultKind};
use daraa_tests::World;
use serde_json::json;

fn customer(app: &App) -> Actor {
    Actor::Person(Person {
        account_id: app.ids.next(),
        session_id: app.ids.next(),
        ops: None,
        courier_id: None,
        staff: Vec::new(),
    })
}

fn home() -> CreateAddress {
    CreateAddress {
        label: AddressLabel::parse("البيت").unwrap(),
        point: Point::new(36.10, 32.62).unwrap(),
        notes: AddressNotes::parse("2nd floor").unwrap(),
    }
}

#[tokio::test]
async fn an_address_is_saved_changed_and_forgotten() {
    let world = World::new().await;
    let app = &world.app;
    let me = customer(app);
    let account_id = me.person().unwrap().account_id;
    let saved = address::create(app, &me, home()).await.unwrap();
    assert_eq!(address::get(app, account_id, saved.id).await.unwrap(), saved);
    let nothing =
        UpdateAddress { id: saved.id, label: None, point: None, notes: None, expected_version: Some(1) };
    assert_eq!(address::update(app, &me, nothing.clone()).await.unwrap().version, 1);
    let moved =
        UpdateAddress { point: Some(Point::new(36.2, 32.7).unwrap()), notes: Some(None), ..nothing.clone() };
    let moved = address::update(app, &me, moved).await.unwrap();
    assert_eq!((moved.version, moved.notes, moved.label.as_str()), (2, None, "البيت"));
    let stale = address::update(app, &me, nothing).await.unwrap_err();
    assert!(matches!(stale, AddressError::StaleVersion));
    address::delete(app, &me, saved.id).await.unwrap();
    let gone = address::delete(app, &me, saved.id).await.unwrap_err();
    assert!(matches!(gone, AddressError::AddressNotFound));
    assert!(address::list(app, &me).await.unwrap().is_empty());
}

#[tokio::test]
async fn somebody_elses_address_is_not_found() {
    let world = World::new().await;
    let app = &world.app;
    let (me, other) = (customer(app), customer(app));
    let saved = address::create(app, &me, home()).await.unwrap();
    let theirs = other.person().unwrap().account_id;
    assert!(matches!(address::get(app, theirs, saved.id).await, Err(AddressError::AddressNotFound)));
    let change = UpdateAddress {
        id: saved.id,
        label: Some(AddressLabel::parse("mine now").unwrap()),
        point: None,
        notes: None,
        expected_version: None,
    };
    assert!(matches!(address::update(app, &other, change).await, Err(AddressError::AddressNotFound)));
    assert!(matches!(address::delete(app, &other, saved.id).await, Err(AddressError::AddressNotFound)));
    assert!(address::list(app, &other).await.unwrap().is_empty());
    let e = address::create(app, &Actor::Anonymous, home()).await.unwrap_err();
    assert_eq!(e.kind(), FaultKind::Unauthenticated);
    assert_eq!(address::list(app, &me).await.unwrap(), vec![saved]);
}

#[tokio::test]
async fn nobody_saves_more_addresses_than_a_list_shows() {
    let world = World::new().await;
    let app = &world.app;
    let me = customer(app);
    for _ in 0..MAX_ADDRESSES {
        address::create(app, &me, home()).await.unwrap();
    }
    let e = address::create(app, &me, home()).await.unwrap_err();
    assert!(matches!(e, AddressError::TooManyAddresses { .. }));
    assert_eq!(i64::try_from(address::list(app, &me).await.unwrap().len()).unwrap(), MAX_ADDRESSES);
}

#[tokio::test]
async fn addresses_through_the_api() {
    let world = World::new().await;
    let (me, other) = (world.customer().await, world.customer().await);
    let address = "address { id label point { lon lat } notes version servedByCount }";
    let home = json!({ "label": "Home", "point": { "lon": 36.10, "lat": 32.62 }, "notes": " " });
    let saved = world.mutate(&me.token, "addressCreate", address, home).await["address"].take();
    assert_eq!(
        (&saved["label"], &saved["notes"], &saved["servedByCount"]),
        (&json!("Home"), &json!(null), &json!(0))
    );
    world.open_store().await;
    let mine = world.gql(&me.token, "{ myAddresses { id servedByCount } }", json!({})).await;
    assert_eq!(mine["myAddresses"], json!([{ "id": saved["id"], "servedByCount": 1 }]));
    let theirs = world.gql(&other.token, "{ myAddresses { id } }", json!({})).await;
    assert_eq!(theirs["myAddresses"], json!([]));
    let id = &saved["id"];
    let change = json!({ "addressId": id, "notes": "Blue door", "expectedVersion": 1 });
    let changed = world.mutate(&me.token, "addressUpdate", address, change.clone()).await;
    assert_eq!(
        (&changed["address"]["notes"], &changed["address"]["version"]),
        (&json!("Blue door"), &json!(2))
    );
    for (token, mutation, input, code) in [
        (&me.token, "addressUpdate", change, "STALE_VERSION"),
        (&other.token, "addressUpdate", json!({ "addressId": id, "label": "x" }), "ADDRESS_NOT_FOUND"),
        (&other.token, "addressDelete", json!({ "addressId": id }), "ADDRESS_NOT_FOUND"),
        (&me.token, "addressDelete", json!({ "addressId": "adr_1" }), "MALFORMED_ID"),
        (
            &me.token,
            "addressCreate",
            json!({ "label": "", "point": { "lon": 0, "lat": 0 } }),
            "INVALID_LABEL",
        ),
        (
            &me.token,
            "addressCreate",
            json!({ "label": "Home\u{202e}", "point": { "lon": 0, "lat": 0 } }),
            "INVALID_LABEL",
        ),
        (
            &me.token,
            "addressCreate",
            json!({ "label": "x", "point": { "lon": 181, "lat": 0 } }),
            "INVALID_POINT",
        ),
        (
            &me.token,
            "addressCreate",
            json!({ "label": "x", "point": { "lon": 0, "lat": 0 }, "notes": "x".repeat(501) }),
            "INVALID_NOTES",
        ),
    ] {
        let codes = world.refused(token, mutation, input).await;
        assert_eq!(codes.into_keys().collect::<Vec<_>>(), [code], "{mutation}");
    }
    let gone = world.mutate(&me.token, "addressDelete", "addressId", json!({ "addressId": id })).await;
    assert_eq!(gone["addressId"], *id);
}
