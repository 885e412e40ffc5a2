//! Saved addresses: one's own only, bounded, versioned.

use daraa_domain::actor::{Actor, Person};
use daraa_domain::address::{
    self, AddressError, AddressLabel, AddressNotes, CreateAddress, MAX_ADDRESSES, UpdateAddress,
};
use daraa_domain::app::App;
use daraa_domain::place::Point;
use daraa_platform::fault::{Fault as _, FaultKind};
use daraa_tests::World;

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
