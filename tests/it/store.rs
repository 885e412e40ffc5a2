//! Stores: setting up, staff, life cycle, hours, areas, finding by place.

use std::collections::HashSet;
use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole, StaffRole};
use daraa_domain::store::{self, NearFilter, NearSort, StoreError};
use daraa_platform::paging::PageRequest;
use daraa_tests::{Someone, World};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use serde_json::{Value, json};

use daraa_domain::place::Point;

const ALL_DAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

fn hours(opens: &str, closes: &str) -> Vec<Value> {
    ALL_DAYS.iter().map(|day| json!({ "weekday": day, "opens": opens, "closes": closes })).collect()
}

fn ring(lon: f64, lat: f64, half: f64) -> Value {
    let corner = |x: f64, y: f64| json!({ "lon": lon + x, "lat": lat + y });
    json!([
        corner(-half, -half),
        corner(half, -half),
        corner(half, half),
        corner(-half, half),
        corner(-half, -half)
    ])
}

fn codes(of: &std::collections::BTreeMap<String, usize>) -> Vec<&str> {
    of.keys().map(String::as_str).collect()
}

/// A draft with hours and an area, so that only the life cycle is left.
async fn draft(world: &World, owner: &Someone) -> String {
    let made = world.open_store().await;
    drop(made);
    let category = world.gql("", "{ storeCategories { id } }", json!({})).await;
    let input = json!({
        "name": { "en": "Draft" }, "categoryId": category["storeCategories"][0]["id"],
        "point": { "lon": 36.1, "lat": 32.62 }, "phone": "+963944555666",
    });
    let seen_by_owner = "store { id status availableActions menu { id } products { nodes { id } } }";
    let made = world.mutate(&owner.token, "storeCreate", seen_by_owner, input).await;
    assert_eq!(made["store"]["status"], "DRAFT");
    assert_eq!(made["store"]["availableActions"], json!(["SUBMIT", "CLOSE"]), "its owner from the start");
    made["store"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_store_lives_by_its_machine() {
    let world = World::new().await;
    let owner = world.customer().await;
    let stranger = world.customer().await;
    let ops = world.ops(OpsRole::Operations).await;
    let store = draft(&world, &owner).await;
    let id = json!({ "storeId": store });

    // A draft is nobody's business.
    let query = "query($id: ID!) { store(id: $id) { status availableActions } }";
    for token in ["", &stranger.token] {
        assert_eq!(world.gql(token, query, json!({ "id": store })).await["store"], Value::Null);
    }
    let mine = world.gql(&owner.token, query, json!({ "id": store })).await;
    assert_eq!(mine["store"]["availableActions"], json!(["SUBMIT", "CLOSE"]));

    assert_eq!(codes(&world.refused(&owner.token, "storeSubmit", id.clone()).await), ["STORE_INCOMPLETE"]);
    let week = json!({ "storeId": store, "hours": hours("00:00", "24:00") });
    world.mutate(&owner.token, "storeHoursSet", "store { id }", week).await;
    let area = json!({ "storeId": store, "polygons": [[ring(36.1, 32.62, 0.1)]] });
    world.mutate(&owner.token, "storeServiceAreaSet", "store { id }", area).await;
    assert_eq!(codes(&world.refused(&ops.token, "storeReopen", id.clone()).await), ["INVALID_TRANSITION"]);
    let sent = world.mutate(&owner.token, "storeSubmit", "store { status version }", id.clone()).await;
    let again = world.mutate(&owner.token, "storeSubmit", "store { status version }", id.clone()).await;
    assert_eq!(sent, again, "there already is a success without effect");

    let back = json!({ "storeId": store, "reason": "The name is missing in Arabic." });
    world.mutate(&ops.token, "storeSendBack", "store { status }", back).await;
    world.mutate(&owner.token, "storeSubmit", "store { status }", id.clone()).await;
    let live =
        world.mutate(&ops.token, "storeApprove", "store { status history { action } }", id.clone()).await;
    assert_eq!(live["store"]["status"], "ACTIVE");
    let actions: Vec<&Value> =
        live["store"]["history"].as_array().unwrap().iter().map(|step| &step["action"]).collect();
    assert_eq!(json!(actions), json!(["SUBMIT", "SEND_BACK", "SUBMIT", "APPROVE"]));
    assert_ne!(world.gql("", query, json!({ "id": store })).await["store"], Value::Null);

    let bad = json!({ "storeId": store, "reason": " " });
    assert_eq!(codes(&world.refused(&ops.token, "storeSuspend", bad).await), ["REASON_REQUIRED"]);
    world.mutate(&owner.token, "storeClose", "store { status }", id.clone()).await;
    assert_eq!(codes(&world.refused(&ops.token, "storeApprove", id.clone()).await), ["INVALID_TRANSITION"]);
    let pause = json!({ "storeId": store, "minutes": 5 });
    assert_eq!(codes(&world.refused(&owner.token, "storePause", pause).await), ["INVALID_TRANSITION"]);
}

#[tokio::test]
async fn staff_come_by_invitation_and_the_last_owner_stays() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let store = shop.store_id.to_string();
    let phone = world.new_phone();
    let invite = json!({ "storeId": store, "phone": phone, "role": "MANAGER" });
    let made =
        world.mutate(&shop.owner.token, "storeStaffInvite", "invitation { id status }", invite.clone()).await;
    let invitation = json!({ "invitationId": made["invitation"]["id"] });
    let twice = world.refused(&shop.owner.token, "storeStaffInvite", invite).await;
    assert_eq!(codes(&twice), ["ALREADY_INVITED"]);

    // The invitation is for a number: somebody else's does not see it.
    let stranger = world.customer().await;
    let stolen = world.refused(&stranger.token, "storeInvitationAccept", invitation.clone()).await;
    assert_eq!(codes(&stolen), ["INVITATION_NOT_FOUND"]);
    let manager = world.sign_in(&phone).await;
    let mine = world.gql(&manager.token, "{ myInvitations { id storeName { en } role } }", json!({})).await;
    assert_eq!(mine["myInvitations"][0]["role"], "MANAGER");
    for _ in 0..2 {
        world
            .mutate(&manager.token, "storeInvitationAccept", "invitation { status }", invitation.clone())
            .await;
    }
    assert_eq!(world.actor(&manager).await.rank_in(shop.store_id), Some(StaffRole::Manager));
    let people = "query($id: ID!) { storeStaff(storeId: $id) { accountId role } }";
    let staff = world.gql(&manager.token, people, json!({ "id": store })).await;
    assert_eq!(staff["storeStaff"].as_array().unwrap().len(), 2);

    // A manager does not invite, and does not remove the owner.
    let wish = json!({ "query":
        "mutation($input: StoreStaffInviteInput!) { storeStaffInvite(input: $input) { invitation { id } } }",
        "variables": { "input": { "storeId": store, "phone": world.new_phone(), "role": "STAFF" } } });
    let denied = world.post(Some(&manager.token), wish.to_string()).await.1;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let owner_id = shop.owner.account_id.to_string();
    let last = json!({ "storeId": store, "accountId": owner_id });
    assert_eq!(codes(&world.refused(&shop.owner.token, "storeStaffRemove", last).await), ["LAST_OWNER"]);
    let leave = json!({ "storeId": store, "accountId": manager.account_id.to_string() });
    world.mutate(&manager.token, "storeStaffRemove", "accountId", leave.clone()).await;
    assert_eq!(world.actor(&manager).await.rank_in(shop.store_id), None, "rights end at once");
    assert_eq!(
        codes(&world.refused(&shop.owner.token, "storeStaffRemove", leave).await),
        ["STAFF_NOT_FOUND"]
    );

    // An invitation ends by itself.
    let phone = world.new_phone();
    let invite = json!({ "storeId": store, "phone": phone, "role": "STAFF" });
    let made = world.mutate(&shop.owner.token, "storeStaffInvite", "invitation { id }", invite.clone()).await;
    world.pass(Duration::from_secs(8 * 86_400));
    let late = world.sign_in(&phone).await;
    let id = json!({ "invitationId": made["invitation"]["id"] });
    assert_eq!(codes(&world.refused(&late.token, "storeInvitationAccept", id).await), ["INVITATION_CLOSED"]);
    let owner = world.sign_in(&shop.owner.phone).await;
    world.mutate(&owner.token, "storeStaffInvite", "invitation { id }", invite).await;
}

#[tokio::test]
async fn two_owners_cannot_remove_each_other_at_once() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let phone = world.new_phone();
    let invite = json!({ "storeId": shop.store_id.to_string(), "phone": phone, "role": "OWNER" });
    let made = world.mutate(&shop.owner.token, "storeStaffInvite", "invitation { id }", invite).await;
    let other = world.sign_in(&phone).await;
    let id = json!({ "invitationId": made["invitation"]["id"] });
    world.mutate(&other.token, "storeInvitationAccept", "invitation { id }", id).await;
    let (a, b) = (world.actor(&shop.owner).await, world.actor(&other).await);
    let (first, second) = tokio::join!(
        store::staff::remove(&world.app, &a, shop.store_id, other.account_id),
        store::staff::remove(&world.app, &b, shop.store_id, shop.owner.account_id),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let left = store::staff::list(&world.app, &Actor::System("test"), shop.store_id).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_changed_store_is_seen_at_once_and_stale_versions_are_refused() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let store = shop.store_id.to_string();
    let query =
        "query($id: ID!) { store(id: $id) { version name { en } prepMinutes minOrder { amountMinor } } }";
    let before = world.gql("", query, json!({ "id": store })).await;
    let version = before["store"]["version"].as_i64().unwrap();
    let update = json!({
        "storeId": store, "expectedVersion": version, "prepMinutes": 45, "minOrderMinor": 5_000,
        "name": { "en": "Renamed", "ar": "جديد" },
    });
    world.mutate(&shop.owner.token, "storeUpdate", "store { id }", update.clone()).await;
    let after = world.gql("", query, json!({ "id": store })).await;
    assert_eq!(after["store"]["name"]["en"], "Renamed");
    assert_eq!(after["store"]["prepMinutes"], 45);
    assert_eq!(after["store"]["minOrder"]["amountMinor"], 5_000);
    assert_eq!(codes(&world.refused(&shop.owner.token, "storeUpdate", update).await), ["STALE_VERSION"]);
    for (field, value, code) in [
        ("prepMinutes", json!(0), "OUT_OF_RANGE"),
        ("minOrderMinor", json!(-1), "OUT_OF_RANGE"),
        ("name", json!({ "en": " " }), "BAD_NAME"),
        ("timeZone", json!("Mars/Olympus"), "BAD_TIME_ZONE"),
        ("phone", json!("12"), "BAD_PHONE"),
        ("point", json!({ "lon": 200.0, "lat": 0.0 }), "BAD_POINT"),
        ("categoryId", json!("cat_000000000000000000000000"), "CATEGORY_NOT_FOUND"),
        ("categoryId", json!("sto_000000000000000000000000"), "MALFORMED_ID"),
    ] {
        let input = json!({ "storeId": store, field: value });
        assert_eq!(codes(&world.refused(&shop.owner.token, "storeUpdate", input).await), [code], "{field}");
    }
    let unchanged = world.gql("", query, json!({ "id": store })).await;
    assert_eq!(after, unchanged, "what was refused left no trace");
    let stranger = world.open_store().await.owner;
    let foreign = json!({ "storeId": store, "prepMinutes": 1 });
    assert_eq!(codes(&world.refused(&stranger.token, "storeUpdate", foreign).await), ["STORE_NOT_FOUND"]);
}

#[tokio::test]
async fn hours_pauses_and_closures_decide_what_is_open() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let store = shop.store_id.to_string();
    let mut token = shop.owner.token.clone();
    let query = "query($id: ID!) { store(id: $id) { availability { open reason opensAt closesAt } } }";
    let now = async || world.gql("", query, json!({ "id": store })).await["store"]["availability"].take();
    let week = json!({ "storeId": store, "hours": hours("18:00", "02:00") });
    world.mutate(&token, "storeHoursSet", "store { id }", week).await;
    // The world begins at noon in Damascus.
    assert_eq!(now().await["reason"], "OUTSIDE_HOURS");
    assert_eq!(now().await["opensAt"], "2026-01-05T15:00:00.000Z");
    world.pass(Duration::from_secs(13 * 3_600));
    assert_eq!(now().await["open"], true, "one at night");
    // The token of noon is long over.
    token.clone_from(&world.sign_in(&shop.owner.phone).await.token);
    assert_eq!(now().await["closesAt"], "2026-01-05T23:00:00.000Z");
    world.mutate(&token, "storePause", "store { id }", json!({ "storeId": store, "minutes": 10 })).await;
    assert_eq!(now().await["reason"], "PAUSED");
    world.mutate(&token, "storeResume", "store { id }", json!({ "storeId": store })).await;
    assert_eq!(now().await["open"], true);
    let closure = json!({
        "storeId": store, "from": "2026-01-05T20:00:00Z", "until": "2026-01-10T00:00:00Z", "reason": "Holidays",
    });
    world.mutate(&token, "storeClosureAdd", "store { id }", closure).await;
    assert_eq!(now().await["reason"], "CLOSURE");
    let from = json!({ "storeId": store, "from": "2026-01-05T20:00:00Z" });
    world.mutate(&token, "storeClosureRemove", "store { id }", from).await;
    assert_eq!(now().await["open"], true);
    for (input, code) in [
        (json!([{ "weekday": "MONDAY", "opens": "9:00", "closes": "10:00" }]), "BAD_TIME"),
        (
            json!([
                { "weekday": "SUNDAY", "opens": "20:00", "closes": "03:00" },
                { "weekday": "MONDAY", "opens": "02:00", "closes": "05:00" },
            ]),
            "HOURS_OVERLAP",
        ),
    ] {
        let refused =
            world.refused(&token, "storeHoursSet", json!({ "storeId": store, "hours": input })).await;
        assert_eq!(codes(&refused), [code]);
    }
}

#[tokio::test]
async fn areas_with_holes_and_islands_and_bad_rings() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let store = shop.store_id.to_string();
    let set = |polygons: Value| json!({ "storeId": store, "polygons": polygons });
    let polygons = json!([[ring(36.1, 32.62, 0.1), ring(36.1, 32.62, 0.02)], [ring(36.5, 32.62, 0.05)]]);
    world
        .mutate(&shop.owner.token, "storeServiceAreaSet", "store { serviceArea { lon lat } }", set(polygons))
        .await;
    let query = "query($p: PointInput!) { stores(near: $p) { edges { distanceM open node { id } } } }";
    for (lon, found) in [(36.05, 1), (36.1, 0), (36.5, 1), (36.3, 0)] {
        let answer = world.gql("", query, json!({ "p": { "lon": lon, "lat": 32.62 } })).await;
        assert_eq!(answer["stores"]["edges"].as_array().unwrap().len(), found, "{lon}");
    }
    let bow_tie = json!([[[
        { "lon": 36.0, "lat": 32.0 }, { "lon": 36.1, "lat": 32.1 },
        { "lon": 36.1, "lat": 32.0 }, { "lon": 36.0, "lat": 32.1 }, { "lon": 36.0, "lat": 32.0 },
    ]]]);
    for (polygons, code) in [
        (json!([]), "AREA_EMPTY"),
        (bow_tie, "AREA_SELF_INTERSECTS"),
        (json!([[[{ "lon": 36.0, "lat": 32.0 }, { "lon": 36.1, "lat": 32.1 }]]]), "AREA_TOO_FEW_POINTS"),
        (json!([[ring(36.1, 32.62, 0.1), ring(36.6, 32.62, 0.02)]]), "AREA_BAD_HOLE"),
        (json!([[ring(36.1, 32.62, 0.1)], [ring(36.15, 32.62, 0.1)]]), "AREA_OVERLAP"),
        (json!([[ring(36.1, 32.62, 1.5)]]), "AREA_TOO_LARGE"),
        (json!([[ring(36.1, 95.0, 0.1)]]), "BAD_POINT"),
    ] {
        let refused = world.refused(&shop.owner.token, "storeServiceAreaSet", set(polygons)).await;
        assert_eq!(codes(&refused), [code]);
    }
}

#[tokio::test]
async fn near_stores_come_nearest_first_on_stable_pages() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for i in 0..7_u32 {
        let shop = world.open_store().await;
        // Two of them stand at the same place.
        let lon = 36.10 + f64::from(i.min(5)) * 0.005;
        let input = json!({ "storeId": shop.store_id.to_string(), "point": { "lon": lon, "lat": 32.62 } });
        world.mutate(&shop.owner.token, "storeUpdate", "store { id }", input).await;
        if i == 2 {
            let pause = json!({ "storeId": shop.store_id.to_string(), "minutes": 60 });
            world.mutate(&shop.owner.token, "storePause", "store { id }", pause).await;
        }
        ids.push(shop.store_id.to_string());
    }
    let query = "query($first: Int, $after: String, $open: Boolean!, $sort: StoreSort!) {
        stores(near: { lon: 36.10, lat: 32.62 }, openNow: $open, sort: $sort, first: $first, after: $after) {
            edges { cursor distanceM open node { id } } pageInfo { hasNextPage endCursor } } }";
    let walk = async |open: bool, sort: &str, first: i32| {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let vars = json!({ "first": first, "after": after, "open": open, "sort": sort });
            let page = world.gql("", query, vars).await["stores"].take();
            seen.extend(
                page["edges"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|e| e["node"]["id"].as_str().unwrap().to_owned()),
            );
            if page["pageInfo"]["hasNextPage"] == false {
                return seen;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    };
    let all = walk(false, "DISTANCE", 100).await;
    assert_eq!(all, ids);
    for first in [1, 2, 3] {
        assert_eq!(walk(false, "DISTANCE", first).await, ids, "{first} a page");
        let rated: HashSet<String> = walk(false, "RATING", first).await.into_iter().collect();
        assert_eq!(rated.len(), ids.len());
    }
    let open: Vec<String> =
        ids.iter().enumerate().filter(|(i, _)| *i != 2).map(|(_, id)| id.clone()).collect();
    assert_eq!(walk(true, "DISTANCE", 2).await, open);
    // Out of everybody's area.
    let far = Point::new(36.9, 32.62).unwrap();
    let filter = NearFilter { point: far, open_now: false, category_id: None, sort: NearSort::Distance };
    assert!(store::find_near(&world.app, &filter, &PageRequest::default()).await.unwrap().rows.is_empty());
    let unknown = NearFilter { category_id: Some(world.app.ids.next()), ..filter };
    let refused = store::find_near(&world.app, &unknown, &PageRequest::default()).await;
    assert!(matches!(refused, Err(StoreError::CategoryNotFound)));
}

/// The code and field of the first thing that was wrong; null when nothing was.
async fn why(world: &World, token: &str, name: &str, input: Value) -> (Value, Value) {
    let payload = world.try_mutate(token, name, "", input).await;
    let error = &payload["userErrors"][0];
    (error["code"].clone(), error["field"].clone())
}

#[tokio::test]
async fn what_is_wrong_is_said_of_the_field_that_was_sent() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    let day = |date: &str, ranges: Value| json!({ "storeId": store, "date": date, "ranges": ranges });
    let hours = |opens: &str, closes: &str| json!([{ "opens": opens, "closes": closes }]);
    let week =
        json!({ "storeId": store, "hours": [{ "weekday": "MONDAY", "opens": "24:00", "closes": "24:00" }] });
    let two = json!([{ "opens": "08:00", "closes": "12:00" }, { "opens": "11:00", "closes": "13:00" }]);
    for (name, input, code, field) in [
        ("storeHoursSet", week, "BAD_TIME", json!(["hours"])),
        ("storeDaySet", day("2026-01-06", hours("9:00", "10:00")), "BAD_TIME", json!(["ranges"])),
        ("storeDaySet", day("2026-01-06", hours("24:00", "24:00")), "BAD_TIME", json!(["ranges"])),
        ("storeDaySet", day("2026-01-06", two), "HOURS_OVERLAP", json!(["ranges"])),
        ("storeDaySet", day("0000-01-01", Value::Null), "BAD_DATE", json!(["date"])),
        ("storeDaySet", day("2020-01-01", json!([])), "BAD_DATE", json!(["date"])),
        ("storeDaySet", day("2026-01-03", json!([])), "BAD_DATE", json!(["date"])),
        ("storeDaySet", day("2028-01-06", json!([])), "BAD_DATE", json!(["date"])),
        (
            "storeServiceAreaSet",
            json!({ "storeId": store, "polygons": [[ring(36.1, 95.0, 0.1)]] }),
            "BAD_POINT",
            json!(["polygons"]),
        ),
        (
            "storeUpdate",
            json!({ "storeId": store, "point": { "lon": 200.0, "lat": 0.0 } }),
            "BAD_POINT",
            json!(["point"]),
        ),
        (
            "storeUpdate",
            json!({ "storeId": store, "prepMinutes": 0 }),
            "OUT_OF_RANGE",
            json!(["prepMinutes"]),
        ),
        (
            "storeUpdate",
            json!({ "storeId": store, "categoryId": "x" }),
            "MALFORMED_ID",
            json!(["categoryId"]),
        ),
        ("storeUpdate", json!({ "storeId": "x", "prepMinutes": 1 }), "MALFORMED_ID", json!(["storeId"])),
        ("storePause", json!({ "storeId": store, "minutes": 0 }), "OUT_OF_RANGE", json!(["minutes"])),
    ] {
        assert_eq!(why(&world, token, name, input.clone()).await, (json!(code), field), "{name} {input}");
    }
    // The world begins on 2026-01-05: yesterday and the last day of the two years are fine.
    for date in ["2026-01-04", "2028-01-05"] {
        world.mutate(token, "storeDaySet", "store { id }", day(date, hours("08:00", "24:00"))).await;
    }
    let nowhere = r#"{ stores(near: { lon: 200, lat: 0 }) { nodes { id } } }"#;
    let answer = world.gql_raw(None, nowhere, Value::Null).await;
    assert_eq!(answer["errors"][0]["extensions"]["field"], json!(["near"]), "{answer}");
}

#[tokio::test]
async fn categories_are_changed_and_moved_but_never_below_themselves() {
    let world = World::new().await;
    let ops = world.ops(OpsRole::Operations).await;
    let make = async |slug: &str, parent: Value| {
        let input = json!({ "slug": slug, "name": { "en": slug }, "parentId": parent });
        let made = world.mutate(&ops.token, "storeCategoryCreate", "category { id version }", input).await;
        assert_eq!(made["category"]["version"], 1);
        made["category"]["id"].clone()
    };
    let food = make("food", Value::Null).await;
    let sweets = make("sweets", food.clone()).await;
    let cakes = make("cakes", sweets.clone()).await;
    let fields = "category { id parentId slug name { en } position version }";
    let input = json!({ "categoryId": cakes, "expectedVersion": 1, "slug": "cakes-2", "name": { "en": "Cakes" },
        "parentId": food, "position": 7 });
    let moved =
        world.mutate(&ops.token, "storeCategoryUpdate", fields, input.clone()).await["category"].take();
    assert_eq!(
        moved,
        json!({ "id": cakes, "parentId": food, "slug": "cakes-2", "name": { "en": "Cakes" }, "position": 7, "version": 2 })
    );
    let tree = world
        .gql("", "{ storeCategories { id parentId slug name { en } position version } }", json!({}))
        .await;
    assert!(tree["storeCategories"].as_array().unwrap().contains(&moved), "seen at once: {tree}");
    let same = json!({ "categoryId": cakes, "slug": "cakes-2" });
    let same = world.mutate(&ops.token, "storeCategoryUpdate", fields, same).await;
    assert_eq!(same["category"], moved, "what changes nothing has no effect");
    let root = json!({ "categoryId": cakes, "parentId": null });
    let root = world.mutate(&ops.token, "storeCategoryUpdate", fields, root).await;
    assert_eq!((&root["category"]["parentId"], &root["category"]["version"]), (&Value::Null, &json!(3)));

    let none = "cat_000000000000000000000000";
    for (input, code, field) in [
        (input, "STALE_VERSION", json!(["expectedVersion"])),
        (json!({ "categoryId": food, "parentId": sweets }), "CATEGORY_CYCLE", json!(["parentId"])),
        (json!({ "categoryId": food, "parentId": food }), "CATEGORY_CYCLE", json!(["parentId"])),
        (json!({ "categoryId": food, "parentId": none }), "CATEGORY_NOT_FOUND", json!(["parentId"])),
        (json!({ "categoryId": food, "parentId": "x" }), "MALFORMED_ID", json!(["parentId"])),
        (json!({ "categoryId": none, "position": 1 }), "CATEGORY_NOT_FOUND", json!(["categoryId"])),
        (json!({ "categoryId": "x", "position": 1 }), "MALFORMED_ID", json!(["categoryId"])),
        (json!({ "categoryId": food, "slug": "sweets" }), "SLUG_TAKEN", json!(["slug"])),
        (json!({ "categoryId": food, "slug": "-x" }), "BAD_SLUG", json!(["slug"])),
        (json!({ "categoryId": food, "name": { "en": "\u{202e}dooF" } }), "BAD_NAME", json!(["name"])),
    ] {
        let found = why(&world, &ops.token, "storeCategoryUpdate", input.clone()).await;
        assert_eq!(found, (json!(code), field), "{input}");
    }
    for (slug, parent, code, field) in [
        ("-x", Value::Null, "BAD_SLUG", "slug"),
        ("new", json!(none), "CATEGORY_NOT_FOUND", "parentId"),
        ("new", json!("x"), "MALFORMED_ID", "parentId"),
    ] {
        let input = json!({ "slug": slug, "name": { "en": "n" }, "parentId": parent });
        let found = why(&world, &ops.token, "storeCategoryCreate", input).await;
        assert_eq!(found, (json!(code), json!([field])));
    }
    // Two moves at once that would make a circle together: one of them is refused.
    let below = |id: &Value, parent: &Value| json!({ "categoryId": id, "parentId": parent });
    world.mutate(&ops.token, "storeCategoryUpdate", fields, below(&sweets, &Value::Null)).await;
    let (one, other) = tokio::join!(
        why(&world, &ops.token, "storeCategoryUpdate", below(&sweets, &cakes)),
        why(&world, &ops.token, "storeCategoryUpdate", below(&cakes, &sweets)),
    );
    let refused = [&one.0, &other.0].iter().filter(|code| ***code == json!("CATEGORY_CYCLE")).count();
    assert_eq!(refused, 1, "{one:?} {other:?}");
}

/// Whether an id is stored as the database writes it, anywhere below.
fn has_raw_id(value: &Bson) -> bool {
    match value {
        Bson::ObjectId(_) => true,
        Bson::Document(fields) => fields.iter().any(|(_, value)| has_raw_id(value)),
        Bson::Array(values) => values.iter().any(has_raw_id),
        _ => false,
    }
}

#[tokio::test]
async fn events_and_the_log_name_things_as_the_api_does() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, owner) = (shop.store_id.to_string(), &shop.owner.token);
    let phone = world.new_phone();
    let invite = json!({ "storeId": store, "phone": phone, "role": "STAFF" });
    let made = world.mutate(owner, "storeStaffInvite", "invitation { id }", invite).await;
    let helper = world.sign_in(&phone).await;
    let id = json!({ "invitationId": made["invitation"]["id"] });
    world.mutate(&helper.token, "storeInvitationAccept", "invitation { id }", id).await;
    let leave = json!({ "storeId": store, "accountId": helper.account_id.to_string() });
    world.mutate(&helper.token, "storeStaffRemove", "accountId", leave).await;
    let pause = json!({ "storeId": store, "minutes": 5 });
    world.mutate(owner, "storePause", "store { id }", pause).await;
    world.drain().await;
    let db = world.app.mongo.db();
    for (collection, kind, data) in [("outbox", "kind", "data"), ("audit_log", "action", "details")] {
        let of_store = doc! { kind: { "$regex": "^(store|staff|catalog|stock)\\." } };
        let rows: Vec<Document> =
            db.collection(collection).find(of_store).await.unwrap().try_collect().await.unwrap();
        assert!(rows.len() > 6, "{collection}: {rows:?}");
        for row in rows {
            assert!(!has_raw_id(row.get(data).unwrap()), "{collection}: {row}");
        }
    }
    let joined = db.collection::<Document>("outbox").find_one(doc! { "kind": "staff.joined" }).await.unwrap();
    let data = joined.unwrap().get_document("data").unwrap().clone();
    assert_eq!(data.get_str("store_id").unwrap(), store);
    assert_eq!(json!(data.get_str("invitation_id").unwrap()), made["invitation"]["id"]);
}
