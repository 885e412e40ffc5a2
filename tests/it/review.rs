//! Reviews: once, only of one's own completed order, answered by the store, moderated by ops, counted exactly.

use daraa_domain::actor::OpsRole;
use daraa_domain::review::ReviewErrorCode;
use daraa_domain::{check, store};
use daraa_platform::fault::upper_snake;
use daraa_tests::{Shop, Someone, World};
use serde_json::{Value, json};

/// An order for takeaway, paid in cash, as far as `READY`; its id.
async fn ready_order(world: &World, shop: &Shop, customer: &Someone) -> Value {
    let line = json!({ "variantId": shop.variants[0].to_string(), "quantity": 1, "modifierIds": [] });
    world.mutate(&customer.token, "cartLineAdd", "cart { id }", line).await;
    let wanted = json!({ "fulfillment": "PICKUP", "paymentMethod": "CASH" });
    let quote = world.mutate(&customer.token, "quoteCreate", "quote { id }", wanted).await;
    let input = json!({ "quoteId": quote["quote"]["id"], "idempotencyKey": "k1" });
    let placed =
        world.mutate(&customer.token, "orderPlace", "orderGroup { orders { id lines { id } } }", input).await;
    let order = placed["orderGroup"]["orders"][0].clone();
    world.drain().await;
    let id = json!({ "orderId": order["id"] });
    let staff = &shop.owner.token;
    let accept = json!({ "orderId": order["id"], "prepMinutes": 10 });
    world.mutate(staff, "orderAccept", "order { id }", accept).await;
    world.mutate(staff, "orderPrepare", "order { id }", id.clone()).await;
    world.mutate(staff, "orderReady", "order { id }", id).await;
    world.drain().await;
    order
}

async fn collect(world: &World, shop: &Shop, customer: &Someone, order: &Value) {
    let asked = format!("{{ order(id: {}) {{ dropoffPin }} }}", order["id"]);
    let pin = world.gql(&customer.token, &asked, json!({})).await["order"]["dropoffPin"].clone();
    let input = json!({ "orderId": order["id"], "code": pin });
    let done = world.mutate(&shop.owner.token, "orderHandOver", "order { status }", input).await;
    assert_eq!(done["order"]["status"], json!("COMPLETED"));
    world.drain().await;
}

#[tokio::test]
async fn a_completed_order_is_reviewed_once_answered_and_moderated() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = world.sign_in(&shop.owner.phone).await;
    let shop = Shop { owner, ..shop };
    let (customer, other) = (world.customer().await, world.customer().await);
    let order = ready_order(&world, &shop, &customer).await;
    let input = json!({
        "orderId": order["id"], "storeStars": 4, "comment": "  لذيذ، good  ",
        "items": [{ "lineId": order["lines"][0]["id"], "stars": 5 }],
    });
    let early = world.refused(&customer.token, "reviewCreate", input.clone()).await;
    assert!(early.contains_key("NOT_COMPLETED"), "{early:?}");
    collect(&world, &shop, &customer, &order).await;

    let with = |field: &str, value: Value| {
        let mut changed = input.clone();
        changed[field] = value;
        changed
    };
    for (token, input, code) in [
        (&other.token, input.clone(), "ORDER_NOT_FOUND"),
        (&customer.token, with("storeStars", json!(6)), "STARS_OUT_OF_RANGE"),
        (&customer.token, with("storeStars", json!(0)), "STARS_OUT_OF_RANGE"),
        (&customer.token, with("courierStars", json!(5)), "NO_COURIER"),
        (&customer.token, with("comment", json!(" ")), "INVALID_TEXT"),
        (&customer.token, with("orderId", json!("ord_x")), "MALFORMED_ID"),
        (
            &customer.token,
            with(
                "items",
                json!([{ "lineId": world.app.ids.next::<daraa_domain::ids::OrderLineId>().to_string(), "stars": 1 }]),
            ),
            "UNKNOWN_LINE",
        ),
    ] {
        let refused = world.refused(token, "reviewCreate", input).await;
        assert!(refused.contains_key(code), "{code}: {refused:?}");
        assert!(ReviewErrorCode::ALL.iter().any(|known| upper_snake(&format!("{known:?}")) == code));
    }
    let stars = |n: i32| json!([{ "lineId": order["lines"][0]["id"], "stars": n }]);
    for (name, token, input, code, field) in [
        (
            "reviewCreate",
            &customer.token,
            with("storeStars", json!(9)),
            "STARS_OUT_OF_RANGE",
            json!(["storeStars"]),
        ),
        (
            "reviewCreate",
            &customer.token,
            with("courierStars", json!(9)),
            "STARS_OUT_OF_RANGE",
            json!(["courierStars"]),
        ),
        (
            "reviewCreate",
            &customer.token,
            with("items", stars(9)),
            "STARS_OUT_OF_RANGE",
            json!(["items", "stars"]),
        ),
        (
            "reviewCreate",
            &customer.token,
            with("comment", json!("\u{202e}")),
            "INVALID_TEXT",
            json!(["comment"]),
        ),
        ("reviewCreate", &customer.token, with("orderId", json!("x")), "MALFORMED_ID", json!(["orderId"])),
        (
            "reviewCreate",
            &customer.token,
            with("items", json!([{ "lineId": "ord_x", "stars": 1 }])),
            "MALFORMED_ID",
            json!(["items", "lineId"]),
        ),
        (
            "reviewReply",
            &shop.owner.token,
            json!({ "reviewId": "rev_000000000000000000000000", "text": " " }),
            "INVALID_TEXT",
            json!(["text"]),
        ),
        (
            "reviewReply",
            &shop.owner.token,
            json!({ "reviewId": "ord_1", "text": "x" }),
            "MALFORMED_ID",
            json!(["reviewId"]),
        ),
        (
            "reviewModerate",
            &world.ops(OpsRole::Support).await.token,
            json!({ "reviewId": "rev_000000000000000000000000", "status": "HIDDEN", "reason": "\u{0}" }),
            "INVALID_TEXT",
            json!(["reason"]),
        ),
    ] {
        let payload = world.try_mutate(token, name, "", input).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &field), "{name}: {payload}");
    }
    assert_eq!(store::get(&world.app, shop.store_id).await.unwrap().rating.count, 0, "nothing left a trace");

    let selection = "review { id storeStars comment status items { stars } orderNumber }";
    let made = world.mutate(&customer.token, "reviewCreate", selection, input.clone()).await;
    assert_eq!(made["review"]["comment"], json!("لذيذ، good"));
    assert_eq!(made["review"]["items"], json!([{ "stars": 5 }]));
    let again = world.refused(&customer.token, "reviewCreate", input.clone()).await;
    assert!(again.contains_key("ALREADY_REVIEWED"), "{again:?}");
    let rating = store::get(&world.app, shop.store_id).await.unwrap().rating;
    assert_eq!((rating.count, rating.sum, rating.average_milli), (1, 4, 4_000));

    let id = made["review"]["id"].clone();
    let answer = json!({ "reviewId": id, "text": "شكراً" });
    let replied =
        world.mutate(&shop.owner.token, "reviewReply", "review { reply { text } }", answer.clone()).await;
    assert_eq!(replied["review"]["reply"]["text"], json!("شكراً"));
    let stranger = world.open_store().await;
    let refused =
        world.refused(&world.sign_in(&stranger.owner.phone).await.token, "reviewReply", answer).await;
    assert!(refused.contains_key("REVIEW_NOT_FOUND"), "not yours is not found: {refused:?}");

    let listed = |token: String| {
        let asked =
            format!("{{ storeReviews(storeId: \"{}\") {{ nodes {{ id orderNumber }} }} }}", shop.store_id);
        let world = &world;
        async move { world.gql(&token, &asked, json!({})).await["storeReviews"]["nodes"].clone() }
    };
    let shown = listed(String::new()).await;
    assert_eq!(shown, json!([{ "id": id, "orderNumber": null }]), "others do not see which order it was");
    let support = world.ops(OpsRole::Support).await;
    for (status, count) in [("HIDDEN", 0), ("HIDDEN", 0), ("PUBLISHED", 1)] {
        let input = json!({ "reviewId": id, "status": status, "reason": "reported" });
        let moderated = world.mutate(&support.token, "reviewModerate", "review { status }", input).await;
        assert_eq!(moderated["review"]["status"], json!(status));
        assert_eq!(store::get(&world.app, shop.store_id).await.unwrap().rating.count, count);
        assert_eq!(listed(String::new()).await.as_array().unwrap().len() as i64, count);
        assert_eq!(listed(shop.owner.token.clone()).await.as_array().unwrap().len(), 1);
    }
    let product = &daraa_domain::catalog::fresh_variants(&world.app, &shop.variants[..1]).await.unwrap()[0];
    assert_eq!(product.product.rating.average_milli, 5_000);
    world.drain().await;
    let found = check::run(&world.app).await.unwrap();
    assert_eq!((found.orders, found.findings), (1, Vec::new()));
}
