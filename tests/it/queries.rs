//! Every query the code can issue is served by an index, also on little data.

use daraa_domain::actor::OpsRole;
use daraa_domain::ids::StoreId;
use daraa_domain::order::OrderStatus;
use daraa_domain::pricing::PaymentMethod;
use daraa_domain::queries::{self, Check, Explained, IdleIndex, Scale};
use daraa_tests::{World, near};
use serde_json::json;

#[tokio::test]
async fn every_query_is_served_by_an_index_and_none_sorts_in_memory() {
    let world = World::new().await;
    // A thousand orders: enough for an index to be worth it, few enough to be quick.
    let check = Check { mongo: world.app.mongo.clone(), clock: world.app.clock.clone(), scale: Scale(0.01) };
    queries::fill_database(&check, |_| ()).await.unwrap();
    let rows = queries::run(&check, |_| ()).await.unwrap();
    assert!(!rows.is_empty());
    let breaches: Vec<&Explained> =
        rows.iter().filter(|row| row.breach.is_some() && row.excused.is_none()).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
    let idle = queries::idle_indexes(&rows);
    let for_nothing: Vec<&IdleIndex> = idle.iter().filter(|index| index.excused.is_none()).collect();
    assert!(for_nothing.is_empty(), "{for_nothing:#?}");
}

/// Lists with filters that no other test asks for: asked here, their shapes are recorded and then proven above.
#[tokio::test]
async fn filters_of_ops_and_couriers_find_what_they_name() {
    let world = World::new().await;
    let customer = world.customer().await;
    let bringer = world.bringer(near(200.0, 0.0)).await;
    let order = world.order_to_bring(customer.account_id, OrderStatus::Ready, PaymentMethod::Cash).await;
    let delivery = world.delivery_of(&order).await;
    assert_eq!(world.dispatch().await.offers, 1);

    let ops = world.ops(OpsRole::Support).await;
    let asked = "{
        one: opsOrders(first: 2, statuses: [READY]) { nodes { id } }
        many: opsOrders(first: 2, statuses: [READY, PLACED]) { nodes { id } }
        none: opsOrders(first: 2, statuses: [PLACED]) { nodes { id } }
        open: deliveries(first: 2, statuses: [PENDING, OFFERED]) { nodes { id offers { status } } }
    }";
    let found = world.gql(&ops.token, asked, json!({})).await;
    let ids = json!({ "nodes": [{ "id": order.id.to_string() }] });
    assert_eq!((&found["one"], &found["many"]), (&ids, &ids));
    assert_eq!(found["none"], json!({ "nodes": [] }));
    let open = json!({ "nodes": [{ "id": delivery.id.to_string(), "offers": [{ "status": "OFFERED" }] }] });
    assert_eq!(found["open"], open);

    let asked = "query($store: ID!) { storeBalances(storeId: $store) { amountMinor } }";
    let store: StoreId = world.app.ids.next();
    let found = world.gql(&ops.token, asked, json!({ "store": store.to_string() })).await;
    assert_eq!(found["storeBalances"], json!([]));
    let mine =
        world.gql(&bringer.someone.token, "{ myDeliveries(first: 2) { nodes { id } } }", json!({})).await;
    assert_eq!(mine["myDeliveries"], json!({ "nodes": [] }), "he has not accepted it yet");
}
