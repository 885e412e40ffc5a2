//! Coupons: limits that hold under a rush, promises that expire, uses that come back.

use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::app::App;
use daraa_domain::ids::{AccountId, OrderGroupId};
use daraa_domain::promotion::{
    self, CostBearer, Coupon, CouponKind, NewCoupon, PromotionError, PromotionErrorCode as Code,
};
use daraa_platform::money::Currency;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

async fn coupon(world: &World, limit_total: Option<i64>, limit_per_customer: i64) -> Coupon {
    let now = world.now();
    let new = NewCoupon {
        code: "eid-10".to_owned(),
        kind: CouponKind::Percent,
        value: 1_000,
        currency: Currency::Syp,
        max_discount_minor: None,
        min_order_minor: 0,
        store_id: None,
        valid_from: now,
        valid_to: now.plus(MINUTE * 600),
        limit_total,
        limit_per_customer,
        bearer: CostBearer::Platform,
    };
    promotion::create(&world.app, &Actor::System("test"), new).await.unwrap()
}

async fn reserve(
    world: &World,
    coupon: &Coupon,
    group: OrderGroupId,
    account: AccountId,
) -> Result<(), PromotionError> {
    promotion::reserve(&world.app, coupon.id, group, account, world.now().plus(MINUTE)).await
}

async fn used(app: &App, coupon: &Coupon, account: AccountId) -> Result<Coupon, PromotionError> {
    promotion::preview(app, &coupon.code, account, app.clock.now()).await
}

#[tokio::test]
async fn a_hundred_buyers_and_one_coupon() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, Some(1), 1).await;
    let buyers: Vec<(OrderGroupId, AccountId)> = (0..100).map(|_| (app.ids.next(), app.ids.next())).collect();
    let outcomes = join_all(buyers.iter().map(|(g, a)| reserve(&world, &coupon, *g, *a))).await;
    let won: Vec<_> = buyers.iter().zip(&outcomes).filter(|(_, o)| o.is_ok()).map(|(b, _)| b).collect();
    assert_eq!(won.len(), 1);
    for refused in outcomes.iter().filter_map(|o| o.as_ref().err()) {
        assert_eq!(refused.user_code(), Some(Code::CouponExhausted));
    }
    let (group, account) = *won[0];
    // Twice is once.
    for _ in 0..2 {
        reserve(&world, &coupon, group, account).await.unwrap();
        promotion::confirm(app, coupon.id, group, account).await.unwrap();
    }
    let late = used(app, &coupon, app.ids.next()).await.unwrap_err();
    assert_eq!(late.user_code(), Some(Code::CouponExhausted));
    // The loser of the race has no trace of it and gets it when it comes back.
    promotion::release(app, coupon.id, group, account).await.unwrap();
    promotion::release(app, coupon.id, group, account).await.unwrap();
    let (group, account) = buyers.iter().copied().find(|b| *b != (group, account)).unwrap();
    assert_eq!(used(app, &coupon, account).await.unwrap().used, 0);
    reserve(&world, &coupon, group, account).await.unwrap();
}

#[tokio::test]
async fn one_customer_in_twenty_windows_uses_it_once() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, None, 1).await;
    let account = app.ids.next();
    let groups: Vec<OrderGroupId> = (0..20).map(|_| app.ids.next()).collect();
    let outcomes = join_all(groups.iter().map(|g| reserve(&world, &coupon, *g, account))).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.user_code(), Some(Code::CouponAlreadyUsed));
    }
    reserve(&world, &coupon, app.ids.next(), app.ids.next()).await.unwrap();
}

#[tokio::test]
async fn a_promise_nobody_keeps_expires_and_cannot_be_kept_later() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, Some(1), 1).await;
    let (group, account): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
    reserve(&world, &coupon, group, account).await.unwrap();
    assert_eq!(
        used(app, &coupon, app.ids.next()).await.unwrap_err().user_code(),
        Some(Code::CouponExhausted)
    );
    world.pass(MINUTE);
    let (other_group, other): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
    used(app, &coupon, other).await.unwrap();
    reserve(&world, &coupon, other_group, other).await.unwrap();
    let late = promotion::confirm(app, coupon.id, group, account).await;
    promotion::confirm(app, coupon.id, other_group, other).await.unwrap();
    assert!(late.is_err(), "its promise went to somebody else");
    world.pass(MINUTE * 600);
    let over = used(app, &coupon, app.ids.next()).await.unwrap_err();
    assert_eq!(over.user_code(), Some(Code::CouponExpired));
}

const CREATE: &str = "mutation($i: CouponCreateInput!) { couponCreate(input: $i) {
    coupon { id code kind bearer limitPerCustomer } userErrors { code field } } }";

#[tokio::test]
async fn ops_create_coupons_with_unique_codes_and_customers_do_not() {
    let world = World::new().await;
    let ops = world.ops(OpsRole::Operations).await;
    let customer = world.customer().await;
    let input = |code: &str, value: i64| {
        json!({ "i": { "code": code, "kind": "PERCENT", "value": value, "currency": "SYP",
            "validTo": "2026-02-01T00:00:00Z", "limitTotal": 100 } })
    };
    let made = world.gql(&ops.token, CREATE, input("ramadan 5", 500)).await;
    let coupon = &made["couponCreate"]["coupon"];
    assert_eq!((&coupon["code"], &coupon["bearer"]), (&json!("RAMADAN5"), &json!("PLATFORM")), "{made}");
    let code = |answer: serde_json::Value| answer["couponCreate"]["userErrors"][0]["code"].clone();
    assert_eq!(code(world.gql(&ops.token, CREATE, input("RAMADAN5", 500)).await), "CODE_TAKEN");
    assert_eq!(code(world.gql(&ops.token, CREATE, input("x", 500)).await), "INVALID_CODE");
    assert_eq!(code(world.gql(&ops.token, CREATE, input("other", 20_000)).await), "INVALID_VALUE");
    let raw = world.gql_raw(Some(&customer.token), CREATE, input("mine", 500)).await;
    assert_eq!(raw["errors"][0]["extensions"]["code"], "FORBIDDEN", "{raw}");
    let listed = world.gql(&ops.token, "{ coupons { nodes { code used } } }", json!({})).await;
    assert_eq!(listed["coupons"]["nodes"], json!([{ "code": "RAMADAN5", "used": 0 }]));
}

#[tokio::test]
async fn a_confirmation_cut_short_is_finished_by_the_next() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, Some(2), 1).await;
    let uses = app.mongo.db().collection::<Document>("coupon_uses");
    let state = async |group: OrderGroupId| {
        let row = uses.find_one(doc! { "uses.group_id": group }).await.unwrap();
        let row = row.and_then(|row| row.get_array("uses").unwrap().first().cloned());
        row.map(|used| used.as_document().unwrap().get_str("state").unwrap().to_owned())
    };
    // The customer's side was never written, or was swept away as a dead promise meanwhile.
    let unwritten = doc! { "$set": { "uses.$.state": "RESERVED" } };
    let swept_away = doc! { "$set": { "uses": [] } };
    for torn in [unwritten, swept_away] {
        let (group, account): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
        reserve(&world, &coupon, group, account).await.unwrap();
        for _ in 0..2 {
            promotion::confirm(app, coupon.id, group, account).await.unwrap();
            assert_eq!(state(group).await.as_deref(), Some("CONFIRMED"));
            uses.update_one(doc! { "uses.group_id": group }, torn.clone()).await.unwrap();
        }
        promotion::confirm(app, coupon.id, group, account).await.unwrap();
        let again = used(app, &coupon, account).await.unwrap_err();
        assert!(matches!(again.user_code(), Some(Code::CouponAlreadyUsed | Code::CouponExhausted)));
    }
    let third = used(app, &coupon, app.ids.next()).await.unwrap_err();
    assert_eq!(third.user_code(), Some(Code::CouponExhausted), "each is counted, once");
}

#[tokio::test]
async fn a_confirmation_cut_short_is_given_back_whole() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, Some(1), 1).await;
    let (group, account): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
    reserve(&world, &coupon, group, account).await.unwrap();
    promotion::confirm(app, coupon.id, group, account).await.unwrap();
    let uses = app.mongo.db().collection::<Document>("coupon_uses");
    let torn = doc! { "$set": { "uses.$.state": "RESERVED" } };
    uses.update_one(doc! { "uses.group_id": group }, torn).await.unwrap();
    for _ in 0..2 {
        promotion::release(app, coupon.id, group, account).await.unwrap();
        assert_eq!(used(app, &coupon, account).await.unwrap().used, 0);
    }
    promotion::confirm_without_promise(app, coupon.id, group, account).await.unwrap();
    assert_eq!(
        used(app, &coupon, account).await.unwrap().used,
        0,
        "what was given back is not counted again"
    );
}

#[tokio::test]
async fn a_use_without_promise_counts_once_and_comes_back() {
    let world = World::new().await;
    let app = &*world.app;
    let coupon = coupon(&world, Some(5), 1).await;
    let (group, account): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
    for _ in 0..3 {
        promotion::confirm_without_promise(app, coupon.id, group, account).await.unwrap();
        promotion::confirm(app, coupon.id, group, account).await.unwrap();
    }
    assert_eq!(used(app, &coupon, app.ids.next()).await.unwrap().used, 1);
    let again = used(app, &coupon, account).await.unwrap_err();
    assert_eq!(again.user_code(), Some(Code::CouponAlreadyUsed));
    for _ in 0..2 {
        promotion::release(app, coupon.id, group, account).await.unwrap();
        assert_eq!(used(app, &coupon, account).await.unwrap().used, 0);
    }
}

#[tokio::test]
async fn a_coupon_is_switched_off_by_who_may_and_for_good() {
    let world = World::new().await;
    let (ops, shop) = (world.ops(OpsRole::Operations).await, world.open_store().await);
    let input = json!({ "code": "shop-5", "kind": "PERCENT", "value": 500, "currency": "SYP",
        "storeId": shop.store_id.to_string(), "validTo": "2026-02-01T00:00:00Z" });
    let made = world.mutate(&shop.owner.token, "couponCreate", "coupon { id status }", input).await;
    let off = json!({ "couponId": made["coupon"]["id"] });
    let platform = coupon(&world, Some(9), 1).await;
    let of_platform = json!({ "couponId": platform.id.to_string() });
    let stranger = world.open_store().await.owner;
    for (token, input, code) in [
        (&stranger.token, off.clone(), "NO_SUCH_COUPON"),
        (&shop.owner.token, of_platform.clone(), "NO_SUCH_COUPON"),
        (&ops.token, json!({ "couponId": "cpn_000000000000000000000000" }), "NO_SUCH_COUPON"),
        (&ops.token, json!({ "couponId": "x" }), "MALFORMED_ID"),
    ] {
        let payload = world.try_mutate(token, "couponDisable", "", input).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(["couponId"])), "{payload}");
    }
    // A purchase under way keeps the use it was promised; nobody gets a new one.
    let (group, account): (OrderGroupId, AccountId) = (world.app.ids.next(), world.app.ids.next());
    reserve(&world, &platform, group, account).await.unwrap();
    for (token, input) in [(&shop.owner.token, off), (&ops.token, of_platform)] {
        for _ in 0..2 {
            let done = world.mutate(token, "couponDisable", "coupon { status }", input.clone()).await;
            assert_eq!(done["coupon"]["status"], "DISABLED");
        }
    }
    promotion::confirm(&world.app, platform.id, group, account).await.unwrap();
    let late = reserve(&world, &platform, world.app.ids.next(), world.app.ids.next()).await.unwrap_err();
    assert_eq!(late.user_code(), Some(Code::CouponNotFound));
    let log = world.app.mongo.db().collection::<mongodb::bson::Document>("audit_log");
    let acts = log.count_documents(mongodb::bson::doc! { "action": "coupon.disable" }).await.unwrap();
    assert_eq!(acts, 2, "off already is a success without effect");
}

#[tokio::test]
async fn terms_are_refused_by_their_own_field() {
    let world = World::new().await;
    let ops = world.ops(OpsRole::Operations).await;
    let with = |field: &str, value: serde_json::Value| {
        let mut input = json!({ "code": "terms", "kind": "FIXED", "value": 500, "currency": "SYP",
            "validTo": "2026-02-01T00:00:00Z" });
        input[field] = value;
        input
    };
    for (field, value, code) in [
        ("value", json!(0), "INVALID_VALUE"),
        ("maxDiscountMinor", json!(0), "INVALID_AMOUNT"),
        ("minOrderMinor", json!(-1), "INVALID_AMOUNT"),
        ("limitTotal", json!(0), "INVALID_LIMIT"),
        ("limitPerCustomer", json!(101), "INVALID_LIMIT"),
        ("storeId", json!("x"), "MALFORMED_ID"),
    ] {
        let payload = world.try_mutate(&ops.token, "couponCreate", "", with(field, value)).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!([field])), "{payload}");
    }
    let mut free = with("kind", json!("FREE_DELIVERY"));
    free["value"] = json!(-5);
    let made = world.mutate(&ops.token, "couponCreate", "coupon { kind value }", free).await;
    assert_eq!(made["coupon"], json!({ "kind": "FREE_DELIVERY", "value": 0 }));
}
