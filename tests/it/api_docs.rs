//! The examples of docs/API.md work, in the order they are printed.

use std::collections::BTreeMap;
use std::path::Path;

use daraa_tests::World;
use serde_json::{Map, Value, json};

const PHONE: &str = "+963955123456";

/// A fenced example: what its first line says beyond `graphql`, and the operation.
struct Example {
    options: BTreeMap<String, String>,
    document: String,
}

fn examples() -> Vec<Example> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/API.md")).unwrap();
    let mut found = Vec::new();
    for block in text.split("```graphql").skip(1) {
        let (info, rest) = block.split_once('\n').unwrap();
        let document = rest.split("```").next().unwrap().to_owned();
        let options = info.split_whitespace().filter_map(|word| word.split_once('='));
        found.push(Example {
            options: options.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            document,
        });
    }
    found
}

fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |v, step| step.parse::<usize>().map_or_else(|_| &v[step], |n| &v[n]))
}

#[tokio::test]
async fn the_examples_of_the_tour_work() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let courier = world.courier().await;
    let stranger = world.customer().await;
    let mut tokens: BTreeMap<&str, String> = BTreeMap::from([
        ("store", shop.owner.token.clone()),
        ("courier", courier.token.clone()),
        ("stranger", stranger.token),
    ]);
    let mut saved: Map<String, Value> = Map::new();
    saved.insert("storeId".into(), json!(shop.store_id.to_string()));
    saved.insert("variantId".into(), json!(shop.variants[0].to_string()));

    let all = examples();
    assert!(all.len() > 12, "only {} examples found", all.len());
    for Example { options, document } in all {
        let persona = options.get("as").map_or("nobody", String::as_str);
        let token = tokens.get(persona).cloned();
        assert!(persona == "nobody" || token.is_some(), "nobody is {persona} yet:\n{document}");
        if options.contains_key("then") {
            let code = world.app.ports.sms.recording().and_then(|sms| sms.last_code(PHONE)).unwrap();
            saved.insert("code".into(), json!(code));
        }
        let wanted = saved.iter().filter(|(name, _)| document.contains(&format!("${name}:")));
        let variables = Value::Object(wanted.map(|(k, v)| (k.clone(), v.clone())).collect());
        let answer = world.gql_raw(token.as_deref(), &document, variables).await;
        assert!(answer["errors"].is_null(), "{document}\n{answer:#}");
        let data = &answer["data"];
        let payload = data.as_object().and_then(|fields| fields.values().next()).unwrap();
        let codes: Vec<&str> = payload["userErrors"]
            .as_array()
            .map(|errors| errors.iter().filter_map(|e| e["code"].as_str()).collect())
            .unwrap_or_default();
        let expected: Vec<&str> = options.get("expect").map(String::as_str).into_iter().collect();
        assert_eq!(codes, expected, "{document}\n{answer:#}");
        if let Some((name, path)) = options.get("save").and_then(|s| s.split_once(':')) {
            let value = at(data, path);
            assert!(value.is_string(), "{path} in {answer:#}");
            saved.insert(name.to_owned(), value.clone());
        }
        if options.contains_key("then") {
            tokens.insert(
                "customer",
                at(data, "sessionStart.session.accessToken").as_str().unwrap().to_owned(),
            );
        }
    }
}
