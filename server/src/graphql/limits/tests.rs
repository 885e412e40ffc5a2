#![allow(clippy::unwrap_used, reason = "tests")]

use async_graphql::parser::parse_query;
use daraa_domain::actor::{OpsRole, Person};
use mongodb::bson::oid::ObjectId;
use serde_json::json;

use super::*;

const SDL: &str = r"
    interface Node { id: ID! }
    type Money { amountMinor: Int! }
    type Order implements Node { id: ID! total: Money! lines: [Line!]! code: String @requires(any: [STAFF]) group: Order }
    type Line { id: ID! price: Money! }
    type Found { orders: [Order!]! fees: [Money!]! }
    type PageInfo { hasNextPage: Boolean! }
    type OrderEdge { node: Order! cursor: String! }
    type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! }
    type Query {
        hello: String @requires(any: [PUBLIC])
        node(id: ID!): Node @requires(any: [PUBLIC])
        order(id: ID!): Order @requires(any: [CUSTOMER])
        orders(first: Int, last: Int): OrderConnection! @requires(any: [CUSTOMER])
        search(first: Int): Found! @requires(any: [PUBLIC])
        finance: String @requires(any: [FINANCE])
        forgotten: String
    }
    type Mutation { place: Order @requires(any: [CUSTOMER]) }
";

fn person(ops: Option<OpsRole>) -> Actor {
    let oid = ObjectId::from_bytes([1; 12]);
    Actor::Person(Person {
        account_id: oid.into(),
        session_id: oid.into(),
        ops,
        courier_id: None,
        staff: vec![],
    })
}

fn judged_with(actor: &Actor, query: &str, variables: serde_json::Value) -> Result<Judged, Refusal> {
    let map = SchemaMap::parse(SDL).unwrap();
    judge(&map, actor, &parse_query(query).unwrap(), None, &Variables::from_json(variables))
}

fn judged(actor: &Actor, query: &str) -> Result<Judged, Refusal> {
    judged_with(actor, query, json!({}))
}

fn cost(query: &str) -> u32 {
    judged(&person(None), query).unwrap().cost
}

#[test]
fn cost_counts_objects_and_multiplies_pages() {
    assert_eq!(cost("{ hello }"), 1);
    assert_eq!(cost(r#"{ order(id: "x") { id total { amountMinor } } }"#), 1);
    assert_eq!(cost(r#"{ order(id: "x") { lines { price { amountMinor } } } }"#), 6);
    assert_eq!(cost("{ orders { nodes { id } } }"), 21);
    assert_eq!(
        cost("{ orders(first: 10) { edges { node { id lines { id } } } pageInfo { hasNextPage } } }"),
        61
    );
    assert_eq!(cost("mutation { place { id } }"), 11);
    let query = "query($n: Int = 3) { orders(first: $n) { nodes { id } } }";
    assert_eq!(judged_with(&person(None), query, json!({})).unwrap().cost, 4);
    assert_eq!(judged_with(&person(None), query, json!({"n": 7})).unwrap().cost, 8);
}

#[test]
fn the_larger_page_and_every_list_count() {
    assert_eq!(cost("{ orders(first: 1, last: 100) { nodes { id } } }"), 101);
    assert_eq!(cost("{ orders(first: null, last: 100) { nodes { id } } }"), 101);
    assert_eq!(cost("{ search(first: 50) { orders { id } } }"), 51, "a list below `first` has so many rows");
    assert_eq!(cost("{ search { orders { id } } }"), 6);
    assert_eq!(cost("{ search(first: 50) { fees { amountMinor } } }"), 51, "values in a list count, too");
}

#[test]
fn too_much_has_its_own_code() {
    let me = person(None);
    let deep = format!(r#"{{ order(id: "x") {{ {} id {} }} }}"#, "group { ".repeat(8), "} ".repeat(8));
    assert_eq!(judged(&me, &deep), Err(Refusal::TooDeep { limit: MAX_DEPTH }));
    assert!(judged(&person(Some(OpsRole::Support)), &deep).is_ok());
    let aliases: String = (0..16).map(|i| format!("a{i}: id ")).collect();
    assert_eq!(
        judged(&me, &format!(r#"{{ order(id: "x") {{ {aliases} }} }}"#)),
        Err(Refusal::TooManyAliases)
    );
    let roots: String = "hello ".repeat(11);
    assert_eq!(judged(&me, &format!("{{ {roots} }}")), Err(Refusal::TooManyRootFields));
    let directives = "@include(if: true) ".repeat(21);
    assert_eq!(judged(&me, &format!("{{ hello {directives} }}")), Err(Refusal::TooManyDirectives));
    let wide = "{ orders(first: 100) { nodes { lines { id } group { lines { id } } } } }";
    assert_eq!(judged(&me, wide), Err(Refusal::TooComplex { cost: 1_201 }));
}

#[test]
fn fragments_are_expanded_and_cannot_explode() {
    let me = person(None);
    let cycle = r#"{ order(id: "x") { ...A } } fragment A on Order { ...B } fragment B on Order { ...A }"#;
    assert!(matches!(judged(&me, cycle), Err(Refusal::BadQuery(_))));
    let mut bomb = r#"{ order(id: "x") { ...F0 } }"#.to_owned();
    for i in 0..30 {
        bomb.push_str(&format!(" fragment F{i} on Order {{ ...F{0} ...F{0} }}", i + 1));
    }
    bomb.push_str(" fragment F30 on Order { id }");
    assert_eq!(judged(&me, &bomb), Err(Refusal::TooComplex { cost: u32::MAX }));
    let roots = "{ ...A ...A } fragment A on Query { hello hello hello hello hello hello }";
    assert_eq!(judged(&me, roots), Err(Refusal::TooManyRootFields));
}

#[test]
fn rights_are_judged_wherever_a_field_hides() {
    let denied = |actor: &Actor, query: &str| match judged(actor, query) {
        Err(Refusal::Denied { field, denial }) => Some((field, denial)),
        _ => None,
    };
    let me = person(None);
    let unsigned = denied(&Actor::Anonymous, r#"{ order(id: "x") { id } }"#);
    assert_eq!(unsigned, Some(("Query.order".to_owned(), Denial::Unauthenticated)));
    let finance = Some(("Query.finance".to_owned(), Denial::Forbidden));
    assert_eq!(denied(&me, "{ finance }"), finance);
    assert_eq!(denied(&me, "{ x: finance }"), finance);
    assert_eq!(denied(&me, "query { ...F } fragment F on Query { finance }"), finance);
    assert_eq!(denied(&person(Some(OpsRole::Support)), "{ finance }"), finance);
    assert_eq!(denied(&person(Some(OpsRole::Finance)), "{ finance }"), None);
    assert_eq!(denied(&person(Some(OpsRole::Admin)), "{ finance }"), None);
    let code = Some(("Order.code".to_owned(), Denial::Forbidden));
    assert_eq!(denied(&me, r#"{ node(id: "x") { ... on Order { code } } }"#), code);
    assert_eq!(denied(&me, "{ finance @skip(if: true) hello }"), None);
    assert_eq!(denied(&person(Some(OpsRole::Admin)), "{ forgotten }").unwrap().0, "Query.forgotten");
}

#[test]
fn the_actual_cost_follows_the_answer() {
    let map = SchemaMap::parse(SDL).unwrap();
    let query = parse_query("{ orders(first: 10) { nodes { id lines { id } } } }").unwrap();
    let answer = json!({ "orders": { "nodes": [{ "id": "1", "lines": [{"id": "a"}, {"id": "b"}] }] } });
    assert_eq!(actual_cost(&map, &query, None, &Value::from_json(answer).unwrap()), 4);
}
