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

/// The validator of a collection that stores `T`: every field without a default is required and has its type.
/// Fields the struct does not know are allowed: a newer version may have written them.
#[must_use]
pub fn validator_of<T: JsonSchema>() -> Document {
    let mut settings = SchemaSettings::draft07();
    // `$jsonSchema` knows no references.
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    doc! { "$jsonSchema": translated(schema.as_value()) }
}

/// The validator of a collection whose documents have no fixed shape.
#[must_use]
pub fn any_document() -> Document {
    Document::new()
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
