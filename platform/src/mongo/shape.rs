//! What the documents of a collection look like, as a validator the database enforces: derived from the stored struct,
//! so that the two cannot differ.

use mongodb::bson::{Bson, Document, doc};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

/// The schema of an `ObjectId`.
#[must_use]
pub fn object_id() -> Schema {
    json_schema!({ "type": "objectId" })
}

/// The schema of a BSON date.
#[must_use]
pub fn date() -> Schema {
    json_schema!({ "type": "date" })
}

/// The schema of a text.
#[must_use]
pub fn text() -> Schema {
    json_schema!({ "type": "string" })
}

/// A field that holds an `ObjectId` without a type of its own: `#[schemars(schema_with = "id_field")]`.
#[must_use]
pub fn id_field(_: &mut SchemaGenerator) -> Schema {
    object_id()
}

/// A field that holds a document of any shape: `#[schemars(schema_with = "document_field")]`.
#[must_use]
pub fn document_field(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// Implements `JsonSchema` for types that are written by hand: their schema is one of the functions of this module.
#[macro_export]
macro_rules! stored_as {
    ($name:ident, $schema:expr) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

/// What the documents of a collection look like: for the database as a validator, for people as a list of fields.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    validator: fn() -> Document,
    fields: fn() -> Vec<Field>,
}

impl Shape {
    /// Documents of any shape.
    pub const ANY: Self = Self { validator: Document::new, fields: Vec::new };

    /// Documents that are a `T`.
    #[must_use]
    pub const fn of<T: JsonSchema>() -> Self {
        Self { validator: validator_of::<T>, fields: fields_of::<T> }
    }

    /// The validator.
    #[must_use]
    pub fn validator(&self) -> Document {
        (self.validator)()
    }

    /// The fields, those of objects inside after them; none when any document will do.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        (self.fields)()
    }
}

/// The validator of a collection that stores `T`: every field without a default is required and has its type.
/// Fields the struct does not know are allowed: a newer version may have written them.
#[must_use]
pub fn validator_of<T: JsonSchema>() -> Document {
    doc! { "$jsonSchema": translated(schema_of::<T>().as_value()) }
}

fn schema_of<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft07();
    // `$jsonSchema` knows no references.
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator().into_root_schema_for::<T>()
}

/// JSON schema in the dialect of `$jsonSchema`: types by their BSON names, unknown keywords left out.
fn translated(schema: &Value) -> Bson {
    let Value::Object(fields) = schema else {
        // `true` allows anything.
        return Bson::Document(Document::new());
    };
    let mut out = Document::new();
    for (keyword, value) in fields {
        match (keyword.as_str(), value) {
            ("type", Value::String(name)) => drop(out.insert("bsonType", types(name))),
            ("type", Value::Array(names)) => {
                let all: Vec<Bson> = names.iter().filter_map(Value::as_str).flat_map(types).collect();
                out.insert("bsonType", all);
            }
            ("properties", Value::Object(properties)) => {
                let inner: Document =
                    properties.iter().map(|(name, s)| (name.clone(), translated(s))).collect();
                out.insert("properties", inner);
            }
            ("items", Value::Array(each)) | ("oneOf" | "anyOf" | "allOf", Value::Array(each)) => {
                out.insert(keyword, each.iter().map(translated).collect::<Vec<_>>());
            }
            ("items" | "additionalProperties" | "not", Value::Object(_)) => {
                out.insert(keyword, translated(value));
            }
            ("additionalProperties", Value::Bool(allowed)) => drop(out.insert(keyword, *allowed)),
            ("const", value) => drop(out.insert("enum", vec![plain(value)])),
            ("enum" | "required" | "minItems" | "maxItems" | "pattern", value) => {
                out.insert(keyword, plain(value));
            }
            // Titles, descriptions, formats, defaults and bounds of Rust's integers say nothing to the database.
            _ => {}
        }
    }
    Bson::Document(out)
}

/// BSON's names of a JSON type. Integers may be of either width: drivers and shells choose the smaller one.
fn types(json: &str) -> Vec<Bson> {
    let names: &[&str] = match json {
        "integer" => &["int", "long"],
        "number" => &["double", "int", "long"],
        "boolean" => &["bool"],
        "string" => &["string"],
        "array" => &["array"],
        "null" => &["null"],
        // Not JSON's: what the functions above say, with `type` so that an `Option` of it may be null.
        "objectId" => &["objectId"],
        "date" => &["date"],
        _ => &["object"],
    };
    names.iter().map(|name| Bson::from(*name)).collect()
}

fn plain(value: &Value) -> Bson {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().into(),
        Value::Number(n) => n.as_i64().map_or(Bson::Null, Bson::Int64),
        Value::Bool(b) => (*b).into(),
        _ => Bson::Null,
    }
}

/// Objects are described down to this many names in a path.
const MAX_DEPTH: usize = 3;
/// An object of so few plain fields is described in its own row.
const MAX_IN_A_ROW: usize = 3;

/// One field as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its path, `lines[].quantity`.
    pub path: String,
    /// Its BSON type; an object of a few plain fields says which.
    pub ty: String,
    /// Whether a document without it is refused.
    pub required: bool,
    /// What it is, one paragraph; empty when the struct does not say.
    pub about: String,
    /// The only values it takes; empty for any.
    pub values: Vec<String>,
}

fn fields_of<T: JsonSchema>() -> Vec<Field> {
    let mut out = Vec::new();
    describe_all(schema_of::<T>().as_value(), "", 1, &mut out);
    // The struct's order is lost in the schema; the id goes first.
    out.sort_by_key(|field| field.path != "_id");
    out
}

fn describe_all(schema: &Value, within: &str, depth: usize, out: &mut Vec<Field>) {
    for (name, schema, required) in properties_of(schema) {
        let path = if within.is_empty() { name.to_owned() } else { format!("{within}.{name}") };
        describe(schema, path, required, depth, out);
    }
}

fn describe(schema: &Value, path: String, required: bool, depth: usize, out: &mut Vec<Field>) {
    let about = about_of(schema);
    let (one, nullable) = without_null(schema);
    let list = one.get("items").filter(|items| items.is_object());
    let (inner, path) = match list {
        Some(items) => (without_null(items).0, format!("{path}[]")),
        None => (one, path),
    };
    let plain = in_a_row(inner);
    let mut ty = plain.clone().unwrap_or_else(|| name_of(inner));
    if list.is_some() {
        ty = format!("array of {ty}");
    }
    if nullable {
        ty.push_str(" or null");
    }
    let about = if about.is_empty() { about_of(one) } else { about };
    out.push(Field { path: path.clone(), ty, required, about, values: values_of(inner) });
    if plain.is_none() && depth < MAX_DEPTH {
        describe_all(inner, &path, depth.saturating_add(1), out);
    }
}

/// The properties of an object and whether each is required; of an enum with data those of all its variants.
fn properties_of(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let mut out: Vec<(&str, &Value, bool)> = Vec::new();
    let parts: Vec<&Value> = std::iter::once(schema).chain(variants(schema)).collect();
    for part in &parts {
        for (name, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !out.iter().any(|(known, ..)| known == name) {
                let required = requires(schema, name)
                    || (!variants(schema).is_empty() && variants(schema).iter().all(|v| requires(v, name)));
                out.push((name.as_str(), inner, required));
            }
        }
    }
    out
}

fn requires(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|all| all.iter().any(|field| field.as_str() == Some(name)))
}

fn variants(schema: &Value) -> Vec<&Value> {
    let all = ["oneOf", "anyOf"].iter().find_map(|keyword| schema.get(keyword)?.as_array());
    all.into_iter().flatten().filter(|variant| !is_null(variant)).collect()
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The schema of what is there when it is not null, and whether it may be null.
fn without_null(schema: &Value) -> (&Value, bool) {
    let in_type = schema.get("type").and_then(Value::as_array);
    let nullable = in_type.is_some_and(|names| names.iter().any(|name| name.as_str() == Some("null")));
    let any = schema.get("anyOf").and_then(Value::as_array);
    match (any, variants(schema).as_slice()) {
        (Some(all), [one]) if all.len() > 1 => (one, true),
        _ => (schema, nullable),
    }
}

/// The type of a schema by its BSON name; the wider one of numbers.
fn name_of(schema: &Value) -> String {
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("object")
        }
        _ if !values_of(schema).is_empty() => "string",
        _ => "object",
    };
    match name {
        "integer" => "long",
        "number" => "double",
        "boolean" => "bool",
        other => other,
    }
    .to_owned()
}

/// An object of a few plain fields in one row, `{ ar: string, en: string }`.
fn in_a_row(schema: &Value) -> Option<String> {
    let fields = properties_of(schema);
    if matches!(fields.as_slice(), [("coordinates", ..), ("type", ..)]) {
        return Some("GeoJSON".to_owned());
    }
    let plain = |inner: &Value| {
        let (one, _) = without_null(inner);
        properties_of(one).is_empty() && one.get("items").is_none_or(|items| !items.is_object())
    };
    if fields.is_empty() || fields.len() > MAX_IN_A_ROW || !fields.iter().all(|(_, inner, _)| plain(inner)) {
        return None;
    }
    let all: Vec<String> = fields
        .iter()
        .map(|(name, inner, _)| {
            let (one, nullable) = without_null(inner);
            format!("{name}: {}{}", name_of(one), if nullable { " or null" } else { "" })
        })
        .collect();
    Some(format!("{{ {} }}", all.join(", ")))
}

/// The only values of an enum without data.
fn values_of(schema: &Value) -> Vec<String> {
    let own = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let own: Vec<String> =
        own.chain(schema.get("const")).filter_map(Value::as_str).map(str::to_owned).collect();
    if !own.is_empty() {
        return own;
    }
    let of_variants: Vec<Vec<String>> = variants(schema).into_iter().map(values_of).collect();
    if of_variants.iter().any(Vec::is_empty) { Vec::new() } else { of_variants.concat() }
}

/// The first paragraph of a description on one line, its links to Rust items as plain names.
fn about_of(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let mut line = words.join(" ");
    // A link that says where it leads.
    while let Some((before, rest)) = line.split_once("`](") {
        let after = rest.split_once(')').map_or("", |(_, after)| after);
        line = format!("{before}`{after}");
    }
    line.replace("[`", "`").replace("`]", "`").replace("`crate::", "`").replace("`None`", "null")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, dead_code, reason = "tests")]
mod tests {
    use super::*;

    #[derive(serde::Serialize, JsonSchema)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum State {
        Open,
        HandedOver,
    }

    #[derive(serde::Serialize, JsonSchema)]
    struct Row {
        #[serde(rename = "_id")]
        id: String,
        state: State,
        count: i64,
        note: Option<String>,
        #[serde(default)]
        added_later: i64,
    }

    /// Where something is.
    #[derive(serde::Serialize, JsonSchema)]
    struct Place {
        lon: f64,
        lat: f64,
    }

    #[derive(serde::Serialize, JsonSchema)]
    struct Part {
        /// How many, as [`Row::count`]
        /// and [`State`](super::State) say.
        ///
        /// Never negative.
        count: i64,
        /// Where to.
        place: Option<Place>,
        /// How far.
        state: Option<State>,
        names: Vec<String>,
    }

    #[derive(serde::Serialize, JsonSchema)]
    struct Whole {
        parts: Vec<Part>,
        #[serde(rename = "_id")]
        id: String,
    }

    #[test]
    fn a_struct_becomes_a_list_of_fields() {
        let fields = Shape::of::<Whole>().fields();
        let rows: Vec<(&str, &str, bool, &str)> = fields
            .iter()
            .map(|field| (field.path.as_str(), field.ty.as_str(), field.required, field.about.as_str()))
            .collect();
        let expected = [
            ("_id", "string", true, ""),
            ("parts[]", "array of object", true, ""),
            ("parts[].count", "long", true, "How many, as `Row::count` and `State` say."),
            ("parts[].names[]", "array of string", true, ""),
            ("parts[].place", "{ lat: double, lon: double } or null", false, "Where to."),
            ("parts[].state", "string or null", false, "How far."),
        ];
        assert_eq!(rows, expected);
        let values: Vec<&str> = fields.iter().flat_map(|field| &field.values).map(String::as_str).collect();
        assert_eq!(values, ["OPEN", "HANDED_OVER"]);
        assert!(Shape::ANY.fields().is_empty());
    }

    #[test]
    fn a_struct_becomes_a_validator() {
        let expected = doc! { "$jsonSchema": {
            "bsonType": ["object"],
            "properties": {
                "_id": { "bsonType": ["string"] },
                "added_later": { "bsonType": ["int", "long"] },
                "count": { "bsonType": ["int", "long"] },
                "note": { "bsonType": ["string", "null"] },
                "state": { "bsonType": ["string"], "enum": ["OPEN", "HANDED_OVER"] },
            },
            "required": ["_id", "state", "count"],
        } };
        let sorted = |d: &Document| serde_json::to_value(d).unwrap();
        assert_eq!(sorted(&validator_of::<Row>()), sorted(&expected));
    }
}
