//! `daraa-server indexes`.

use std::process::ExitCode;

use clap::Subcommand;
use daraa_domain::indexes;
use daraa_platform::mongo::Mongo;
use daraa_platform::mongo::index::{self, IndexSpec, Key, PartialValue};
use serde_json::json;

use super::{CliResult, progress, say};

/// What to do with the indexes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every declared index and the query it serves. Needs no database.
    List {
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Compare the database with the declaration. Exit code 1 when they differ.
    Check {
        /// One JSON array of the differences.
        #[arg(long)]
        json: bool,
    },
    /// Create what is missing. Drops and rebuilds nothing: that is a migration.
    Apply {
        /// One JSON array of what was made.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn list(as_json: bool) -> CliResult {
    if as_json {
        let rows: Vec<_> =
            indexes::ALL.iter().flat_map(|c| c.indexes.iter().map(move |i| row(c.collection, i))).collect();
        say(&serde_json::to_string_pretty(&rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut count = 0;
    for collection in indexes::ALL {
        for spec in collection.indexes {
            count += 1;
            say(&format!("{}.{}  {}  {}", collection.collection, spec.name, shape(spec), spec.serves))?;
        }
    }
    say(&format!("{count} indexes"))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run(mongo: &Mongo, command: Command) -> CliResult {
    match command {
        Command::List { json } => list(json),
        Command::Check { json } => {
            let drifts = index::diff(mongo, indexes::ALL).await?;
            if json {
                say(&serde_json::to_string_pretty(&drifts)?)?;
            } else {
                for drift in &drifts {
                    say(&drift.to_string())?;
                }
                say(&format!("{} differences", drifts.len()))?;
            }
            Ok(if drifts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Apply { json } => {
            let made = index::apply(mongo, indexes::ALL, progress).await?;
            if json {
                say(&serde_json::to_string_pretty(&made)?)?;
            } else {
                for name in &made {
                    say(&format!("made {name}"))?;
                }
                say(&format!("{} indexes and validators made", made.len()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn row(collection: &str, spec: &IndexSpec) -> serde_json::Value {
    // A list, not an object: the order of the fields is the index.
    let keys: Vec<serde_json::Value> = spec
        .keys
        .iter()
        .map(|key| match key {
            Key::Asc(field) => json!({ "field": field, "as": 1 }),
            Key::Desc(field) => json!({ "field": field, "as": -1 }),
            Key::Geo(field) => json!({ "field": field, "as": "2dsphere" }),
        })
        .collect();
    json!({
        "collection": collection,
        "name": spec.name,
        "keys": keys,
        "unique": spec.unique,
        "sparse": spec.sparse,
        "ttlSecs": spec.ttl_secs,
        "partial": spec.partial.iter().map(|(field, value)| partial(field, value)).collect::<Vec<_>>(),
        "serves": spec.serves,
    })
}

/// A condition of a partial index in words.
pub(super) fn partial(field: &str, value: &PartialValue) -> String {
    match value {
        PartialValue::Text(text) => format!("{field} = {text}"),
        PartialValue::Flag(flag) => format!("{field} = {flag}"),
        PartialValue::OneOf(texts) => format!("{field} in {}", texts.join("|")),
        PartialValue::Exists => format!("{field} exists"),
    }
}

/// The key of an index, descending fields with an arrow.
pub(super) fn keys(spec: &IndexSpec) -> String {
    let keys: Vec<String> = spec
        .keys
        .iter()
        .map(|key| match key {
            Key::Asc(field) => (*field).to_owned(),
            Key::Desc(field) => format!("{field}↓"),
            Key::Geo(field) => format!("{field} 2dsphere"),
        })
        .collect();
    format!("{{{}}}", keys.join(", "))
}

fn shape(spec: &IndexSpec) -> String {
    let mut out = keys(spec);
    if spec.unique {
        out.push_str(" unique");
    }
    if spec.sparse {
        out.push_str(" sparse");
    }
    if let Some(secs) = spec.ttl_secs {
        out.push_str(&format!(" ttl {secs} s"));
    }
    for (field, value) in spec.partial {
        out.push_str(&format!(" where {}", partial(field, value)));
    }
    out
}
