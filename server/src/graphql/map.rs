//! What the gate knows of the schema: for every field its result type, whether it is a list, and who may ask
//! for it. Read from the printed schema once at start, so what is printed is what is enforced.

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql::parser::types::{
    BaseType, ConstDirective, FieldDefinition, Type, TypeKind, TypeSystemDefinition,
};

use super::access::Role;

/// Types that only group a few values: asking for them costs nothing by itself.
const VALUE_TYPES: [&str; 5] = ["Money", "LocalText", "GeoPoint", "PageInfo", "OrderMoney"];

/// Fields that are dearer than what they answer shows, and by how much.
const EXTRA_COSTS: [(&str, &str, u32); 6] = [
    ("Query", "integrityCheck", 200),
    ("Address", "servedByCount", 10),
    // One read for each object, not one for all.
    ("Courier", "cashFloat", 1),
    ("Courier", "earnings", 1),
    ("Delivery", "offers", 2),
    ("Store", "menu", 2),
];

/// What asking for the field costs beyond its objects.
pub(super) fn extra_cost(ty: &str, field: &str) -> u32 {
    EXTRA_COSTS.iter().find(|(t, f, _)| *t == ty && *f == field).map_or(0, |(_, _, cost)| *cost)
}

/// One field of an object or interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRule {
    /// The name of its type without list and non-null.
    pub ty: String,
    /// Whether it is a list.
    pub list: bool,
    /// Who may ask for it; `None` when the schema does not say.
    pub roles: Option<Vec<Role>>,
}

/// One object, interface or union.
#[derive(Debug, Clone, Default)]
struct Composite {
    fields: HashMap<String, FieldRule>,
    /// Of an interface or union: the objects it may be.
    members: Vec<String>,
}

/// The schema as the gate knows it.
#[derive(Debug, Clone, Default)]
pub struct SchemaMap {
    types: HashMap<String, Composite>,
}

/// The printed schema could not be understood; a defect.
#[derive(Debug, thiserror::Error)]
#[error("the printed schema cannot be read: {0}")]
pub struct MapError(String);

impl SchemaMap {
    /// Reads a printed schema.
    ///
    /// # Errors
    /// It is not one, or has a rule with an unknown role.
    pub fn parse(sdl: &str) -> Result<Self, MapError> {
        let document = async_graphql::parser::parse_schema(sdl).map_err(|e| MapError(e.to_string()))?;
        let mut map = Self::default();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let (name, ty) = (ty.node.name.node.to_string(), ty.node);
            match ty.kind {
                TypeKind::Object(object) => {
                    for interface in &object.implements {
                        let interface = map.types.entry(interface.node.to_string()).or_default();
                        interface.members.push(name.clone());
                    }
                    let fields = object.fields.iter().map(|f| rule(&f.node)).collect::<Result<_, _>>()?;
                    map.types.entry(name).or_default().fields = fields;
                }
                TypeKind::Interface(interface) => {
                    let fields = interface.fields.iter().map(|f| rule(&f.node)).collect::<Result<_, _>>()?;
                    map.types.entry(name).or_default().fields = fields;
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter().map(|m| m.node.to_string()).collect();
                    map.types.entry(name).or_default().members = members;
                }
                TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => {}
            }
        }
        Ok(map)
    }

    /// The field `field` of `ty`.
    #[must_use]
    pub fn field(&self, ty: &str, field: &str) -> Option<&FieldRule> {
        self.types.get(ty)?.fields.get(field)
    }

    /// Every rule that holds for `field` of `ty`: of an interface also those of the objects it may be.
    pub(super) fn rules<'m>(&'m self, ty: &str, field: &str) -> Vec<&'m FieldRule> {
        let Some(composite) = self.types.get(ty) else { return Vec::new() };
        let of_members = composite.members.iter().filter_map(|member| self.field(member, field));
        composite.fields.get(field).into_iter().chain(of_members).collect()
    }

    /// Whether a type has fields of its own.
    #[must_use]
    pub fn is_composite(&self, ty: &str) -> bool {
        self.types.contains_key(ty)
    }

    /// What one object of the type costs.
    pub(super) fn own_cost(&self, ty: &str) -> u32 {
        u32::from(self.is_composite(ty) && !VALUE_TYPES.contains(&ty) && !is_edge(ty) && !is_connection(ty))
    }

    /// Every field of every object, for the test that walks them: (type, field, rule), sorted.
    #[must_use]
    pub fn all_fields(&self) -> Vec<(&str, &str, &FieldRule)> {
        let mut all: Vec<_> = self
            .types
            .iter()
            .flat_map(|(ty, composite)| {
                composite.fields.iter().map(move |(field, rule)| (ty.as_str(), field.as_str(), rule))
            })
            .collect();
        all.sort_unstable_by_key(|(ty, field, _)| (*ty, *field));
        all
    }

    /// Root fields whose rule is missing; must be none.
    #[must_use]
    pub fn unruled_roots(&self) -> Vec<String> {
        self.all_fields()
            .into_iter()
            .filter(|(ty, _, rule)| is_root(ty) && rule.roles.as_ref().is_none_or(Vec::is_empty))
            .map(|(ty, field, _)| format!("{ty}.{field}"))
            .collect()
    }
}

/// Whether the type is one of the three roots.
#[must_use]
pub fn is_root(ty: &str) -> bool {
    matches!(ty, "Query" | "Mutation" | "Subscription")
}

pub(super) fn is_connection(ty: &str) -> bool {
    ty.ends_with("Connection")
}

fn is_edge(ty: &str) -> bool {
    ty.ends_with("Edge")
}

fn rule(field: &FieldDefinition) -> Result<(String, FieldRule), MapError> {
    let (ty, list) = base(&field.ty.node);
    let requires = field.directives.iter().find(|d| d.node.name.node == "requires");
    let roles = requires.map(|directive| roles(&directive.node)).transpose()?;
    Ok((field.name.node.to_string(), FieldRule { ty, list, roles }))
}

fn base(ty: &Type) -> (String, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (base(inner).0, true),
    }
}

fn roles(directive: &ConstDirective) -> Result<Vec<Role>, MapError> {
    let Some(Value::List(names)) = directive.get_argument("any").map(|value| &value.node) else {
        return Err(MapError("@requires without any".to_owned()));
    };
    names
        .iter()
        .map(|name| {
            let name = match name {
                Value::Enum(name) => name.as_str(),
                Value::String(name) => name.as_str(),
                _ => "",
            };
            Role::ALL
                .into_iter()
                .find(|role| role.name() == name)
                .ok_or_else(|| MapError(format!("unknown role {name:?}")))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_root_field_of_the_schema_has_a_rule() {
        let map = SchemaMap::parse(&crate::graphql::sdl()).unwrap();
        assert_eq!(map.unruled_roots(), Vec::<String>::new());
        assert_eq!(map.field("Query", "serverTime").unwrap().roles, Some(vec![Role::Public]));
    }

    #[test]
    fn lists_interfaces_and_rules_are_read() {
        let map = SchemaMap::parse(
            r#"
            interface Node { id: ID! }
            type Order implements Node { id: ID! lines: [Line!]! code: String @requires(any: [STAFF, ADMIN]) }
            type Line { id: ID! }
            type Query { node(id: ID!): Node @requires(any: [PUBLIC]) open: Order }
            "#,
        )
        .unwrap();
        let lines = map.field("Order", "lines").unwrap();
        assert!(lines.list && lines.ty == "Line" && lines.roles.is_none());
        assert_eq!(map.field("Order", "code").unwrap().roles, Some(vec![Role::Staff, Role::Admin]));
        assert_eq!(map.rules("Node", "id").len(), 2);
        assert_eq!(map.unruled_roots(), ["Query.open"]);
    }
}
