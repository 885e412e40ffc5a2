//! The command line of `daraa-server`.

mod db;
mod document;
mod indexes;
mod queries;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use daraa_domain::account::{self, AccountError, GrantOpsRole, Phone};
use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::app::App;
use daraa_domain::seed as demo;
use daraa_platform::config::Settings;
use daraa_platform::mongo::{Mongo, MongoConfig, Unfit};
use daraa_platform::random::Random;
use daraa_platform::telemetry;

/// The GraphQL server of Daraa, and commands on its database.
///
/// Everything it is told comes from the environment (DARAA_MODE, DARAA_LISTEN, DARAA_MONGO_URI, DARAA_REDIS_ADDR,
/// DARAA_SECRETS_DIR, DARAA_LOG, …), every secret from a file.
#[derive(Debug, Parser)]
#[command(name = "daraa-server", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT. Refuses when indexes drift or migrations are pending.
    Serve,
    /// Print the GraphQL schema. Needs no database.
    Schema,
    /// The declared indexes.
    Indexes {
        #[command(subcommand)]
        command: indexes::Command,
    },
    /// The queries the code can issue.
    Queries {
        #[command(subcommand)]
        command: queries::Command,
    },
    /// Make the demo city; run again, it completes what is missing. Refused in production.
    Seed {
        /// Only show the demo accounts. Needs no database.
        #[arg(long)]
        list: bool,
    },
    /// Make the person with this phone number an admin; they must have signed up. For the first one: admins name others
    /// through the API.
    Admin {
        /// E.164 or as dialled in Syria.
        phone: String,
    },
    /// The database.
    Db {
        #[command(subcommand)]
        command: db::Command,
    },
}

pub(crate) type CliResult = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Reads the arguments and does what they say.
pub async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        Err(e) => {
            // Logging may not be set up yet; the message must be seen anyway.
            drop(writeln!(std::io::stderr(), "daraa-server: {e}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> CliResult {
    if matches!(args.command, Command::Schema) {
        write!(std::io::stdout(), "{}", crate::graphql::sdl())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Indexes { command: indexes::Command::List { json } } = args.command {
        return indexes::list(json);
    }
    if let Command::Queries { command: queries::Command::List { json } } = args.command {
        return queries::list(json);
    }
    if let Command::Db { command: db::Command::Document } = args.command {
        write!(std::io::stdout(), "{}", document::document()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Seed { list: true } = args.command {
        write!(std::io::stdout(), "{}", demo::list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::from_env()?;
    telemetry::init_logs(&settings.log, settings.log_format)?;
    // What is wrong with the database is said in one line with its remedy.
    carry_out(&settings, args.command).await.map_err(|e| match Unfit::of(&settings.mongo, &*e) {
        Some(unfit) => unfit.into(),
        None => e,
    })
}

async fn carry_out(settings: &Settings, command: Command) -> CliResult {
    match command {
        Command::Serve => serve::serve(settings).await,
        Command::Schema => Ok(ExitCode::SUCCESS),
        Command::Seed { .. } => seed(settings, false).await,
        Command::Queries { command } => queries::run(&mongo(settings).await?, settings, command).await,
        Command::Admin { phone } => make_admin(settings, &phone).await,
        Command::Indexes { command } => indexes::run(&mongo(settings).await?, command).await,
        Command::Db { command } => db::run(settings, command).await,
    }
}

/// Makes the demo city, telling its progress unless `quiet`.
async fn seed(settings: &Settings, quiet: bool) -> CliResult {
    if settings.mode.is_production() {
        return Err("a demo city is not made in production".into());
    }
    let app = app(settings).await?;
    let told = |line: &str| {
        if !quiet {
            progress(line);
        }
    };
    let made = demo::run(&app, told).await?;
    say(&serde_json::to_string(&made)?)?;
    Ok(ExitCode::SUCCESS)
}

async fn make_admin(settings: &Settings, phone: &str) -> CliResult {
    let phone = Phone::parse(phone)?;
    let app = app(settings).await?;
    let command = GrantOpsRole { phone, role: Some(OpsRole::Admin) };
    match account::grant_ops_role(&app, &Actor::System("cli"), command).await {
        Ok(account) => say(&format!("{} is an admin", account.id))?,
        Err(AccountError::AccountNotFound) => {
            return Err(
                "nobody has signed up with this number yet; sign up first, then run this again".into()
            );
        }
        Err(e) => return Err(e.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings of a command: it connects when it has to, and keeps no connections ready.
fn of_a_command(settings: &Settings) -> Settings {
    let mongo = MongoConfig { min_pool_size: 0, ..settings.mongo.clone() };
    Settings { mongo, ..settings.clone() }
}

/// Only the database: for commands that need nothing else and may run as another user.
async fn mongo(settings: &Settings) -> Result<Mongo, Box<dyn std::error::Error + Send + Sync>> {
    let settings = of_a_command(settings);
    let password = settings.secrets.mongo_password(&settings.mongo.user)?;
    let mongo = Mongo::connect(settings.mongo, password.expose(), "daraa-server").await?;
    mongo.fit().await?;
    Ok(mongo)
}

/// All shared parts of a command, after a look at the database.
async fn app(settings: &Settings) -> Result<App, Box<dyn std::error::Error + Send + Sync>> {
    let app = App::build(&of_a_command(settings), "daraa-server", Random::from_os()).await?;
    app.mongo.fit().await?;
    Ok(app)
}

/// One line on standard output.
fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// One line of progress on standard error.
fn progress(line: &str) {
    // A closed standard error stops nothing.
    drop(writeln!(std::io::stderr(), "{line}"));
}
