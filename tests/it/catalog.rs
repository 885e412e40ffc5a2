//! Menus and stock.

use std::time::Duration;

use daraa_domain::catalog::{self, CatalogError, StockItem, stock};
use daraa_domain::ids::{OrderId, VariantId};
use daraa_tests::{Shop, World};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn codes(of: &std::collections::BTreeMap<String, usize>) -> Vec<&str> {
    of.keys().map(String::as_str).collect()
}

async fn item(world: &World, id: VariantId) -> StockItem {
    stock::items(&world.app, &[id]).await.unwrap().remove(&id).unwrap()
}

async fn shelf(world: &World, shop: &Shop, name: &str, on_hand: i64) -> VariantId {
    world.product(&shop.owner, &shop.store_id.to_string(), ("صنف", name), 1_000, on_hand).await
}

fn order(world: &World) -> OrderId {
    world.app.ids.next()
}

#[tokio::test]
async fn two_hundred_buyers_and_twenty_pieces() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let id = shelf(&world, &shop, "Popular", 20).await;
    let soon = world.now().plus(Duration::from_secs(60));
    let orders: Vec<OrderId> = (0..200).map(|_| order(&world)).collect();
    let one = [(id, 1)];
    let bought = join_all(orders.iter().map(|order| stock::reserve(&world.app, *order, &one, soon))).await;
    assert_eq!(bought.iter().filter(|b| b.is_ok()).count(), 20);
    assert!(bought.iter().all(|b| matches!(b, Ok(()) | Err(CatalogError::SoldOut { available: 0, .. }))));
    let after = item(&world, id).await;
    assert_eq!((after.on_hand, after.reserved), (0, 20));
    assert!(after.balanced());

    // Everybody pays or gives back, each twice and at once.
    let winners: Vec<OrderId> =
        orders.iter().zip(&bought).filter(|(_, b)| b.is_ok()).map(|(order, _)| *order).collect();
    let ends = winners.iter().enumerate().flat_map(|(i, order)| [(i, *order), (i, *order)]);
    let done = join_all(ends.map(|(i, order)| {
        let app = &world.app;
        async move {
            if i % 2 == 0 {
                stock::consume(app, order, &[(id, 1)]).await
            } else {
                stock::release(app, order, &[(id, 1)]).await
            }
        }
    }))
    .await;
    assert!(done.iter().all(Result::is_ok));
    let after = item(&world, id).await;
    assert_eq!((after.on_hand, after.reserved, after.sold), (10, 0, 10));
    assert!(after.balanced());
}

#[tokio::test]
async fn one_order_reserves_once_and_all_or_nothing() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (plenty, few) = (shelf(&world, &shop, "Plenty", 10).await, shelf(&world, &shop, "Few", 2).await);
    let soon = world.now().plus(Duration::from_secs(60));
    let mine = order(&world);
    let lines = [(plenty, 2), (plenty, 1)];
    let again = join_all((0..20).map(|_| stock::reserve(&world.app, mine, &lines, soon))).await;
    assert!(again.iter().all(Result::is_ok));
    assert_eq!(item(&world, plenty).await.reserved, 3, "twenty times the same is once");

    let other = order(&world);
    let refused = stock::reserve(&world.app, other, &[(plenty, 1), (few, 3)], soon).await;
    assert!(matches!(refused, Err(CatalogError::SoldOut { variant, available: 2 }) if variant == few));
    assert_eq!(item(&world, plenty).await.on_hand, 7, "what was taken came back");
    for bad in [0, -1, i64::MAX] {
        let refused = stock::reserve(&world.app, other, &[(plenty, bad)], soon).await;
        assert!(matches!(refused, Err(CatalogError::BadQuantity)), "{bad}");
    }
    let nothing = stock::reserve(&world.app, other, &[(world.app.ids.next(), 1)], soon).await;
    assert!(matches!(nothing, Err(CatalogError::VariantNotFound)));
}

#[tokio::test]
async fn reservations_expire_unless_confirmed() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let id = shelf(&world, &shop, "Held", 5).await;
    let soon = world.now().plus(Duration::from_secs(60));
    let (kept, lost) = (order(&world), order(&world));
    for who in [kept, lost] {
        stock::reserve(&world.app, who, &[(id, 2)], soon).await.unwrap();
    }
    stock::confirm(&world.app, kept, &[(id, 2)]).await.unwrap();
    stock::confirm(&world.app, kept, &[(id, 2)]).await.unwrap();
    assert!(stock::expired(&world.app).await.unwrap().is_empty());
    world.pass(Duration::from_secs(61));
    let due = stock::expired(&world.app).await.unwrap();
    assert_eq!(due.iter().map(|d| (d.order_id, d.quantity)).collect::<Vec<_>>(), vec![(lost, 2)]);
    stock::release(&world.app, lost, &[(id, 2)]).await.unwrap();
    assert!(stock::expired(&world.app).await.unwrap().is_empty());
    // A payment that came late after all: taken again while there is some, refused when not.
    stock::confirm(&world.app, lost, &[(id, 2)]).await.unwrap();
    stock::release(&world.app, lost, &[(id, 2)]).await.unwrap();
    let soon = world.now().plus(Duration::from_secs(60));
    stock::reserve(&world.app, order(&world), &[(id, 3)], soon).await.unwrap();
    let late = stock::confirm(&world.app, lost, &[(id, 2)]).await;
    assert!(matches!(late, Err(CatalogError::SoldOut { available: 0, .. })));
    assert!(item(&world, id).await.balanced());
}

#[tokio::test]
async fn stock_is_adjusted_with_a_reason_and_never_below_zero() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let id = shelf(&world, &shop, "Counted", 5).await.to_string();
    let token = &shop.owner.token;
    let adjust = |delta: i64, reason: &str| json!({ "variantId": id, "delta": delta, "reason": reason });
    let books = "stock { onHand adjusted initial reserved sold }";
    let made = world.mutate(token, "stockAdjust", books, adjust(7, "delivery")).await;
    assert_eq!(
        made["stock"],
        json!({ "onHand": 12, "adjusted": -7, "initial": 5, "reserved": 0, "sold": 0 })
    );
    let keyed = json!({ "variantId": id, "delta": -2, "reason": "broken", "idempotencyKey": "a-key" });
    for _ in 0..3 {
        let made = world.mutate(token, "stockAdjust", books, keyed.clone()).await;
        assert_eq!(made["stock"]["onHand"], 10);
    }
    let other = json!({ "variantId": id, "delta": -3, "reason": "broken", "idempotencyKey": "a-key" });
    assert_eq!(codes(&world.refused(token, "stockAdjust", other).await), ["IDEMPOTENCY_KEY_REUSED"]);
    for (input, code) in [
        (adjust(-11, "too much"), "STOCK_BELOW_ZERO"),
        (adjust(0, "nothing"), "BAD_DELTA"),
        (adjust(i64::MIN, "huge"), "BAD_DELTA"),
        (adjust(1, " "), "REASON_REQUIRED"),
    ] {
        assert_eq!(codes(&world.refused(token, "stockAdjust", input).await), [code]);
    }
    let stranger = world.open_store().await.owner;
    let foreign = world.refused(&stranger.token, "stockAdjust", adjust(1, "mine now")).await;
    assert_eq!(codes(&foreign), ["VARIANT_NOT_FOUND"]);
    let after = item(&world, id.parse().unwrap()).await;
    assert!(after.balanced() && after.on_hand == 10);
}

#[tokio::test]
async fn menus_are_written_published_changed_and_hidden() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    let section = json!({ "storeId": store, "name": { "ar": "سندويش", "en": "Sandwiches" } });
    let section = world.mutate(token, "menuSectionCreate", "section { id }", section).await;
    let input = json!({
        "storeId": store, "sectionId": section["section"]["id"],
        "name": { "ar": "شاورما", "en": "Shawarma" },
        "variants": [
            { "name": { "en": "Small" }, "priceMinor": 1_000_000, "stockTracked": true, "stockOnHand": 3 },
            { "name": { "en": "Large" }, "priceMinor": 1_500_000 },
        ],
        "modifierGroups": [{ "name": { "en": "Bread" }, "min": 1, "max": 1, "modifiers": [
            { "name": { "en": "Saj" }, "priceMinor": 0 }, { "name": { "en": "Roll" }, "priceMinor": 50_000 },
        ] }],
    });
    let fields = "product { id status version variants { id name { en } price { amountMinor } available quantityAvailable } modifierGroups { id modifiers { id } } }";
    let made = world.mutate(token, "productCreate", fields, input).await["product"].take();
    let id = made["id"].as_str().unwrap();
    let query = "query($id: ID!) { product(id: $id) { status variants { id available quantityAvailable stock { onHand } } } }";
    let public = async || world.gql("", query, json!({ "id": id })).await["product"].take();
    assert_eq!(public().await, Value::Null, "a draft");
    world.mutate(token, "productPublish", "product { id }", json!({ "productId": id })).await;
    let seen = public().await;
    assert_eq!(seen["variants"][0]["quantityAvailable"], 3);
    assert_eq!(seen["variants"][1]["quantityAvailable"], Value::Null);
    assert_eq!(seen["variants"][0]["stock"], Value::Null, "the books are the store's own");

    let off = json!({ "variantId": made["variants"][0]["id"], "available": false });
    world.mutate(token, "variantAvailabilitySet", "product { id }", off).await;
    assert_eq!(public().await["variants"][0]["available"], false, "seen at once");

    // The first variant stays with a new price, the second goes, a third comes.
    let change = json!({
        "productId": id, "variants": [
            { "variantId": made["variants"][0]["id"], "name": { "en": "Small" }, "priceMinor": 1_200_000 },
            { "name": { "en": "Family" }, "priceMinor": 4_000_000, "stockTracked": true, "stockOnHand": 1 },
        ],
    });
    let after = world.mutate(token, "productUpdate", fields, change.clone()).await["product"].take();
    assert_eq!(after["variants"][0]["id"], made["variants"][0]["id"]);
    assert_eq!(after["variants"][0]["price"]["amountMinor"], 1_200_000);
    let gone: VariantId = made["variants"][1]["id"].as_str().unwrap().parse().unwrap();
    assert!(catalog::fresh_variants(&world.app, &[gone]).await.unwrap().is_empty());
    let stale = json!({ "productId": id, "expectedVersion": 1, "name": { "en": "Late" } });
    assert_eq!(codes(&world.refused(token, "productUpdate", stale).await), ["STALE_VERSION"]);

    world.mutate(token, "productHide", "product { id }", json!({ "productId": id })).await;
    assert_eq!(public().await, Value::Null);
    let menu = "query($id: ID!) { store(id: $id) { menu { name { en } } products(first: 50) { edges { node { id } } } } }";
    let listed = async |token: &str| {
        let store = world.gql(token, menu, json!({ "id": store })).await["store"].take();
        store["products"]["edges"].as_array().unwrap().len()
    };
    assert_eq!((listed("").await, listed(token).await), (2, 3), "strangers see what is for sale");

    let stranger = world.open_store().await.owner;
    assert_eq!(codes(&world.refused(&stranger.token, "productUpdate", change).await), ["PRODUCT_NOT_FOUND"]);
    for (field, value, code) in [
        ("variants", json!([]), "BAD_VARIANTS"),
        ("variants", json!([{ "priceMinor": -1 }]), "BAD_PRICE"),
        (
            "modifierGroups",
            json!([{ "name": { "en": "G" }, "min": 2, "max": 1, "modifiers": [] }]),
            "BAD_MODIFIER_GROUP",
        ),
        ("sectionId", json!("mns_000000000000000000000000"), "SECTION_NOT_FOUND"),
        ("name", json!({ "en": "x".repeat(121) }), "BAD_NAME"),
    ] {
        let input = json!({ "productId": id, field: value });
        assert_eq!(codes(&world.refused(token, "productUpdate", input).await), [code], "{field}");
    }
}
