//! Gives a shape the values of a document that exists, so that the query finds something.

use mongodb::bson::{Bson, Document, doc};
use serde_json::Value;

/// Metres around a place that a search by distance looks at.
const NEAR_M: f64 = 3_000.0;

/// The filter of a shape with the values of `sample`; lists take those of `others`, too. `None` when the shape asks for
/// something else than a document.
pub(crate) fn filter(shape: &Value, sample: &Document, others: &[Document]) -> Option<Document> {
    match fill_document(shape, sample, others, "") {
        Bson::Document(filled) => Some(filled),
        _ => None,
    }
}

/// The conditions on states and flags alone: which documents a shape is about at all.
pub(crate) fn fixed(shape: &Value) -> Document {
    let mut out = Document::new();
    for (field, value) in shape.as_object().into_iter().flatten() {
        match value {
            Value::String(text) if !is_hole(text) && !field.starts_with('$') => drop(out.insert(field, text)),
            Value::Bool(flag) => drop(out.insert(field, *flag)),
            Value::Object(inner) => {
                if let Some(Value::Array(all)) = inner.get("$in")
                    && all.iter().all(|v| v.as_str().is_some_and(|text| !is_hole(text)))
                {
                    let states: Vec<Bson> = all.iter().filter_map(Value::as_str).map(Bson::from).collect();
                    out.insert(field, doc! { "$in": states });
                }
            }
            _ => {}
        }
    }
    out
}

/// The order of a shape, from `placed_at:-1,_id:-1`.
pub(crate) fn sort(text: &str) -> Document {
    let keys = text.split(',').filter_map(|key| {
        let (field, way) = key.rsplit_once(':')?;
        Some((field.to_owned(), Bson::Int64(way.parse().ok()?)))
    });
    keys.collect()
}

fn is_hole(text: &str) -> bool {
    text.starts_with('<') && text.ends_with('>')
}

fn fill_document(shape: &Value, sample: &Document, others: &[Document], path: &str) -> Bson {
    let Value::Object(fields) = shape else { return leaf(shape, sample, path) };
    if fields.contains_key("$geometry") || fields.contains_key("coordinates") {
        return place(fields, sample, path);
    }
    let mut out = Document::new();
    for (key, value) in fields {
        let filled = match (key.as_str(), value) {
            ("$or" | "$and" | "$nor", Value::Array(all)) => {
                Bson::Array(all.iter().map(|each| fill_document(each, sample, others, path)).collect())
            }
            ("$in" | "$nin" | "$all", Value::Array(kinds)) => list(kinds, sample, others, path),
            ("$elemMatch", inner) => {
                let element = element_of(sample, path).unwrap_or_default();
                fill_document(inner, &element, others, "")
            }
            ("$maxDistance", _) => Bson::Double(NEAR_M),
            ("$minDistance", _) => Bson::Double(0.0),
            (operator, inner) if operator.starts_with('$') => fill_document(inner, sample, others, path),
            (field, inner) => fill_document(inner, sample, others, &joined(path, field)),
        };
        out.insert(key, filled);
    }
    Bson::Document(out)
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn leaf(shape: &Value, sample: &Document, path: &str) -> Bson {
    match shape {
        Value::String(text) if is_hole(text) => {
            value_at(sample, path).filter(fits).unwrap_or_else(|| made_up(text))
        }
        Value::String(text) => Bson::String(text.clone()),
        Value::Bool(flag) => Bson::Boolean(*flag),
        Value::Array(all) => Bson::Array(all.iter().map(|each| leaf(each, sample, path)).collect()),
        _ => Bson::Null,
    }
}

fn fits(value: &Bson) -> bool {
    !matches!(value, Bson::Null | Bson::Array(_))
}

/// A value where the sample has none: nothing is found then, and nothing may be looked at.
fn made_up(hole: &str) -> Bson {
    match hole {
        "<number>" => Bson::Int64(1),
        "<date>" => Bson::DateTime(mongodb::bson::DateTime::from_millis(0)),
        "<id>" => Bson::ObjectId(super::document::id_of("nothing", 0)),
        _ => Bson::String("nothing".to_owned()),
    }
}

fn list(kinds: &[Value], sample: &Document, others: &[Document], path: &str) -> Bson {
    let mut values: Vec<Bson> =
        kinds.iter().filter_map(Value::as_str).filter(|text| !is_hole(text)).map(Bson::from).collect();
    if kinds.iter().filter_map(Value::as_str).any(is_hole) {
        for from in std::iter::once(sample).chain(others) {
            match value_at(from, path) {
                Some(value) if fits(&value) && !values.contains(&value) => values.push(value),
                _ => {}
            }
        }
    }
    Bson::Array(values)
}

/// The value of a path; of an array its first element's.
fn value_at(from: &Document, path: &str) -> Option<Bson> {
    let mut here = Bson::Document(from.clone());
    for field in path.split('.') {
        if let Bson::Array(all) = &here {
            here = all.first()?.clone();
        }
        here = here.as_document()?.get(field)?.clone();
    }
    match here {
        Bson::Array(all) => all.first().cloned(),
        other => Some(other),
    }
}

fn element_of(from: &Document, path: &str) -> Option<Document> {
    value_at(from, path)?.as_document().cloned()
}

/// A geographic condition around the sample's own place.
fn place(fields: &serde_json::Map<String, Value>, sample: &Document, path: &str) -> Bson {
    let point =
        point_of(sample, path).unwrap_or_else(|| doc! { "type": "Point", "coordinates": [36.1, 32.62] });
    if !fields.contains_key("$geometry") {
        return point.into();
    }
    let mut out = doc! { "$geometry": point };
    for (bound, metres) in [("$maxDistance", NEAR_M), ("$minDistance", 0.0)] {
        if fields.contains_key(bound) {
            out.insert(bound, metres);
        }
    }
    out.into()
}

/// The sample's point, or a corner's neighbour inside of its area.
fn point_of(sample: &Document, path: &str) -> Option<Document> {
    let found = value_at(sample, path)?;
    let place = found.as_document()?;
    if place.get_str("type").ok()? == "Point" {
        return Some(place.clone());
    }
    let mut inner = place.get_array("coordinates").ok()?;
    while let Some(Bson::Array(deeper)) = inner.first() {
        if !matches!(deeper.first(), Some(Bson::Array(_))) {
            break;
        }
        inner = deeper;
    }
    let corner = inner.first()?.as_array()?;
    let degrees = |n: usize| corner.get(n).and_then(Bson::as_f64);
    Some(doc! { "type": "Point", "coordinates": [degrees(0)? + 0.01, degrees(1)? + 0.01] })
}
