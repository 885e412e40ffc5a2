//! The limits of a query, judged before anything runs: tokens, depth, aliases, root fields, directives, cost,
//! and who may ask for what. One walk over the operation, fragments expanded.

mod tokens;

use std::collections::HashMap;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Value, Variables};
use daraa_domain::actor::Actor;
use daraa_platform::fault::{Denial, Fault, FaultKind, Lang};

use super::access::Role;
use super::map::{SchemaMap, is_connection};

pub use tokens::count as count_tokens;

/// Lexical tokens of a document.
pub const MAX_TOKENS: usize = 1_000;
/// Nested fields of a query.
pub const MAX_DEPTH: usize = 8;
/// Nested fields of a query by ops people.
pub const MAX_DEPTH_OPS: usize = 12;
/// Fields under another name.
pub const MAX_ALIASES: usize = 15;
/// Fields of the root.
pub const MAX_ROOT_FIELDS: usize = 10;
/// Directives of a query.
pub const MAX_DIRECTIVES: usize = 20;
/// Units a query may cost.
pub const MAX_COST: u32 = 1_000;
/// Open operations of one WebSocket.
pub const MAX_SUBSCRIPTIONS: usize = 20;
/// Fields after expanding fragments: a few nested fragments can name millions.
const MAX_EXPANDED_FIELDS: usize = 5_000;
/// How many rows a plain list is taken to have before it is known.
const USUAL_LIST: u32 = 5;
/// What an effect costs.
const MUTATION_COST: u32 = 10;
/// What asking for the schema costs, however deep.
const INTROSPECTION_COST: u32 = 50;

/// Why a query is refused before it runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a query, or not the one that was named.
    #[error("bad query: {0}")]
    BadQuery(String),
    /// Too many lexical tokens.
    #[error("more than {MAX_TOKENS} tokens")]
    TooManyTokens,
    /// Too deep.
    #[error("deeper than {limit}")]
    TooDeep {
        /// What is allowed for this caller.
        limit: usize,
    },
    /// Too costly, or too many fields after expanding fragments.
    #[error("cost {cost} above {MAX_COST}")]
    TooComplex {
        /// What it would cost.
        cost: u32,
    },
    /// Too many aliases.
    #[error("more than {MAX_ALIASES} aliases")]
    TooManyAliases,
    /// Too many root fields.
    #[error("more than {MAX_ROOT_FIELDS} root fields")]
    TooManyRootFields,
    /// Too many directives.
    #[error("more than {MAX_DIRECTIVES} directives")]
    TooManyDirectives,
    /// Several queries in one request.
    #[error("batches are refused")]
    Batch,
    /// The body is larger than allowed.
    #[error("body too large")]
    BodyTooLarge,
    /// The body is not JSON by its header.
    #[error("content type")]
    ContentType,
    /// A subscription sent by HTTP.
    #[error("subscription over HTTP")]
    SubscriptionOverHttp,
    /// More open subscriptions than one connection may have.
    #[error("more than {MAX_SUBSCRIPTIONS} subscriptions")]
    TooManySubscriptions,
    /// The caller may not ask for a field.
    #[error("{field}: {denial:?}")]
    Denied {
        /// `Type.field`.
        field: String,
        /// Not signed in, or without the role.
        denial: Denial,
    },
}

impl Fault for Refusal {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Denied { denial: Denial::Unauthenticated, .. } => FaultKind::Unauthenticated,
            Self::Denied { denial: Denial::Forbidden, .. } => FaultKind::Forbidden,
            _ => FaultKind::BadInput,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadQuery(_) => "BAD_QUERY",
            Self::TooManyTokens => "TOO_MANY_TOKENS",
            Self::TooDeep { .. } => "QUERY_TOO_DEEP",
            Self::TooComplex { .. } => "QUERY_TOO_COMPLEX",
            Self::TooManyAliases => "TOO_MANY_ALIASES",
            Self::TooManyRootFields => "TOO_MANY_ROOT_FIELDS",
            Self::TooManyDirectives => "TOO_MANY_DIRECTIVES",
            Self::Batch => "BATCH_REFUSED",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::ContentType => "UNSUPPORTED_CONTENT_TYPE",
            Self::TooManySubscriptions => "TOO_MANY_SUBSCRIPTIONS",
            Self::SubscriptionOverHttp => "SUBSCRIPTION_OVER_HTTP",
            Self::Denied { denial: Denial::Unauthenticated, .. } => "UNAUTHENTICATED",
            Self::Denied { denial: Denial::Forbidden, .. } => "FORBIDDEN",
        }
    }

    fn public(&self, lang: Lang) -> String {
        let (en, ar) = match self {
            Self::BadQuery(what) => return what.clone(),
            Self::TooManyTokens => (
                format!("A query has at most {MAX_TOKENS} tokens."),
                format!("لا يزيد الاستعلام عن {MAX_TOKENS} رمز."),
            ),
            Self::TooDeep { limit } => {
                (format!("Fields may be nested {limit} deep."), format!("أقصى عمق للحقول المتداخلة {limit}."))
            }
            Self::TooComplex { cost } => (
                format!("The query costs {cost}; {MAX_COST} is allowed. Ask for fewer rows or fields."),
                format!("كلفة الاستعلام {cost} والحد {MAX_COST}. اطلب أسطراً أو حقولاً أقل."),
            ),
            Self::TooManyAliases => (
                format!("A query has at most {MAX_ALIASES} aliases."),
                format!("لا تزيد الأسماء البديلة عن {MAX_ALIASES}."),
            ),
            Self::TooManyRootFields => (
                format!("A query has at most {MAX_ROOT_FIELDS} root fields."),
                format!("لا تزيد الحقول الجذرية عن {MAX_ROOT_FIELDS}."),
            ),
            Self::TooManyDirectives => (
                format!("A query has at most {MAX_DIRECTIVES} directives."),
                format!("لا تزيد التوجيهات عن {MAX_DIRECTIVES}."),
            ),
            Self::Batch => {
                ("Send one query a request.".to_owned(), "أرسل استعلاماً واحداً في كل طلب.".to_owned())
            }
            Self::BodyTooLarge => {
                ("The request body is too large.".to_owned(), "جسم الطلب كبير جداً.".to_owned())
            }
            Self::ContentType => (
                "Send JSON with content-type application/json.".to_owned(),
                "أرسل JSON مع content-type application/json.".to_owned(),
            ),
            Self::TooManySubscriptions => (
                format!("A connection has at most {MAX_SUBSCRIPTIONS} subscriptions."),
                format!("لا تزيد اشتراكات الاتصال الواحد عن {MAX_SUBSCRIPTIONS}."),
            ),
            Self::SubscriptionOverHttp => {
                ("Subscriptions go to /graphql/ws.".to_owned(), "الاشتراكات عبر ‎/graphql/ws‎.".to_owned())
            }
            Self::Denied { field, denial: Denial::Unauthenticated } => {
                (format!("Please sign in to ask for {field}."), format!("يرجى تسجيل الدخول لطلب {field}."))
            }
            Self::Denied { field, denial: Denial::Forbidden } => {
                (format!("You may not ask for {field}."), format!("لا تملك صلاحية طلب {field}."))
            }
        };
        match lang {
            Lang::En => en,
            Lang::Ar => ar,
        }
    }
}

/// A query that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Units it may cost at most, by what it asks for.
    pub cost: u32,
    /// Query, mutation or subscription.
    pub operation: OperationType,
}

/// Judges the operation that `name` selects.
///
/// # Errors
/// The first limit it breaks.
pub fn judge(
    map: &SchemaMap,
    actor: &Actor,
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<Judged, Refusal> {
    let operation = select(document, name)?;
    let mut walk = Walk {
        map,
        actor,
        document,
        variables,
        operation,
        depth_limit: if actor.is_ops() { MAX_DEPTH_OPS } else { MAX_DEPTH },
        fields: 0,
        aliases: 0,
        directives: operation.directives.len(),
        spreads: Vec::new(),
    };
    let (root, base) = match operation.ty {
        OperationType::Query => ("Query", 0),
        OperationType::Mutation => ("Mutation", MUTATION_COST),
        OperationType::Subscription => ("Subscription", 0),
    };
    let root_fields = walk.count_fields(&operation.selection_set.node, 0)?;
    if root_fields > MAX_ROOT_FIELDS {
        return Err(Refusal::TooManyRootFields);
    }
    let cost = walk.set(root, &operation.selection_set.node, 1, USUAL_LIST)?.saturating_add(base);
    if cost > MAX_COST {
        return Err(Refusal::TooComplex { cost });
    }
    Ok(Judged { cost: cost.max(1), operation: operation.ty })
}

fn select<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition, Refusal> {
    let unknown = || Refusal::BadQuery("operationName names no operation of the document".to_owned());
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Single(_), Some(_)) => Err(unknown()),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node).ok_or_else(unknown)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node).ok_or_else(unknown)
        }
        (DocumentOperations::Multiple(_), None) => Err(unknown()),
    }
}

struct Walk<'d> {
    map: &'d SchemaMap,
    actor: &'d Actor,
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    operation: &'d OperationDefinition,
    depth_limit: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    spreads: Vec<&'d Name>,
}

impl<'d> Walk<'d> {
    /// Fields of a selection set with its fragments, not descending into them.
    fn count_fields(&self, set: &'d SelectionSet, level: usize) -> Result<usize, Refusal> {
        // Validation refuses cycles with a better message; here they must only end.
        if level > self.document.fragments.len() + self.depth_limit {
            return Err(Refusal::TooDeep { limit: self.depth_limit });
        }
        let mut count = 0_usize;
        for selection in &set.items {
            count += match &selection.node {
                Selection::Field(_) => 1,
                Selection::InlineFragment(inline) => {
                    self.count_fields(&inline.node.selection_set.node, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    match self.document.fragments.get(&spread.node.fragment_name.node) {
                        Some(fragment) => self.count_fields(&fragment.node.selection_set.node, level + 1)?,
                        None => 0,
                    }
                }
            };
            if count > MAX_ROOT_FIELDS {
                return Ok(count);
            }
        }
        Ok(count)
    }

    /// The cost of a selection set on `ty`, whose plain lists are taken to have `list_rows` rows.
    fn set(&mut self, ty: &str, set: &'d SelectionSet, depth: usize, list_rows: u32) -> Result<u32, Refusal> {
        let mut cost = 0_u32;
        for selection in &set.items {
            let more = match &selection.node {
                Selection::Field(field) => self.field(ty, &field.node, depth, list_rows)?,
                Selection::InlineFragment(inline) => {
                    self.count_directives(inline.node.directives.len())?;
                    let on = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    self.set(on.unwrap_or(ty), &inline.node.selection_set.node, depth, list_rows)?
                }
                Selection::FragmentSpread(spread) => {
                    self.count_directives(spread.node.directives.len())?;
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else {
                        return Err(Refusal::BadQuery(format!("there is no fragment {name}")));
                    };
                    if self.spreads.contains(&name) {
                        return Err(Refusal::BadQuery(format!("fragment {name} contains itself")));
                    }
                    self.count_directives(fragment.node.directives.len())?;
                    self.spreads.push(name);
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    let cost = self.set(on, &fragment.node.selection_set.node, depth, list_rows)?;
                    self.spreads.pop();
                    cost
                }
            };
            cost = cost.saturating_add(more);
        }
        Ok(cost)
    }

    fn field(&mut self, ty: &str, field: &'d Field, depth: usize, list_rows: u32) -> Result<u32, Refusal> {
        self.count_directives(field.directives.len())?;
        self.fields += 1;
        if self.fields > MAX_EXPANDED_FIELDS {
            return Err(Refusal::TooComplex { cost: u32::MAX });
        }
        if field.alias.is_some() {
            self.aliases += 1;
            if self.aliases > MAX_ALIASES {
                return Err(Refusal::TooManyAliases);
            }
        }
        let name = field.name.node.as_str();
        if name == "__typename" || self.skipped(field) {
            return Ok(0);
        }
        if name.starts_with("__") {
            // Whether the schema may be asked for is decided by the mode; tokens bound its size.
            return Ok(INTROSPECTION_COST);
        }
        if depth > self.depth_limit {
            return Err(Refusal::TooDeep { limit: self.depth_limit });
        }
        self.check_rights(ty, name)?;
        let Some(rule) = self.map.rules(ty, name).into_iter().next() else {
            // Validation says which field does not exist.
            return Ok(0);
        };
        let asked = self.page_size(field);
        let children =
            self.set(&rule.ty, &field.selection_set.node, depth + 1, asked.unwrap_or(USUAL_LIST))?;
        let extra = super::map::extra_cost(ty, name);
        if is_connection(&rule.ty) {
            let page = asked.unwrap_or(daraa_platform::paging::DEFAULT_PAGE);
            return Ok(page.saturating_mul(children).saturating_add(1).saturating_add(extra));
        }
        // The rows of a connection were counted where its size is known.
        let list = rule.list && self.map.is_composite(&rule.ty) && !is_connection(ty);
        let own = self.map.own_cost(&rule.ty).max(u32::from(list));
        let rows = if list { list_rows } else { 1 };
        Ok(children.saturating_add(own).saturating_mul(rows).saturating_add(extra))
    }

    fn check_rights(&self, ty: &str, name: &str) -> Result<(), Refusal> {
        for rule in self.map.rules(ty, name) {
            let allowed = match &rule.roles {
                Some(roles) => roles.iter().any(|role| role.held_by(self.actor)),
                // A root field that does not say is nobody's.
                None => !super::map::is_root(ty),
            };
            if !allowed {
                let denial = if Role::Customer.held_by(self.actor) {
                    Denial::Forbidden
                } else {
                    Denial::Unauthenticated
                };
                return Err(Refusal::Denied { field: format!("{ty}.{name}"), denial });
            }
        }
        Ok(())
    }

    fn count_directives(&mut self, more: usize) -> Result<(), Refusal> {
        self.directives += more;
        if self.directives > MAX_DIRECTIVES { Err(Refusal::TooManyDirectives) } else { Ok(()) }
    }

    /// Left out by `@skip` or `@include`.
    fn skipped(&self, field: &Field) -> bool {
        field.directives.iter().any(|directive| {
            let condition = directive
                .node
                .get_argument("if")
                .and_then(|value| self.argument(|lookup| value.node.clone().into_const_with(lookup)));
            match (directive.node.name.node.as_str(), condition) {
                ("skip", Some(Value::Boolean(on))) => on,
                ("include", Some(Value::Boolean(on))) => !on,
                _ => false,
            }
        })
    }

    /// How many rows a field is asked for, where it says so; the largest page when that cannot be told.
    fn page_size(&self, field: &Field) -> Option<u32> {
        let sizes = ["first", "last"].into_iter().filter_map(|name| {
            let value = field.get_argument(name)?;
            match self.argument(|lookup| value.node.clone().into_const_with(lookup)) {
                Some(Value::Null) => None,
                Some(Value::Number(n)) => n.as_u64().and_then(|n| u32::try_from(n).ok()).or(Some(0)),
                _ => Some(daraa_platform::paging::MAX_PAGE),
            }
        });
        sizes.max().map(|size| size.clamp(1, daraa_platform::paging::MAX_PAGE))
    }

    /// What a variable stands for: given, by default, or null.
    fn variable(&self, name: &Name) -> Option<Value> {
        self.variables.get(name).cloned().or_else(|| {
            let declared = self.operation.variable_definitions.iter().find(|v| v.node.name.node == *name)?;
            Some(declared.node.default_value.as_ref().map_or(Value::Null, |v| v.node.clone()))
        })
    }

    /// The value of an argument with its variables put in.
    fn argument(
        &self,
        value: impl FnOnce(&dyn Fn(Name) -> Result<Value, ()>) -> Result<Value, ()>,
    ) -> Option<Value> {
        value(&|name| self.variable(&name).ok_or(())).ok()
    }
}

/// What an answer really cost: its objects, counted by the same rules as the estimate.
#[must_use]
pub fn actual_cost(map: &SchemaMap, document: &ExecutableDocument, name: Option<&str>, data: &Value) -> u32 {
    let Ok(operation) = select(document, name) else { return 0 };
    let (root, base) = match operation.ty {
        OperationType::Query => ("Query", 0),
        OperationType::Mutation => ("Mutation", MUTATION_COST),
        OperationType::Subscription => ("Subscription", 0),
    };
    counted(map, document, root, &operation.selection_set.node, data).saturating_add(base).max(1)
}

fn counted(
    map: &SchemaMap,
    document: &ExecutableDocument,
    ty: &str,
    set: &SelectionSet,
    data: &Value,
) -> u32 {
    let Value::Object(object) = data else { return 0 };
    let mut cost = 0_u32;
    // A field may be selected twice (in two fragments); it is counted once.
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut sets: Vec<(&str, &SelectionSet)> = vec![(ty, set)];
    while let Some((ty, set)) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    let Some(value) = object.get(key) else { continue };
                    if seen.insert(key, ()).is_some() {
                        continue;
                    }
                    if field.node.name.node.starts_with("__") {
                        cost = cost.saturating_add(u32::from(key != "__typename") * INTROSPECTION_COST);
                        continue;
                    }
                    let Some(rule) = map.rules(ty, &field.node.name.node).into_iter().next() else {
                        continue;
                    };
                    let rows: &[Value] = match value {
                        Value::List(rows) => rows,
                        one => std::slice::from_ref(one),
                    };
                    cost = cost.saturating_add(u32::from(is_connection(&rule.ty)));
                    cost = cost.saturating_add(super::map::extra_cost(ty, &field.node.name.node));
                    let own = map.own_cost(&rule.ty).max(u32::from(rule.list && !is_connection(ty)));
                    for row in rows.iter().filter(|row| matches!(row, Value::Object(_))) {
                        let inner = counted(map, document, &rule.ty, &field.node.selection_set.node, row);
                        cost = cost.saturating_add(inner).saturating_add(own);
                    }
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    sets.push((on.unwrap_or(ty), &inline.node.selection_set.node));
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        sets.push((
                            fragment.node.type_condition.node.on.node.as_str(),
                            &fragment.node.selection_set.node,
                        ));
                    }
                }
            }
        }
    }
    cost
}

#[cfg(test)]
mod tests;
