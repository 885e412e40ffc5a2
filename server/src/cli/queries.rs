//! `daraa-server queries`.

use std::process::ExitCode;
use std::time::Instant;

use clap::Subcommand;
use daraa_domain::indexes;
use daraa_domain::queries::{self, Check, Explained, IdleIndex, Scale};
use daraa_platform::config::Settings;
use daraa_platform::mongo::{Mongo, index};
use serde_json::json;

use super::{CliResult, progress, say};

/// What to do with the queries.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the shape of every query the code can issue. Needs no database.
    List {
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Prove on a scratch database of the size of a city that an index serves each of them, without a sort in memory, and
    /// that every index serves one of them that no other does. Exit code 1 on a breach. Needs a database user who may write to the database DARAA_MONGO_DATABASE with `_queries`
    /// behind its name; what is in it is lost.
    Check {
        /// The share of the full size: 1 is 100,000 orders, 50,000 products, 500 stores, 20,000 couriers and customers,
        /// 1,000,000 ledger entries.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
        /// One JSON object, `queries` and idle `indexes`, instead of a table.
        #[arg(long)]
        json: bool,
        /// Keep the scratch database, to look at it.
        #[arg(long)]
        keep: bool,
    },
}

pub(crate) fn list(as_json: bool) -> CliResult {
    let all = queries::all()?;
    if as_json {
        say(&serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for shape in &all {
        say(&format!(
            "{}  {} {}  {}  {}",
            shape.op, shape.command, shape.collection, shape.filter, shape.sort
        ))?;
    }
    say(&format!("{} shapes", all.len()))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run(mongo: &Mongo, settings: &Settings, command: Command) -> CliResult {
    match command {
        Command::List { json } => list(json),
        Command::Check { scale, json, keep } => {
            if !(0.001..=100.0).contains(&scale) {
                return Err("--scale lies between 0.001 and 100".into());
            }
            let mongo = mongo.with_database(&format!("{}_queries", settings.mongo.database));
            let outcome = check(&mongo, settings, scale, json).await;
            if !keep {
                mongo.db().drop().await?;
            }
            outcome
        }
    }
}

async fn check(mongo: &Mongo, settings: &Settings, scale: f64, as_json: bool) -> CliResult {
    let check = Check { mongo: mongo.clone(), clock: settings.clock.clone(), scale: Scale(scale) };
    mongo.db().drop().await?;
    index::apply(mongo, indexes::ALL, |_| ()).await?;
    let begun = Instant::now();
    queries::fill_database(&check, progress).await?;
    progress(&format!("filled in {} s", begun.elapsed().as_secs()));
    if !as_json {
        say(&format!(
            "{:<38} {:<44} {:>7} {:>7} {:>7} {:>5}",
            "operation", "index", "keys", "docs", "found", "ms"
        ))?;
    }
    let told = |row: &Explained| {
        if !as_json {
            // A closed standard output ends the program at its next line.
            drop(say(&line(row)));
        }
    };
    let rows = queries::run(&check, told).await?;
    let breaches: Vec<&Explained> =
        rows.iter().filter(|row| row.breach.is_some() && row.excused.is_none()).collect();
    let idle = queries::idle_indexes(&rows);
    let idle_breaches: Vec<&IdleIndex> = idle.iter().filter(|index| index.excused.is_none()).collect();
    if as_json {
        say(&serde_json::to_string_pretty(&json!({ "queries": rows, "indexes": idle }))?)?;
    } else {
        for row in &breaches {
            say(&format!(
                "BREACH {}: {}\n       {} {}",
                row.op,
                row.breach.as_deref().unwrap_or_default(),
                row.filter,
                row.sort
            ))?;
        }
        for index in &idle {
            let (name, breach) = (format!("{}.{}", index.collection, index.index), &index.breach);
            match index.excused {
                None => say(&format!("BREACH {name}: {breach}"))?,
                Some(why) => say(&format!("{name}: {breach}  excused: {why}"))?,
            }
        }
        let excused = rows.iter().filter(|row| row.breach.is_some() && row.excused.is_some()).count();
        say(&format!("{} shapes, {} breaches, {excused} excused", rows.len(), breaches.len()))?;
        let declared: usize = indexes::ALL.iter().map(|collection| collection.indexes.len()).sum();
        say(&format!(
            "{declared} indexes, {} breaches, {} excused",
            idle_breaches.len(),
            idle.len().saturating_sub(idle_breaches.len())
        ))?;
    }
    Ok(if breaches.is_empty() && idle_breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(row: &Explained) -> String {
    let word = match (&row.breach, row.excused) {
        (None, _) => String::new(),
        (Some(why), None) => format!("  BREACH: {why}"),
        (Some(_), Some(why)) => format!("  excused: {why}"),
    };
    let indexes = if row.indexes.is_empty() { "-".to_owned() } else { row.indexes.join(" ") };
    format!(
        "{:<38} {indexes:<44} {:>7} {:>7} {:>7} {:>5}{word}",
        row.op, row.keys, row.documents, row.found, row.millis
    )
}
