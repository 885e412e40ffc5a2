//! Reading the database's log.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::model::SlowQueries;

/// How many shapes a report holds.
const MAX_SHAPES: usize = 20;

/// The commands that read or write documents.
const COMMANDS: &[&str] =
    &["find", "getMore", "aggregate", "count", "distinct", "findAndModify", "insert", "update", "delete"];

/// A line of the log of MongoDB 4.4 and later; other lines have other attributes and do not parse.
#[derive(Deserialize)]
struct Line {
    msg: String,
    attr: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(rename = "type")]
    kind: String,
    ns: String,
    command: serde_json::Map<String, serde_json::Value>,
    plan_summary: Option<String>,
    #[serde(default)]
    docs_examined: i64,
    duration_millis: i64,
}

impl Attributes {
    /// What was done. The single writes of a batch are logged by their kind, everything else as a command.
    fn verb(&self) -> &str {
        COMMANDS.iter().find(|name| self.command.contains_key(**name)).map_or(&self.kind, |name| *name)
    }
}

/// The slow operations on `database` in these lines, by shape, those with the most time first.
pub(super) fn slow_queries<'a>(lines: impl Iterator<Item = &'a str>, database: &str) -> Vec<SlowQueries> {
    let mut shapes: BTreeMap<(String, String, String), SlowQueries> = BTreeMap::new();
    for line in lines {
        let Ok(Line { msg, attr }) = serde_json::from_str::<Line>(line) else { continue };
        let Some((db, collection)) = attr.ns.split_once('.') else { continue };
        if msg != "Slow query" || db != database {
            continue;
        }
        let command = attr.verb().to_owned();
        let plan = attr.plan_summary.unwrap_or_default();
        let shape =
            shapes.entry((collection.to_owned(), command.clone(), plan.clone())).or_insert_with(|| {
                SlowQueries {
                    collection: collection.to_owned(),
                    command,
                    plan,
                    count: 0,
                    max_ms: 0,
                    total_ms: 0,
                    max_docs_examined: 0,
                }
            });
        shape.count = shape.count.saturating_add(1);
        shape.max_ms = shape.max_ms.max(attr.duration_millis);
        shape.total_ms = shape.total_ms.saturating_add(attr.duration_millis);
        shape.max_docs_examined = shape.max_docs_examined.max(attr.docs_examined);
    }
    let mut out: Vec<_> = shapes.into_values().collect();
    out.sort_by_key(|shape| std::cmp::Reverse(shape.total_ms));
    out.truncate(MAX_SHAPES);
    out
}
