//! One question about many things at once: what hangs on what, as each of those concerned sees it.

use std::time::Duration;

use daraa_domain::actor::OpsRole;
use daraa_domain::delivery::{self, Complete, PickUp, offer};
use daraa_domain::ids::{EventId, OrderId};
use daraa_domain::maintenance::cleanup;
use daraa_domain::order::{Order, OrderStatus};
use daraa_domain::outbox;
use daraa_domain::outbox::Topic;
use daraa_domain::pricing::PaymentMethod;
use daraa_tests::{Bringer, Shop, Someone, World, near};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

/// An order of the store, brought to the customer's door and paid there.
async fn brought(world: &World, shop: &Shop, customer: &Someone, bringer: &Bringer) -> Order {
    let app = &world.app;
    let order = world.order_to_bring(customer.account_id, OrderStatus::Ready, PaymentMethod::Cash).await;
    let of_the_store = doc! { "$set": { "store_id": shop.store_id } };
    let orders = app.mongo.db().collection::<Document>("orders");
    orders.update_one(doc! { "_id": order.id }, of_the_store).await.unwrap();
    let order = world.order(order.id).await;
    let id = world.delivery_of(&order).await.id;
    world.dispatch().await;
    let offered = world.delivery(order.id).await.offer.expect("an offer").offer_id;
    let actor = &bringer.actor;
    offer::accept(app, actor, offered).await.unwrap();
    delivery::depart(app, actor, id).await.unwrap();
    delivery::arrive(app, actor, id, None).await.unwrap();
    let fetched = PickUp { delivery_id: id, order_id: None, store_code: order.store_code.clone() };
    delivery::pick_up(app, actor, fetched).await.unwrap();
    delivery::depart(app, actor, id).await.unwrap();
    delivery::arrive(app, actor, id, None).await.unwrap();
    let done = Complete {
        delivery_id: id,
        pin: order.dropoff_pin.clone(),
        cash_collected_minor: Some(order.money.total.amount_minor),
    };
    delivery::complete(app, actor, done).await.unwrap();
    world.drain().await;
    world.order(order.id).await
}

#[tokio::test]
async fn an_order_shows_who_brought_it_and_what_was_thought_of_it() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = world.sign_in(&shop.owner.phone).await;
    let bringer = world.bringer(near(100.0, 0.0)).await;
    let mut orders: Vec<OrderId> = Vec::new();
    for stars in [5, 4] {
        let customer = world.customer().await;
        let order = brought(&world, &shop, &customer, &bringer).await;
        assert_eq!(order.status, OrderStatus::Completed);
        let review = json!({ "orderId": order.id.to_string(), "storeStars": 5, "courierStars": stars });
        world.mutate(&customer.token, "reviewCreate", "review { id }", review).await;
        orders.push(order.id);
    }
    let ops = world.ops(OpsRole::Support).await;
    let asked = "query Orders($a: ID!, $b: ID!) {
        a: order(id: $a) { ...Whole } b: order(id: $b) { ...Whole }
    }
    fragment Whole on Order {
        review { courierStars }
        store { id rating { count } }
        delivery { courier { name rating { count average } } orders { id } offers { status } }
    }";
    let variables = json!({ "a": orders[0].to_string(), "b": orders[1].to_string() });
    let seen = world.gql(&ops.token, asked, variables).await;
    for (alias, id, stars) in [("a", orders[0], 5), ("b", orders[1], 4)] {
        let order = &seen[alias];
        assert_eq!(order["review"]["courierStars"], json!(stars), "{seen}");
        assert_eq!(order["store"], json!({ "id": shop.store_id.to_string(), "rating": { "count": 2 } }));
        assert_eq!(order["delivery"]["courier"]["rating"], json!({ "count": 2, "average": 4.5 }));
        assert_eq!(order["delivery"]["orders"], json!([{ "id": id.to_string() }]));
        assert_eq!(order["delivery"]["offers"], json!([{ "status": "ACCEPTED" }]));
    }
    let asked = "query Due($id: ID!) { storeBalances(storeId: $id) { amountMinor currency } }";
    let due = world.gql(&owner.token, asked, json!({ "id": shop.store_id.to_string() })).await;
    assert_eq!(due["storeBalances"].as_array().map(Vec::len), Some(1), "{due}");
}

#[tokio::test]
async fn a_section_is_renamed_and_moved() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = world.sign_in(&shop.owner.phone).await;
    let store = shop.store_id.to_string();
    let asked = "query Menu($id: ID!) { store(id: $id) { menu { id name { en } position version } } }";
    let name = json!({ "ar": "حلويات", "en": "Sweets" });
    let input = json!({ "storeId": store, "name": name });
    let made = world.mutate(&owner.token, "menuSectionCreate", "section { id }", input).await;
    let id = made["section"]["id"].clone();
    let input = json!({ "sectionId": id, "name": { "ar": "فطور", "en": "Breakfast" }, "position": 7 });
    world.mutate(&owner.token, "menuSectionUpdate", "section { id }", input).await;
    let seen: Value = world.gql(&owner.token, asked, json!({ "id": store })).await;
    let section =
        seen["store"]["menu"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    assert_eq!((&section["name"]["en"], &section["position"]), (&json!("Breakfast"), &json!(7)), "{seen}");
}

#[tokio::test]
async fn what_is_past_its_time_goes_and_what_is_younger_stays() {
    let world = World::new().await;
    let app = &world.app;
    let shop = world.open_store().await;
    let ops = world.ops(OpsRole::Operations).await;
    let event = outbox::NewEvent {
        kind: "t.one",
        subject: app.ids.next::<EventId>().to_string(),
        topics: vec![Topic::Ops],
        data: Document::new(),
    };
    outbox::emit(app, event).await.unwrap();
    let buyer = world.buyer().await;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    world.drain().await;
    world.mutate(&ops.token, "jobRun", "run { id }", json!({ "name": "cleanup" })).await;
    let count = async |name: &str| {
        app.mongo.db().collection::<Document>(name).count_documents(doc! {}).await.unwrap()
    };
    let all = async || [count("idempotency_keys").await, count("feed_events").await, count("job_runs").await];
    let before = all().await;
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    let cleaned = cleanup::clean_up(app).await;
    assert!(cleaned.failures.is_empty(), "{cleaned:?}");
    assert_eq!(all().await, before, "nothing is past its time");
    world.pass(181 * DAY);
    let cleaned = cleanup::clean_up(app).await;
    assert!(cleaned.failures.is_empty(), "{cleaned:?}");
    assert_eq!(all().await, [0, 0, 0], "{cleaned:?}");
    // What money hangs on is for good.
    assert_eq!(world.order(order.id).await.id, order.id);
}
