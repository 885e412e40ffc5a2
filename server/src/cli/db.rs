//! `daraa-server db`.

use std::process::ExitCode;

use clap::Subcommand;
use daraa_domain::{check as integrity, indexes, maintenance, migrations};
use daraa_platform::config::Settings;
use daraa_platform::mongo::{index, migrate};
use serde_json::json;

use super::{CliResult, app, mongo, progress, say};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply pending migrations, in order, under a lock.
    Migrate {
        /// Only show what would be applied.
        #[arg(long)]
        dry_run: bool,
        /// One JSON array of the migrations.
        #[arg(long)]
        json: bool,
    },
    /// Check what must hold: indexes, migrations, the books, the audit chain. Exit code 1 when something does not.
    Check {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show what each collection holds.
    Stats {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(settings: &Settings, command: Command) -> CliResult {
    match command {
        Command::Migrate { dry_run, json } => migrate_all(settings, dry_run, json).await,
        Command::Check { json } => check(settings, json).await,
        Command::Stats { json } => stats(settings, json).await,
    }
}

async fn migrate_all(settings: &Settings, dry_run: bool, as_json: bool) -> CliResult {
    let mongo = mongo(settings).await?;
    let made = if dry_run {
        migrate::pending(&mongo, migrations::ALL).await?
    } else {
        let told = |m: &migrate::Migration| progress(&format!("migration {} {}", m.number, m.name));
        migrate::apply(&mongo, migrations::ALL, settings.clock.now(), told).await?
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

async fn check(settings: &Settings, as_json: bool) -> CliResult {
    let app = app(settings).await?;
    let mut problems: Vec<String> = Vec::new();
    for drift in index::diff(&app.mongo, indexes::ALL).await? {
        problems.push(format!("index: {drift}"));
    }
    for migration in migrate::pending(&app.mongo, migrations::ALL).await? {
        problems.push(format!("migration pending: {} {}", migration.number, migration.name));
    }
    for finding in integrity::run(&app).await?.findings {
        problems.push(format!("{} {}: {}", finding.rule, finding.subject, finding.what));
    }
    if as_json {
        say(&serde_json::to_string_pretty(&json!({ "ok": problems.is_empty(), "problems": problems }))?)?;
    } else {
        for problem in &problems {
            say(problem)?;
        }
        say(&format!("{} problems", problems.len()))?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
