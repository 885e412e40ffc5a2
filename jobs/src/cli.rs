//! The command line of `daraa-jobs`.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use daraa_domain::actor::Actor;
use daraa_domain::app::App;
use daraa_domain::archive;
use daraa_domain::job::{self, JobRun, RunStatus};
use daraa_platform::config::Settings;
use daraa_platform::fault::Fault as _;
use daraa_platform::mongo::{MongoConfig, Unfit};
use daraa_platform::paging::PageRequest;
use daraa_platform::ports::blob::Blobs;
use daraa_platform::random::Random;
use daraa_platform::telemetry;
use daraa_platform::time::Timestamp;
use serde_json::{Value, json};

use crate::runner::{RunError, Runner};
use crate::schedule::{JOBS, LEASE, Times};
use crate::serve::serve;
use crate::tasks::Work;

/// The jobs service of Daraa: scheduled jobs, the outbox relay and the deadlines.
///
/// Everything it is told comes from the environment (DARAA_MONGO_URI, DARAA_REDIS_ADDR, DARAA_JOBS_LISTEN,
/// DARAA_ARCHIVE_DIR, DARAA_SECRETS_DIR, DARAA_LOG, …), every secret from a file.
#[derive(Debug, Parser)]
#[command(name = "daraa-jobs", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until SIGTERM or SIGINT: jobs, relay, deadlines, health at DARAA_JOBS_LISTEN.
    Serve,
    /// Show the schedule, each job's last run and next time.
    List {
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Run a job now, in this process, and wait for its end. Exit code 1 when it fails.
    Run {
        /// The job's name, see `list`.
        name: String,
        /// One JSON object instead of a line.
        #[arg(long)]
        json: bool,
    },
    /// Search the audit archive: files by time, or entries by who, what and on what. JSON lines.
    Archive {
        /// Show the files instead of entries.
        #[arg(long)]
        files: bool,
        /// Who acted: `acc_…` or `system:<name>`.
        #[arg(long)]
        actor: Option<String>,
        /// What was done, as `room.verb`.
        #[arg(long)]
        action: Option<String>,
        /// What was acted on.
        #[arg(long)]
        subject: Option<String>,
        /// Not before this instant (RFC 3339).
        #[arg(long, value_parser = instant)]
        from: Option<Timestamp>,
        /// Before this instant (RFC 3339).
        #[arg(long, value_parser = instant)]
        to: Option<Timestamp>,
    },
    /// Put the entries of an archive file back into the database; the file stays.
    Restore {
        /// The file's name, see `archive --files`.
        name: String,
    },
    /// Check the integrity of the data: ledger, stock, payments, histories, references. Exit code 1 when it is broken.
    Check {
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Show what was run, newest first.
    History {
        /// Only this job.
        name: Option<String>,
        /// How many runs, 1 to 100.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
}

type CliResult = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Reads the arguments and does what they say.
pub async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        Err(e) => {
            // Logging may not be set up yet; the message must be seen anyway.
            drop(writeln!(std::io::stderr(), "daraa-jobs: {e}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> CliResult {
    let settings = Settings::from_env_over(MongoConfig::background())?;
    telemetry::init_logs(&settings.log, settings.log_format)?;
    // What is wrong with the database is said in one line with its remedy.
    carry_out(&settings, args.command).await.map_err(|e| match Unfit::of(&settings.mongo, &*e) {
        Some(unfit) => unfit.into(),
        None => e,
    })
}

async fn carry_out(settings: &Settings, command: Command) -> CliResult {
    let random = Random::from_os();
    let holder = holder(&random);
    if matches!(command, Command::Serve) {
        return serve(settings, random, holder).await;
    }
    let mongo = MongoConfig { min_pool_size: 0, ..settings.mongo.clone() };
    let settings = Settings { mongo, ..settings.clone() };
    let app = Arc::new(App::build(&settings, "daraa-jobs", random).await?);
    app.mongo.fit().await?;
    let work = Work { app: Arc::clone(&app), archive: Blobs::in_dir(&settings.archive_dir) };
    match command {
        Command::Serve => Ok(ExitCode::SUCCESS),
        Command::List { json } => list(&app, json).await,
        Command::Run { name, json } => run_job(work, &holder, &name, json).await,
        Command::Archive { files, actor, action, subject, from, to } => {
            let search = archive::Search { actor, action, subject, from, to };
            search_archive(&work, &search, files).await
        }
        Command::Restore { name } => {
            let restored = archive::restore(&work.app, &work.archive, &name).await?;
            writeln!(std::io::stdout(), "{restored} entries were put back")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { json } => check(&app, json).await,
        Command::History { name, limit, json } => history(&app, name.as_deref(), limit, json).await,
    }
}

/// A name for this process that no other has: host, process number and a random part.
fn holder(random: &Random) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}:{}", host.trim(), std::process::id(), hex(&random.bytes::<4>()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const CLI: Actor = Actor::System("command-line");

async fn list(app: &App, as_json: bool) -> CliResult {
    let now = app.clock.now();
    let mut rows = Vec::new();
    for job in job::overview(app, &CLI).await? {
        let next = Times::of(job.declaration)?.next(now);
        rows.push(json!({
            "name": job.declaration.name,
            "about": job.declaration.about,
            "cron": job.declaration.cron,
            "timeZone": job.declaration.time_zone,
            "paused": job.paused,
            "next": next.map(|at| at.to_string()),
            "lastStatus": job.last_run.as_ref().map(|run| run.status.as_str()),
            "lastAt": job.last_run.as_ref().map(|run| run.created_at.to_string()),
        }));
    }
    show(as_json, &rows, &["name", "cron", "timeZone", "paused", "next", "lastStatus", "lastAt"])
}

async fn history(app: &App, name: Option<&str>, limit: u32, as_json: bool) -> CliResult {
    let page =
        PageRequest { size: limit.clamp(1, daraa_platform::paging::MAX_PAGE), ..PageRequest::default() };
    let runs = job::history(app, &CLI, name, &page).await.map_err(|e| match e.user_code() {
        Some(_) => e.public(daraa_platform::fault::Lang::En).into(),
        None => Box::<dyn std::error::Error + Send + Sync>::from(e),
    })?;
    let rows: Vec<Value> = runs.rows.iter().map(|(_, run)| as_row(run)).collect();
    show(as_json, &rows, &["createdAt", "job", "trigger", "status", "durationMs", "counts", "error"])
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "not an RFC 3339 instant".to_owned())
}

async fn search_archive(work: &Work, search: &archive::Search, files: bool) -> CliResult {
    let mut out = std::io::stdout().lock();
    if files {
        for file in archive::list(&work.app, search).await? {
            writeln!(out, "{}", serde_json::to_string(&file)?)?;
        }
    } else {
        for entry in archive::search(&work.app, &work.archive, search).await? {
            writeln!(out, "{entry}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(app: &App, as_json: bool) -> CliResult {
    let report = daraa_domain::check::run(app).await?;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for finding in &report.findings {
            writeln!(out, "{} {}: {}", finding.code, finding.subject, finding.what)?;
            writeln!(out, "    mend: {}", finding.remedy)?;
        }
        writeln!(out, "{} orders looked at, {} findings", report.orders, report.findings.len())?;
    }
    Ok(if report.sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_row(run: &JobRun) -> Value {
    json!({
        "id": run.id.to_string(),
        "job": run.job,
        "trigger": run.trigger,
        "requestedBy": run.requested_by,
        "tick": run.tick.map(|at| at.to_string()),
        "status": run.status.as_str(),
        "createdAt": run.created_at.to_string(),
        "startedAt": run.started_at.map(|at| at.to_string()),
        "finishedAt": run.finished_at.map(|at| at.to_string()),
        "durationMs": run.duration_ms,
        "counts": serde_json::to_value(&run.counts).unwrap_or_default(),
        "error": run.error,
    })
}

async fn run_job(work: Work, holder: &str, name: &str, as_json: bool) -> CliResult {
    let app = Arc::clone(&work.app);
    let runner = Runner::new(Arc::new(work), holder, JOBS)?;
    // A holder that died is only known to be dead after its lease has stood still.
    let give_up = Instant::now() + LEASE + Duration::from_secs(2);
    let begun = loop {
        match runner.begin_now(name, &CLI.label()).await {
            Err(RunError::Busy) if Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            other => break other?,
        }
    };
    let id = begun.run.id;
    let status = runner.execute(begun).await;
    if let Some(run) = job::get(&app, &CLI, id).await? {
        show(as_json, &[as_row(&run)], &["job", "status", "durationMs", "counts", "error"])?;
    }
    Ok(if status == RunStatus::Succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints rows as a JSON array, or as a table of the columns.
fn show(as_json: bool, rows: &[Value], columns: &[&str]) -> CliResult {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells: Vec<Vec<String>> = std::iter::once(columns.iter().map(|c| (*c).to_owned()).collect())
        .chain(rows.iter().map(|row| columns.iter().map(|column| cell(row.get(column))).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| cells.iter().filter_map(|row| row.get(i)).map(|c| c.chars().count()).max().unwrap_or(0))
        .collect();
    for row in &cells {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}", width = *width)).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
