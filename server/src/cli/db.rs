//! `daraa-server db`.

use std::process::ExitCode;

use clap::Subcommand;
use daraa_domain::maintenance::cleanup;
use daraa_domain::{check as integrity, indexes, maintenance, migrations};
use daraa_platform::config::Settings;
use daraa_platform::mongo::{DbError, index, migrate};
use serde_json::{Value, json};

use super::{CliResult, app, mongo, progress, say, seed};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply pending migrations, in order, under a lock. Begun anew after a crash, it goes on where it stopped.
    Migrate {
        /// Only show what would be applied.
        #[arg(long)]
        dry_run: bool,
        /// One JSON array of the migrations.
        #[arg(long)]
        json: bool,
    },
    /// Make the demo city; run again, it completes what is missing. Refused in production.
    Seed {
        /// One JSON object of what was made, without the progress.
        #[arg(long)]
        json: bool,
    },
    /// Check what must hold: indexes, migrations, references, histories, stock, payments, the books, the audit chain.
    /// Says how to mend what does not; changes nothing. Exit code 1 when something does not hold.
    Check {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print what is declared about the data as Markdown: of every collection what it holds, how long, its fields,
    /// indexes, queries and shard key. Needs no database. docs/DATA.md is this, renewed by scripts/schema.
    Document,
    /// Show what each collection holds.
    Stats {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Remove what is past its time, as the jobs service does every night: bounded, batch by batch.
    Cleanup {
        /// One JSON object of what was removed.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(settings: &Settings, command: Command) -> CliResult {
    match command {
        Command::Migrate { dry_run, json } => migrate_all(settings, dry_run, json).await,
        Command::Seed { json } => seed(settings, json).await,
        Command::Check { json } => check(settings, json).await,
        // Answered before there are settings: it needs none.
        Command::Document => Ok(ExitCode::SUCCESS),
        Command::Stats { json } => stats(settings, json).await,
        Command::Cleanup { json } => clean_up(settings, json).await,
    }
}

async fn migrate_all(settings: &Settings, dry_run: bool, as_json: bool) -> CliResult {
    let mongo = mongo(settings).await?;
    let made = if dry_run {
        migrate::pending(&mongo, migrations::ALL).await?
    } else {
        let told = |m: &migrate::Migration| progress(&format!("migration {} {}", m.number, m.name));
        match migrate::apply(&mongo, migrations::ALL, settings.clock.now(), told).await {
            Err(DbError::Locked) => {
                return Err(
                    "migrations are at work in another process; wait for it, or, when it has died, for its \
                            lock: at most ten minutes. Nothing was lost, run this again then"
                        .into(),
                );
            }
            made => made?,
        }
    };
    if as_json {
        let rows: Vec<_> = made.iter().map(|m| json!({ "number": m.number, "name": m.name })).collect();
        say(&serde_json::to_string_pretty(&rows)?)?;
    } else {
        for migration in &made {
            say(&format!("{} {}", migration.number, migration.name))?;
        }
        say(&format!("{} migrations {}", made.len(), if dry_run { "pending" } else { "applied" }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Something that does not hold, as it is printed.
fn problem(rule: &str, subject: &str, what: &str, remedy: &str) -> Value {
    json!({ "rule": rule, "subject": subject, "what": what, "remedy": remedy })
}

async fn check(settings: &Settings, as_json: bool) -> CliResult {
    let app = app(settings).await?;
    let mut problems: Vec<Value> = Vec::new();
    for migration in migrate::pending(&app.mongo, migrations::ALL).await? {
        let remedy = "run `daraa-server db migrate`";
        problems.push(problem("migration-pending", &migration.number.to_string(), migration.name, remedy));
    }
    for drift in index::diff(&app.mongo, indexes::ALL).await? {
        let remedy = "run `daraa-server db migrate`, then `daraa-server indexes apply`; what neither brings about \
                      (an index nobody declared) is dropped by hand or declared";
        problems.push(problem("index-drift", "indexes", &drift.to_string(), remedy));
    }
    let report = integrity::run(&app).await?;
    for finding in &report.findings {
        problems.push(problem(&finding.code, &finding.subject, &finding.what, &finding.remedy));
    }
    let sound = problems.is_empty() && report.left_out == 0;
    if as_json {
        let whole =
            json!({ "ok": sound, "problems": problems, "leftOut": report.left_out, "report": report });
        say(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        for problem in &problems {
            let text = |field: &str| problem.get(field).and_then(Value::as_str).unwrap_or_default();
            say(&format!("{} {}: {}", text("rule"), text("subject"), text("what")))?;
            say(&format!("    mend: {}", text("remedy")))?;
        }
        if report.left_out > 0 {
            say(&format!("{} more of the same kinds are not shown", report.left_out))?;
        }
        say(&format!("{} problems", problems.len()))?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn stats(settings: &Settings, as_json: bool) -> CliResult {
    let app = app(settings).await?;
    let report = maintenance::inspect(&app).await?;
    if as_json {
        say(&serde_json::to_string_pretty(&report)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!(
        "{:<28} {:>10} {:>14} {:>14} {:>8}",
        "collection", "documents", "bytes", "index bytes", "indexes"
    ))?;
    for row in &report.collections {
        say(&format!(
            "{:<28} {:>10} {:>14} {:>14} {:>8}",
            row.collection, row.documents, row.bytes, row.index_bytes, row.indexes
        ))?;
    }
    for drift in &report.drift {
        say(&format!("drift: {drift}"))?;
    }
    say(&format!("{} events could not be delivered", report.dead_events))?;
    Ok(ExitCode::SUCCESS)
}

async fn clean_up(settings: &Settings, as_json: bool) -> CliResult {
    let app = app(settings).await?;
    let done = cleanup::clean_up(&app).await;
    if as_json {
        let removed: serde_json::Map<String, Value> =
            done.removed.iter().map(|(what, n)| ((*what).to_owned(), json!(n))).collect();
        let failed: Vec<Value> =
            done.failures.iter().map(|(what, e)| json!({ "what": what, "why": e.to_string() })).collect();
        let whole = json!({ "ok": failed.is_empty(), "removed": removed, "failed": failed });
        say(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        for (what, n) in &done.removed {
            say(&format!("{what:<20} {n:>10}"))?;
        }
        for (what, e) in &done.failures {
            say(&format!("{what} could not be removed: {e}"))?;
        }
    }
    Ok(if done.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
