//! Accounts: one a phone, roles by admins, memberships by the store room.

use daraa_domain::account::{self, AccountError, GrantOpsRole, PersonName, Phone, UpdateAccount};
use daraa_domain::actor::{Actor, OpsRole, Person, StaffRole};
use daraa_domain::app::App;
use daraa_domain::ids::{AccountId, CourierId, StoreId};
use daraa_platform::fault::{Fault as _, FaultKind, Lang};
use daraa_platform::transact;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde_json::json;

fn phone(n: u32) -> Phone {
    Phone::parse(&format!("+96394400{n:04}")).unwrap()
}

async fn person(app: &App, n: u32) -> AccountId {
    account::ensure(app, phone(n), PersonName::parse("Layla").unwrap(), Lang::Ar).await.unwrap().id
}

fn actor(app: &App, account_id: AccountId, ops: Option<OpsRole>) -> Actor {
    Actor::Person(Person { account_id, session_id: app.ids.next(), ops, courier_id: None, staff: Vec::new() })
}

#[tokio::test]
async fn one_account_a_phone_even_when_made_at_once() {
    let world = World::new().await;
    let app = &world.app;
    let ids = join_all((0..8).map(|_| person(app, 1))).await;
    assert!(ids.iter().all(|id| *id == ids[0]));
    let accounts = app.mongo.db().collection::<Document>("accounts");
    assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_change_is_seen_at_once_on_every_server() {
    let world = World::new().await;
    let there = world.another_server().await;
    let id = person(&world.app, 1).await;
    for app in [&world.app, &there] {
        assert_eq!(account::get(app, id).await.unwrap().name, "Layla");
    }
    let change = UpdateAccount { name: Some(PersonName::parse("ليلى").unwrap()), lang: Some(Lang::En) };
    let me = actor(&world.app, id, None);
    assert_eq!(account::update(&world.app, &me, change).await.unwrap().version, 2);
    for app in [&world.app, &there] {
        let seen = account::get(app, id).await.unwrap();
        assert_eq!((seen.name.as_str(), seen.lang), ("ليلى", Lang::En));
        assert_eq!(account::get_many(app, &[id, app.ids.next()]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn only_admins_give_roles_and_nobody_their_own() {
    let world = World::new().await;
    let app = &world.app;
    let (admin, other) = (person(app, 1).await, person(app, 2).await);
    let first = GrantOpsRole { phone: phone(1), role: Some(OpsRole::Admin) };
    account::grant_ops_role(app, &Actor::System("test"), first).await.unwrap();
    let grant = |n, role| GrantOpsRole { phone: phone(n), role };
    for role in [None, Some(OpsRole::Support), Some(OpsRole::Finance), Some(OpsRole::Operations)] {
        let e = account::grant_ops_role(app, &actor(app, other, role), grant(2, Some(OpsRole::Admin))).await;
        assert_eq!(e.unwrap_err().kind(), FaultKind::Forbidden);
    }
    let e = account::grant_ops_role(app, &Actor::Anonymous, grant(2, None)).await.unwrap_err();
    assert_eq!(e.kind(), FaultKind::Unauthenticated);
    let me = actor(app, admin, Some(OpsRole::Admin));
    let e = account::grant_ops_role(app, &me, grant(1, None)).await.unwrap_err();
    assert!(matches!(e, AccountError::OwnRole));
    let e = account::grant_ops_role(app, &me, grant(9, None)).await.unwrap_err();
    assert!(matches!(e, AccountError::AccountNotFound));
    for _ in 0..2 {
        let given = account::grant_ops_role(app, &me, grant(2, Some(OpsRole::Finance))).await.unwrap();
        assert_eq!((given.ops, given.version), (Some(OpsRole::Finance), 2));
    }
    let taken = account::grant_ops_role(app, &me, grant(2, None)).await.unwrap();
    assert_eq!(taken.ops, None);
    let log = app.mongo.db().collection::<Document>("audit_log");
    let acts = log.count_documents(doc! { "action": "account.grant_ops_role" }).await.unwrap();
    assert_eq!(acts, 3, "the first admin, the role given once, the role taken");
}

#[tokio::test]
async fn memberships_of_two_stores_at_once_are_both_kept() {
    let world = World::new().await;
    let app = &world.app;
    let id = person(app, 1).await;
    let stores: Vec<StoreId> = (0..6).map(|_| app.ids.next()).collect();
    let set = async |store: StoreId, role: Option<StaffRole>| {
        transact!(&app.mongo, "test.membership", AccountError, |tx| {
            account::set_membership_in_tx(app, tx, id, store, role).await
        })
    };
    for outcome in join_all(stores.iter().map(|store| set(*store, Some(StaffRole::Owner)))).await {
        outcome.unwrap();
    }
    assert_eq!(account::get(app, id).await.unwrap().memberships.len(), 6);
    set(stores[0], None).await.unwrap();
    assert_eq!(account::get(app, id).await.unwrap().memberships.len(), 5);
}

#[tokio::test]
async fn a_courier_is_one_person() {
    let world = World::new().await;
    let app = &world.app;
    let (one, two) = (person(app, 1).await, person(app, 2).await);
    let courier: CourierId = app.ids.next();
    let set = async |account: AccountId, courier: Option<CourierId>| {
        transact!(&app.mongo, "test.courier", AccountError, |tx| {
            account::set_courier_in_tx(app, tx, account, courier).await
        })
    };
    for _ in 0..2 {
        set(one, Some(courier)).await.unwrap();
    }
    assert!(matches!(set(one, Some(app.ids.next())).await, Err(AccountError::AlreadyCourier)));
    assert!(set(two, Some(courier)).await.is_err());
    set(one, None).await.unwrap();
    set(two, Some(courier)).await.unwrap();
    assert_eq!(account::get(app, two).await.unwrap().courier_id, Some(courier));
}

#[tokio::test]
async fn people_change_themselves_and_admins_roles_through_the_api() {
    let world = World::new().await;
    let (me, admin) = (world.customer().await, world.ops(OpsRole::Admin).await);
    let account = "account { id name lang opsRole }";
    let changed =
        world.mutate(&me.token, "accountUpdate", account, json!({ "name": " ليلى ", "lang": "AR" })).await;
    assert_eq!(changed["account"]["name"], "ليلى");
    for name in ["", "\u{202e}aliyaL", "\u{0}\u{202e}", "\u{200b}"] {
        let refused = world.refused(&me.token, "accountUpdate", json!({ "name": name })).await;
        assert!(refused.contains_key("INVALID_NAME"), "{name:?}");
    }
    let grant = json!({ "phone": me.phone, "role": "SUPPORT" });
    let granted = world.mutate(&admin.token, "opsRoleGrant", account, grant.clone()).await;
    assert_eq!(granted["account"]["opsRole"], "SUPPORT");
    let document = "mutation($input: OpsRoleGrantInput!) { opsRoleGrant(input: $input) { account { id } } }";
    let answer = world.gql_raw(Some(&me.token), document, json!({ "input": grant })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let own = json!({ "phone": admin.phone, "role": "NONE" });
    assert!(world.refused(&admin.token, "opsRoleGrant", own).await.contains_key("OWN_ROLE"));
    let unknown = json!({ "phone": "+963944000000", "role": "NONE" });
    assert!(world.refused(&admin.token, "opsRoleGrant", unknown).await.contains_key("ACCOUNT_NOT_FOUND"));
    let taken = world
        .mutate(&admin.token, "opsRoleGrant", account, json!({ "phone": me.phone, "role": "NONE" }))
        .await;
    assert!(taken["account"]["opsRole"].is_null());
}
