//! `daraa-server db document`: what is declared about the data, as Markdown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use daraa_domain::{indexes, queries};
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, ShardField, ShardKey};
use daraa_platform::mongo::record::{PIPELINE, QueryShape};
use daraa_platform::mongo::shape::Field;
use serde_json::Value;

use super::indexes::{keys, partial};

/// Written by hand; everything after it is printed from the declarations.
const INTRODUCTION: &str = include_str!("document.md");
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;

/// The whole document.
///
/// # Errors
/// The committed list of queries cannot be read: a defect.
pub(super) fn document() -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let shapes = queries::all()?;
    let mut out = String::from(INTRODUCTION);
    contents(&mut out)?;
    for (room, collections) in indexes::BY_ROOM {
        writeln!(out, "\n## {room}")?;
        for declared in *collections {
            collection(&mut out, declared, &shapes)?;
        }
    }
    Ok(out)
}

fn contents(out: &mut String) -> std::fmt::Result {
    let indexes: usize = indexes::ALL.iter().map(|declared| declared.indexes.len()).sum();
    writeln!(out, "\n## Contents")?;
    writeln!(out, "{} collections, {indexes} indexes beside `_id`.\n", indexes::ALL.len())?;
    writeln!(out, "| room | collections |\n|---|---|")?;
    for (room, collections) in indexes::BY_ROOM {
        let links: Vec<String> = collections.iter().map(|c| format!("[{0}](#{0})", c.collection)).collect();
        writeln!(out, "| [{room}](#{room}) | {} |", links.join(", "))?;
    }
    Ok(())
}

fn collection(out: &mut String, declared: &CollectionIndexes, shapes: &[QueryShape]) -> std::fmt::Result {
    let mine: Vec<&QueryShape> =
        shapes.iter().filter(|shape| shape.collection == declared.collection).collect();
    writeln!(out, "\n### {}", declared.collection)?;
    writeln!(out, "{}\n", declared.about)?;
    writeln!(out, "- **Kept**: {}.", kept(declared.kept))?;
    if !mine.is_empty() {
        writeln!(out, "- **Operations**: {}.", names(mine.iter().copied()))?;
    }
    shard_key(out, declared, &mine)?;
    fields(out, &declared.shape.fields())?;
    if declared.indexes.is_empty() {
        return writeln!(out, "\nNo index beside `_id`.");
    }
    writeln!(out, "\n| index | keys | options | serves |\n|---|---|---|---|")?;
    for spec in declared.indexes {
        writeln!(out, "| `{}` | `{}` | {} | {} |", spec.name, keys(spec), options(spec), cell(spec.serves))?;
    }
    Ok(())
}

fn kept(kept: Kept) -> String {
    match kept {
        Kept::ForGood(why) => format!("for good: {why}"),
        Kept::ByTtl(what) => format!("by a TTL index, {what}"),
        Kept::ByJob { job, after } => format!("removed by the job `{job}` {after}"),
        Kept::ByUse(when) => when.to_owned(),
    }
}

fn shard_key(out: &mut String, declared: &CollectionIndexes, shapes: &[&QueryShape]) -> std::fmt::Result {
    let (parts, why, beside) = match declared.shard_key {
        ShardKey::Whole(why) => return writeln!(out, "- **Shard key**: none, whole on one shard: {why}."),
        ShardKey::By { keys, why, beside } => (keys, why, beside),
    };
    let key: Vec<String> = parts
        .iter()
        .map(|part| match part {
            ShardField::Range(field) => format!("{field}: 1"),
            ShardField::Hashed(field) => format!("{field}: \"hashed\""),
        })
        .collect();
    writeln!(out, "- **Shard key**: `{{ {} }}`: {why}.", key.join(", "))?;
    for rule in beside {
        writeln!(out, "  `{}` would not be unique; its rule is kept by {}.", rule.index, rule.by)?;
    }
    let everywhere: Vec<&QueryShape> =
        shapes.iter().copied().filter(|shape| !names_all(shape, parts)).collect();
    if !everywhere.is_empty() {
        writeln!(out, "- **Would ask every shard**: {}.", names(everywhere.into_iter()))?;
    }
    Ok(())
}

/// The operations' names, each once.
fn names<'s>(shapes: impl Iterator<Item = &'s QueryShape>) -> String {
    let names: BTreeSet<&str> = shapes.map(|shape| shape.op.as_str()).collect();
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Whether a query says which values of the shard key it means.
fn names_all(shape: &QueryShape, key: &[ShardField]) -> bool {
    let filter: Value = serde_json::from_str(&shape.filter).unwrap_or_default();
    let filter = match filter.get(PIPELINE) {
        Some(stages) => stages.get(0).and_then(|first| first.get("$match")).cloned().unwrap_or_default(),
        None => filter,
    };
    key.iter().all(|part| says(&filter, part.name()))
}

fn says(filter: &Value, field: &str) -> bool {
    let equal = |condition: &Value| match condition {
        Value::Object(inner) => inner.contains_key("$in") || inner.contains_key("$eq"),
        _ => true,
    };
    let of_all = filter.get("$and").and_then(Value::as_array).into_iter().flatten();
    filter.get(field).is_some_and(equal) || of_all.into_iter().any(|each| says(each, field))
}

fn fields(out: &mut String, fields: &[Field]) -> std::fmt::Result {
    if fields.is_empty() {
        return writeln!(out, "\nDocuments of any shape.");
    }
    writeln!(out, "\n| field | type | required | what |\n|---|---|---|---|")?;
    for field in fields {
        let what = [cell(&field.about), values(field, fields)].join(" ");
        let required = if field.required { "yes" } else { "" };
        writeln!(out, "| `{}` | {} | {required} | {} |", field.path, cell(&field.ty), what.trim())?;
    }
    Ok(())
}

/// The only values of a field; where the same ones are those of a field further out, its name.
fn values(field: &Field, all: &[Field]) -> String {
    if field.values.is_empty() {
        return String::new();
    }
    let depth = |field: &Field| field.path.matches('.').count();
    let outer = all.iter().find(|other| other.values == field.values && depth(other) < depth(field));
    match outer {
        Some(outer) => format!("A value of `{}`.", outer.path),
        None => {
            let values: Vec<String> = field.values.iter().map(|value| format!("`{value}`")).collect();
            format!("One of {}.", values.join(", "))
        }
    }
}

fn options(spec: &IndexSpec) -> String {
    let ttl = spec.ttl_secs.map(|secs| match secs {
        days if days % DAY_S == 0 => format!("TTL {} days", days / DAY_S),
        hours if hours % HOUR_S == 0 => format!("TTL {} h", hours / HOUR_S),
        secs => format!("TTL {secs} s"),
    });
    let conditions = spec.partial.iter().map(|(field, value)| format!("where `{}`", partial(field, value)));
    let flags = [(spec.unique, "unique"), (spec.sparse, "sparse")];
    let set = flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned());
    let all: Vec<String> = set.chain(ttl).chain(conditions).collect();
    cell(&all.join(", "))
}

/// A text as a cell of a table takes it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn asked(filter: &str) -> QueryShape {
        QueryShape {
            op: "db.order.list".to_owned(),
            collection: "orders".to_owned(),
            command: "find".to_owned(),
            filter: filter.to_owned(),
            sort: String::new(),
            one: false,
        }
    }

    #[test]
    fn a_query_names_the_shard_key_by_equality_only() {
        let key = [ShardField::Hashed("a")];
        for (filter, names) in [
            (r#"{"a":"<id>","b":"<id>"}"#, true),
            (r#"{"a":{"$in":["<id>"]}}"#, true),
            (r#"{"$and":[{"b":true},{"a":"<id>"}]}"#, true),
            (r#"{"pipeline":[{"$match":{"a":"<id>"}},{"$limit":"<number>"}]}"#, true),
            (r#"{"a":{"$gt":"<id>"}}"#, false),
            (r#"{"$or":[{"a":"<id>"},{"b":"<id>"}]}"#, false),
            (r#"{"pipeline":[{"$group":{"_id":null}}]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(names_all(&asked(filter), &key), names, "{filter}");
        }
    }

    #[test]
    fn every_collection_and_index_is_in_the_document() {
        let document = document().unwrap();
        for declared in indexes::ALL {
            assert!(document.contains(&format!("\n### {}\n", declared.collection)));
            for spec in declared.indexes {
                assert!(document.contains(&format!("\n| `{}` |", spec.name)), "{}", spec.name);
            }
        }
        // A row with one cell too many is a text with a bar in it.
        for row in document.lines().filter(|line| line.starts_with("| `")) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
        }
    }
}
