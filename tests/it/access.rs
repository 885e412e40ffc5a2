//! Rights on every field: the printed schema says who may ask, and whoever it does not name is refused.
//!
//! Each root field is asked with made-up arguments by everybody: anonymous, customer, store staff, courier and each
//! ops role. Whose *object* it is is proven in the tests of each room, by name.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Value as ConstValue;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, ObjectType, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use daraa_domain::actor::OpsRole;
use daraa_tests::World;
use serde_json::Value;

/// Object fields that only some of those who reach the object may read. Everything else on an object is for
/// whoever the room lets have it.
const SENSITIVE: &[(&str, &str, &[&str])] =
    &[("Order", "dropoffPin", &["CUSTOMER"]), ("Order", "storeCode", &["STAFF"])];

/// Fields whose room asks for more where an argument widens the question: the made-up call leaves it out.
const NARROWER_WITHOUT_ARGUMENT: &[(&str, &str)] = &[
    // Without a guest token the cart is the signed-in person's.
    ("cart", "anonymous"),
    ("cartClear", "anonymous"),
    ("cartLineAdd", "anonymous"),
    ("cartLineRemove", "anonymous"),
    ("cartLineUpdate", "anonymous"),
    // Without a store it is about the whole platform.
    ("commissions", "staff"),
    ("commissions", "support"),
    ("couponCreate", "staff"),
    ("coupons", "staff"),
];

struct Schema {
    types: BTreeMap<String, TypeDefinition>,
}

impl Schema {
    fn parse() -> Self {
        let document = parse_schema(daraa_server::graphql::sdl()).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node.to_string(), ty.node)),
            _ => None,
        });
        Self { types: types.collect() }
    }

    fn object(&self, name: &str) -> &ObjectType {
        match &self.types[name].kind {
            TypeKind::Object(object) => object,
            other => panic!("{name} is no object: {other:?}"),
        }
    }

    /// The smallest value the schema lets through for a type.
    fn made_up(&self, ty: &Type) -> String {
        if ty.nullable {
            return "null".to_owned();
        }
        let name = match &ty.base {
            BaseType::List(_) => return "[]".to_owned(),
            BaseType::Named(name) => name.as_str(),
        };
        match name {
            "Int" | "BigInt" => return "1".to_owned(),
            "Float" => return "0.5".to_owned(),
            "Boolean" => return "true".to_owned(),
            "DateTime" => return "\"2026-01-05T09:00:00Z\"".to_owned(),
            "ID" | "String" => return "\"x\"".to_owned(),
            _ => {}
        }
        match &self.types.get(name).unwrap_or_else(|| panic!("unknown type {name}")).kind {
            TypeKind::Enum(e) => e.values[0].node.value.node.to_string(),
            TypeKind::InputObject(input) => {
                let needed = input.fields.iter().filter(|f| !f.node.ty.node.nullable);
                let fields: Vec<String> = needed
                    .map(|f| format!("{}: {}", f.node.name.node, self.made_up(&f.node.ty.node)))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            TypeKind::Scalar => "\"x\"".to_owned(),
            other => panic!("{name} cannot be an input: {other:?}"),
        }
    }

    fn is_leaf(&self, ty: &Type) -> bool {
        let mut base = &ty.base;
        while let BaseType::List(inner) = base {
            base = &inner.base;
        }
        let BaseType::Named(name) = base else { unreachable!() };
        self.types.get(name.as_str()).is_none_or(|ty| matches!(ty.kind, TypeKind::Scalar | TypeKind::Enum(_)))
    }

    fn ask(&self, field: &FieldDefinition) -> String {
        let needed = field.arguments.iter().filter(|a| !a.node.ty.node.nullable);
        let arguments: Vec<String> =
            needed.map(|a| format!("{}: {}", a.node.name.node, self.made_up(&a.node.ty.node))).collect();
        let arguments =
            if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let selection = if self.is_leaf(&field.ty.node) { "" } else { " { __typename }" };
        format!("{}{arguments}{selection}", field.name.node)
    }
}

fn rule(field: &FieldDefinition) -> Option<BTreeSet<String>> {
    let directive = field.directives.iter().find(|d| d.node.name.node == "requires")?;
    let ConstValue::List(roles) = &directive.node.get_argument("any")?.node else { return None };
    Some(roles.iter().map(|role| role.to_string()).collect())
}

#[test]
fn every_root_field_states_its_rule() {
    let schema = Schema::parse();
    for root in ["Query", "Mutation", "Subscription"] {
        for field in &schema.object(root).fields {
            let found = rule(&field.node);
            assert!(found.is_some_and(|r| !r.is_empty()), "{root}.{} says nothing", field.node.name.node);
        }
    }
}

#[test]
fn sensitive_fields_state_theirs() {
    let schema = Schema::parse();
    for (object, field, roles) in SENSITIVE {
        let fields = &schema.object(object).fields;
        let found =
            fields.iter().find(|f| f.node.name.node == *field).unwrap_or_else(|| panic!("{object}.{field}"));
        let rule = rule(&found.node).unwrap_or_else(|| panic!("{object}.{field} says nothing"));
        for role in *roles {
            assert!(rule.contains(*role), "{object}.{field} is for {role}, says {rule:?}");
        }
    }
}

#[test]
fn everything_is_described() {
    let schema = Schema::parse();
    for (name, ty) in &schema.types {
        let fields: Vec<(String, bool)> = match &ty.kind {
            TypeKind::Object(o) => o
                .fields
                .iter()
                .map(|f| (f.node.name.node.to_string(), f.node.description.is_some()))
                .collect(),
            TypeKind::InputObject(o) => o
                .fields
                .iter()
                .map(|f| (f.node.name.node.to_string(), f.node.description.is_some()))
                .collect(),
            TypeKind::Enum(e) => e
                .values
                .iter()
                .map(|v| (v.node.value.node.to_string(), v.node.description.is_some()))
                .collect(),
            _ => continue,
        };
        // Relay's own types are described by Relay's specification.
        let relay = name.ends_with("Connection") || name.ends_with("Edge") || name == "PageInfo";
        assert!(
            relay
                || ty.description.is_some()
                || ["Query", "Mutation", "Subscription"].contains(&name.as_str()),
            "{name} is not described"
        );
        for (field, described) in fields {
            assert!(relay || described, "{name}.{field} is not described");
        }
    }
}

#[tokio::test]
async fn whoever_is_not_named_is_refused() {
    let world = World::new().await;
    let schema = Schema::parse();
    let shop = world.open_store().await;
    let courier = world.courier().await;
    let personas = [
        ("anonymous", None, &["PUBLIC"][..]),
        ("customer", Some(world.customer().await.token), &["PUBLIC", "CUSTOMER"][..]),
        ("staff", Some(shop.owner.token), &["PUBLIC", "CUSTOMER", "STAFF"][..]),
        ("courier", Some(courier.token), &["PUBLIC", "CUSTOMER", "COURIER"][..]),
        ("support", Some(world.ops(OpsRole::Support).await.token), &["PUBLIC", "CUSTOMER", "SUPPORT"][..]),
        ("finance", Some(world.ops(OpsRole::Finance).await.token), &["PUBLIC", "CUSTOMER", "FINANCE"][..]),
        (
            "operations",
            Some(world.ops(OpsRole::Operations).await.token),
            &["PUBLIC", "CUSTOMER", "OPERATIONS"][..],
        ),
        (
            "admin",
            Some(world.ops(OpsRole::Admin).await.token),
            &["PUBLIC", "CUSTOMER", "SUPPORT", "FINANCE", "OPERATIONS", "ADMIN"][..],
        ),
    ];
    let mut wrong = Vec::new();
    let mut judged = 0;
    for (root, operation) in [("Query", "query"), ("Mutation", "mutation")] {
        for field in &schema.object(root).fields {
            let name = field.node.name.node.to_string();
            let Some(rule) = rule(&field.node) else { continue };
            for (persona, token, roles) in &personas {
                let allowed = roles.iter().any(|role| rule.contains(*role));
                // Whoever is allowed really acts; ending the caller's own session would spoil the rest.
                if allowed && root == "Mutation" && name.starts_with("session") {
                    continue;
                }
                let document = format!("{operation} {{ {} }}", schema.ask(&field.node));
                let answer = world.gql_raw(token.as_deref(), &document, Value::Null).await;
                let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("-");
                let refused = ["UNAUTHENTICATED", "FORBIDDEN"].contains(&code);
                let narrower = NARROWER_WITHOUT_ARGUMENT.contains(&(name.as_str(), persona));
                let allowed = allowed && !narrower;
                judged += 1;
                if code == "BAD_QUERY" {
                    wrong.push(format!("{document}: {answer}"));
                } else if allowed == refused {
                    wrong.push(format!(
                        "{root}.{name} by {persona}: allowed by {rule:?} is {allowed}, got {code}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged > 300, "only {judged} combinations were judged");
}
