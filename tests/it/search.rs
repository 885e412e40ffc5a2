//! Search in Arabic and English, spelling folded; and the demo city it is tried on.

use daraa_domain::seed;
use daraa_tests::World;
use serde_json::{Value, json};

const QUERY: &str = "query($text: String!, $near: PointInput) {
    search(text: $text, near: $near, first: 50) {
        stores { name { en } } products { name { en } store { name { en } } } } }";

async fn names(world: &World, text: &str, near: Value) -> (Vec<String>, Vec<String>) {
    let answer = world.gql("", QUERY, json!({ "text": text, "near": near })).await["search"].take();
    let of = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row["name"]["en"].as_str().unwrap().to_owned()).collect()
    };
    (of(&answer["stores"]), of(&answer["products"]))
}

#[tokio::test]
async fn the_demo_city_is_made_once_and_searched_in_two_languages() {
    let world = World::new().await;
    let first = seed::run(&world.app, |_| ()).await.unwrap();
    assert_eq!((first.stores, first.couriers, first.customers, first.ops), (12, 8, 10, 4));
    let second = seed::run(&world.app, |_| ()).await.unwrap();
    assert_eq!(second, seed::SeedReport::default(), "everything is there already");

    let centre = json!({ "lon": 36.1, "lat": 32.62 });
    for text in ["شاورما دجاج", "شاوِرمـا الدجاج", "chicken shawarma", "SHAW chick", "شاور دجا"]
    {
        let (_, products) = names(&world, text, centre.clone()).await;
        assert_eq!(products, ["Chicken shawarma"], "{text}");
    }
    for text in ["مقهى", "المقهي", "jasmine cafe", "Café"] {
        let (stores, _) = names(&world, text, centre.clone()).await;
        assert_eq!(stores, ["Jasmine Café"], "{text}");
    }
    let (_, bread) = names(&world, "خبز", centre).await;
    assert!(
        bread.contains(&"Arabic bread".to_owned()) && bread.contains(&"Saj bread".to_owned()),
        "{bread:?}"
    );
    let (stores, products) = names(&world, "pizza", json!({ "lon": 37.5, "lat": 33.5 })).await;
    assert!(stores.is_empty() && products.is_empty(), "nobody delivers there");
    let (stores, products) = names(&world, "pizza", Value::Null).await;
    assert!(stores == ["Al Balad Pizza"] && products.len() == 3, "{stores:?} {products:?}");
    for text in ["", " ", "!", "ش", "zzzz"] {
        assert_eq!(names(&world, text, Value::Null).await, (Vec::new(), Vec::new()), "{text:?}");
    }
    let long = world.gql_raw(None, QUERY, json!({ "text": "x".repeat(201) })).await;
    assert_eq!(long["errors"][0]["extensions"]["code"], "TEXT_TOO_LONG");
}

#[tokio::test]
async fn hidden_products_and_stopped_stores_are_not_found() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let store = shop.store_id.to_string();
    assert_eq!(names(&world, "meal", Value::Null).await.1, ["Meal"]);
    let menu = "query($id: ID!) { store(id: $id) { products { edges { node { id name { en } } } } } }";
    let products = world.gql("", menu, json!({ "id": store })).await["store"]["products"]["edges"].take();
    let meal = products.as_array().unwrap().iter().find(|p| p["node"]["name"]["en"] == "Meal").unwrap();
    let hide = json!({ "productId": meal["node"]["id"] });
    world.mutate(&shop.owner.token, "productHide", "product { id }", hide).await;
    assert!(names(&world, "meal", Value::Null).await.1.is_empty());
    assert_eq!(names(&world, "kitchen", Value::Null).await.0, ["Kitchen"]);
    world.mutate(&shop.owner.token, "storeClose", "store { id }", json!({ "storeId": store })).await;
    assert_eq!(names(&world, "kitchen bread", Value::Null).await, (Vec::new(), Vec::new()));
    assert!(names(&world, "bread", Value::Null).await.1.is_empty());
}
