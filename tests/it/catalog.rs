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
    let adjust = |delta: i64, reason: &str| json!({ "variantId": id, "delta": delta, "reason": reason, "idempotencyKey": reason });
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

/// The code and field of the first thing that was wrong; null when nothing was.
async fn why(world: &World, token: &str, name: &str, input: Value) -> (Value, Value) {
    let payload = world.try_mutate(token, name, "", input).await;
    let error = &payload["userErrors"][0];
    (error["code"].clone(), error["field"].clone())
}

#[tokio::test]
async fn a_section_goes_when_nothing_is_in_it_and_archived_products_are_gone_for_good() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    let new = json!({ "storeId": store, "name": { "en": "Soups" } });
    let section =
        world.mutate(token, "menuSectionCreate", "section { id }", new).await["section"]["id"].take();
    let input = json!({ "storeId": store, "sectionId": section, "name": { "en": "Lentils" },
        "variants": [{ "priceMinor": 5, "stockTracked": true, "stockOnHand": 2 }] });
    let made = world.mutate(token, "productCreate", "product { id variants { id } }", input.clone()).await;
    let (id, variant) = (made["product"]["id"].clone(), made["product"]["variants"][0]["id"].clone());
    let product = json!({ "productId": id });
    let gone = json!({ "sectionId": section });

    assert_eq!(codes(&world.refused(token, "menuSectionDelete", gone.clone()).await), ["SECTION_NOT_EMPTY"]);
    world.mutate(token, "productHide", "product { id }", product.clone()).await;
    let still = why(&world, token, "menuSectionDelete", gone.clone()).await;
    assert_eq!(still, (json!("SECTION_NOT_EMPTY"), json!(["sectionId"])), "hidden products count");
    let stranger = world.open_store().await.owner;
    for (name, input, code) in [
        ("menuSectionDelete", gone.clone(), "SECTION_NOT_FOUND"),
        ("productArchive", product.clone(), "PRODUCT_NOT_FOUND"),
    ] {
        assert_eq!(codes(&world.refused(&stranger.token, name, input).await), [code]);
    }
    for _ in 0..2 {
        let fields = "product { status sectionId }";
        let archived = world.mutate(token, "productArchive", fields, product.clone()).await;
        assert_eq!(archived["product"], json!({ "status": "ARCHIVED", "sectionId": null }));
    }
    let change = json!({ "productId": id, "name": { "en": "Back" } });
    for (name, input) in
        [("productPublish", product.clone()), ("productHide", product.clone()), ("productUpdate", change)]
    {
        assert_eq!(codes(&world.refused(token, name, input).await), ["INVALID_TRANSITION"], "{name}");
    }
    let menu = "query($id: ID!) { store(id: $id) { menu { id } products { nodes { id } } } }";
    let seen = world.gql(token, menu, json!({ "id": store })).await["store"].take();
    assert!(!seen["products"]["nodes"].as_array().unwrap().contains(&json!({ "id": id })), "{seen}");
    let line = json!({ "variantId": variant, "quantity": 1, "modifierIds": [] });
    let customer = world.customer().await;
    assert_eq!(codes(&world.refused(&customer.token, "cartLineAdd", line).await), ["VARIANT_UNAVAILABLE"]);

    let deleted = world.mutate(token, "menuSectionDelete", "sectionId", gone.clone()).await;
    assert_eq!(deleted["sectionId"], section);
    assert_eq!(world.gql(token, menu, json!({ "id": store })).await["store"]["menu"], json!([]));
    assert_eq!(codes(&world.refused(token, "menuSectionDelete", gone).await), ["SECTION_NOT_FOUND"]);
    assert_eq!(codes(&world.refused(token, "productCreate", input).await), ["SECTION_NOT_FOUND"]);
}

#[tokio::test]
async fn no_product_is_left_in_a_section_that_is_deleted_at_the_same_moment() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    for n in 0..5 {
        let new = json!({ "storeId": store, "name": { "en": format!("S{n}") } });
        let section =
            world.mutate(token, "menuSectionCreate", "section { id }", new).await["section"]["id"].take();
        let product = json!({ "storeId": store, "sectionId": section, "name": { "en": "P" },
            "variants": [{ "priceMinor": 5 }] });
        let (made, deleted) = tokio::join!(
            world.try_mutate(token, "productCreate", "product { id }", product),
            world.try_mutate(token, "menuSectionDelete", "sectionId", json!({ "sectionId": section })),
        );
        assert!(made["product"].is_null() != deleted["sectionId"].is_null(), "{made} {deleted}");
    }
}

#[tokio::test]
async fn a_variant_begins_to_be_counted_when_its_store_says_so() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    let input = json!({ "storeId": store, "name": { "en": "Juice" }, "variants": [{ "priceMinor": 5 }] });
    let made = world.mutate(token, "productCreate", "product { id variants { id } }", input).await;
    let (id, variant) = (made["product"]["id"].clone(), made["product"]["variants"][0]["id"].clone());
    let with = |extra: Value| {
        let mut draft = json!({ "variantId": variant, "priceMinor": 5 });
        draft.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({ "productId": id, "variants": [draft] })
    };
    let books = "product { variants { stock { tracked onHand initial } } }";
    let update = async |extra: Value| {
        let after = world.mutate(token, "productUpdate", books, with(extra)).await;
        after["product"]["variants"][0]["stock"].clone()
    };
    let not_settable = (json!("STOCK_NOT_SETTABLE"), json!(["variants", "stockOnHand"]));
    let early = why(&world, token, "productUpdate", with(json!({ "stockOnHand": 3 }))).await;
    assert_eq!(early, not_settable, "how many there are of what nobody counts");
    assert_eq!(update(json!({})).await, json!({ "tracked": false, "onHand": 0, "initial": 0 }));
    let counted = json!({ "tracked": true, "onHand": 3, "initial": 3 });
    assert_eq!(update(json!({ "stockTracked": true, "stockOnHand": 3 })).await, counted);
    assert_eq!(update(json!({ "stockTracked": true })).await, counted);
    assert_eq!(update(json!({ "stockTracked": false })).await, counted, "counted it stays");
    let late =
        why(&world, token, "productUpdate", with(json!({ "stockTracked": true, "stockOnHand": 9 }))).await;
    assert_eq!(late, not_settable, "from now on stock is adjusted, with a reason");
    let variant: VariantId = variant.as_str().unwrap().parse().unwrap();
    let soon = world.now().plus(Duration::from_secs(60));
    stock::reserve(&world.app, order(&world), &[(variant, 2)], soon).await.unwrap();
    let sold_out = stock::reserve(&world.app, order(&world), &[(variant, 2)], soon).await;
    assert!(matches!(sold_out, Err(CatalogError::SoldOut { available: 1, .. })));
    assert!(item(&world, variant).await.balanced());
}

#[tokio::test]
async fn what_cannot_be_shown_is_not_stored() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (store, token) = (shop.store_id.to_string(), &shop.owner.token);
    let customer = world.customer().await;
    let variant = shop.variants[0].to_string();
    let product = |name: &str, description: &str| {
        json!({ "storeId": store, "name": { "en": name, "ar": "صنف" }, "description": { "en": description },
            "variants": [{ "priceMinor": 5 }] })
    };
    for bad in
        ["a\u{0}b", "bell\u{7}", "\u{202e}desrever", "\u{2066}apart\u{2069}", "\u{0}\u{202e}", "\u{200f}"]
    {
        let closure = json!({ "storeId": store, "from": "2026-01-06T00:00:00Z", "until": "2026-01-07T00:00:00Z",
            "reason": bad });
        let stock = json!({ "variantId": variant, "delta": 1, "reason": bad, "idempotencyKey": "k" });
        let line = json!({ "variantId": variant, "quantity": 1, "modifierIds": [], "note": bad });
        for (token, name, input, code) in [
            (token, "storeUpdate", json!({ "storeId": store, "name": { "en": bad } }), "BAD_NAME"),
            (
                token,
                "storeUpdate",
                json!({ "storeId": store, "description": { "ar": bad } }),
                "BAD_DESCRIPTION",
            ),
            (token, "storeClosureAdd", closure, "REASON_REQUIRED"),
            (token, "menuSectionCreate", json!({ "storeId": store, "name": { "en": bad } }), "BAD_NAME"),
            (token, "productCreate", product(bad, ""), "BAD_NAME"),
            (token, "productCreate", product("Fine", bad), "BAD_DESCRIPTION"),
            (token, "stockAdjust", stock, "REASON_REQUIRED"),
            (&customer.token, "cartLineAdd", line, "NOTE_TOO_LONG"),
        ] {
            let refused = world.refused(token, name, input).await;
            assert_eq!(codes(&refused), [code], "{name} {bad:?}");
        }
    }
    let line =
        json!({ "variantId": variant, "quantity": 1, "modifierIds": [], "note": " بدون بصل\u{200f}\nشكراً " });
    let cart = "cart { stores { lines { note } } }";
    let added = world.mutate(&customer.token, "cartLineAdd", cart, line).await;
    assert_eq!(added["cart"]["stores"][0]["lines"][0]["note"], "بدون بصل\u{200f}\nشكراً", "{added}");
    for images in [json!(["javascript:alert(1)"]), json!(["http://img.example/a.jpg"])] {
        let mut input = product("Shown", "");
        input["images"] = images;
        assert_eq!(codes(&world.refused(token, "productCreate", input).await), ["BAD_IMAGES"]);
    }
    let mut input = product("Shown", "Two\nlines");
    input["images"] = json!(["https://img.example/a.jpg"]);
    world.mutate(token, "productCreate", "product { id }", input).await;
    for (input, field) in [
        (json!({ "productId": "x" }), json!(["productId"])),
        (json!({ "productId": "prd_000000000000000000000000", "sectionId": "x" }), json!(["sectionId"])),
        (
            json!({ "productId": "prd_000000000000000000000000", "variants": [{ "variantId": "x", "priceMinor": 1 }] }),
            json!(["variants", "variantId"]),
        ),
    ] {
        assert_eq!(why(&world, token, "productUpdate", input).await, (json!("MALFORMED_ID"), field));
    }
}
