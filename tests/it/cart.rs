//! Carts: whose they are, what is wrong with them, how a guest's joins an account's.

use daraa_domain::cart::{self, AddLine, CartError, CartErrorCode, CartOwner, CartProblemCode as Code, look};
use daraa_domain::ids::VariantId;
use daraa_domain::place::Point;
use daraa_domain::store;
use daraa_tests::{CENTRE, World};
use futures_util::future::join_all;
use serde_json::json;

fn some(variant_id: VariantId, quantity: i64) -> AddLine {
    AddLine { variant_id, quantity, modifier_ids: Vec::new(), note: None }
}

fn code(outcome: Result<cart::Cart, CartError>) -> CartErrorCode {
    outcome.unwrap_err().user_code().unwrap()
}

#[tokio::test]
async fn lines_join_and_bounds_hold() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let buyer = world.buyer().await;
    let owner = CartOwner::Account(buyer.who.account_id);
    let variant = shop.variants[0];
    cart::add_line(&world.app, &owner, some(variant, 2)).await.unwrap();
    let cart = cart::add_line(&world.app, &owner, some(variant, 3)).await.unwrap();
    assert_eq!((cart.lines.len(), cart.lines[0].quantity, cart.version), (1, 5, 2));
    for quantity in [0, -1, 100, i64::MAX] {
        let refused = cart::add_line(&world.app, &owner, some(variant, quantity)).await;
        assert_eq!(code(refused), CartErrorCode::QuantityOutOfRange);
    }
    let unknown = world.app.ids.next();
    let refused = cart::add_line(&world.app, &owner, some(unknown, 1)).await;
    assert_eq!(code(refused), CartErrorCode::VariantNotFound);
    let wrong = AddLine { modifier_ids: vec![world.app.ids.next()], ..some(variant, 1) };
    assert_eq!(code(cart::add_line(&world.app, &owner, wrong).await), CartErrorCode::InvalidChoice);
    let line = cart.lines[0].id;
    let cart = cart::update_line(&world.app, &owner, line, 1).await.unwrap();
    assert_eq!(cart.lines[0].quantity, 1);
    let gone = cart::remove_line(&world.app, &owner, line).await.unwrap();
    assert_eq!(gone.lines, []);
    let refused = cart::update_line(&world.app, &owner, line, 1).await;
    assert_eq!(code(refused), CartErrorCode::CartLineNotFound);
}

#[tokio::test]
async fn parallel_changes_lose_nothing() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = CartOwner::Account(world.buyer().await.who.account_id);
    let adds = (0..4).map(|_| cart::add_line(&world.app, &owner, some(shop.variants[0], 1)));
    for outcome in join_all(adds).await {
        outcome.unwrap();
    }
    assert_eq!(cart::get(&world.app, &owner).await.unwrap().lines[0].quantity, 4);
}

#[tokio::test]
async fn a_guests_cart_joins_the_account_once() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let buyer = world.buyer().await;
    let made =
        world.gql("", "mutation { cartCreateGuest { guestToken userErrors { code } } }", json!({})).await;
    let token = made["cartCreateGuest"]["guestToken"].as_str().unwrap().to_owned();
    let input = json!({ "variantId": shop.variants[0].to_string(), "quantity": 2, "guestToken": token });
    world.mutate("", "cartLineAdd", "cart { id }", input).await;
    world.fill(&buyer, &[(shop.variants[0], 1), (shop.variants[1], 1)]).await;
    let selection =
        "cart { stores { store { id } lines { quantity variant { id } } subtotal { amountMinor } } }";
    let input = json!({ "guestToken": token });
    let merged = world.mutate(&buyer.who.token, "cartMerge", selection, input.clone()).await;
    let lines = &merged["cart"]["stores"][0]["lines"];
    assert_eq!((lines[0]["quantity"].as_i64(), lines[1]["quantity"].as_i64()), (Some(3), Some(1)));
    assert_eq!(merged["cart"]["stores"][0]["subtotal"]["amountMinor"], 76_000);
    assert_eq!(merged["cart"]["stores"][0]["store"]["id"], shop.store_id.to_string());
    let again = world.mutate(&buyer.who.token, "cartMerge", selection, input).await;
    assert_eq!(again, merged, "merged before: success without effect");
    let gone =
        world.gql("", "query($t: String) { cart(guestToken: $t) { id } }", json!({ "t": token })).await;
    assert!(gone["cart"].is_null());
    let refused = world.gql_raw(None, "{ cart { id } }", json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn problems_stand_until_they_are_mended() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner_actor = world.actor(&shop.owner).await;
    let buyer = world.buyer().await;
    let owner = CartOwner::Account(buyer.who.account_id);
    let cart = cart::add_line(&world.app, &owner, some(shop.variants[0], 51)).await.unwrap();
    let codes = |point: Option<Point>| {
        let (app, lines) = (&world.app, &cart.lines);
        async move {
            let seen = look(app, lines, point).await.unwrap();
            seen.problems.iter().map(|p| (p.code, p.quantity_available)).collect::<Vec<_>>()
        }
    };
    assert_eq!(codes(None).await, [(Code::SoldOut, Some(50))]);
    let far = Point::new(CENTRE.0 + 1.0, CENTRE.1).unwrap();
    assert_eq!(codes(Some(far)).await, [(Code::OutOfArea, None), (Code::SoldOut, Some(50))]);
    store::pause(&world.app, &owner_actor, shop.store_id, 30).await.unwrap();
    assert_eq!(codes(None).await, [(Code::StoreClosed, None), (Code::SoldOut, Some(50))]);
    store::resume(&world.app, &owner_actor, shop.store_id).await.unwrap();
    let document = "query($a: ID) { cart { problems(addressId: $a) { code message lineIds storeIds quantityAvailable } } }";
    let seen = world.gql(&buyer.who.token, document, json!({ "a": buyer.home.to_string() })).await;
    let problem = &seen["cart"]["problems"][0];
    assert_eq!(problem["code"], "SOLD_OUT");
    assert_eq!(problem["lineIds"][0], cart.lines[0].id.to_string());
    assert_eq!(problem["storeIds"][0], shop.store_id.to_string());
}

#[tokio::test]
async fn abandoned_carts_are_removed() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = CartOwner::Account(world.buyer().await.who.account_id);
    cart::add_line(&world.app, &owner, some(shop.variants[0], 1)).await.unwrap();
    world.pass(std::time::Duration::from_secs(6 * 86_400));
    assert_eq!(cart::remove_abandoned(&world.app).await.unwrap(), 0);
    world.pass(std::time::Duration::from_secs(86_401));
    assert_eq!(cart::remove_abandoned(&world.app).await.unwrap(), 1);
}
