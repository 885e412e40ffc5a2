//! Hurts the parts under a load of orders and judges what is left.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use daraa_bench::faults::{Fault, MONGO, Options, REDIS, run};
use daraa_bench::judge::Provider;

/// Which part is hurt.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// The replica set.
    Mongo,
    /// Redis and its Sentinels.
    Redis,
}

impl Part {
    fn faults(self) -> &'static [Fault] {
        match self {
            Self::Mongo => MONGO,
            Self::Redis => REDIS,
        }
    }
}

/// Lets customers buy without pause, does one fault after the other, measures how long nothing could be bought and
/// checks the invariants at the end. Exit code 1 when something was lost or doubled, 3 when only a goal was missed.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Which part is hurt.
    part: Part,
    /// Address of the API.
    #[arg(long, default_value = "http://127.0.0.1:8080/graphql")]
    url: String,
    /// Customers who buy one thing after the other.
    #[arg(long, default_value_t = 12)]
    customers: usize,
    /// Each fault so often.
    #[arg(long, default_value_t = 3)]
    repeat: u32,
    /// Only these faults, by name.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The command that does a fault: called with `act NAME begin` and `act NAME end`.
    #[arg(long)]
    act: PathBuf,
    /// File in which the development SMS adapter records one-time codes.
    #[arg(long, env = "DARAA_OTP_LOG", default_value = ".daraa/otp.log")]
    otp_log: PathBuf,
    /// Phone of an existing ops admin.
    #[arg(long, default_value = "+963944000001")]
    ops_phone: String,
    /// Base address of the simulated card provider, to compare with its log.
    #[arg(long, env = "DARAA_PAY_URL")]
    provider_url: Option<String>,
    /// File with the provider's key; without it its log is not compared.
    #[arg(long, env = "DARAA_PAY_KEY_FILE")]
    provider_key_file: Option<PathBuf>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the report is the output of this program")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("DARAA_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let all = arguments.part.faults();
    if let Some(unknown) = arguments.only.iter().find(|name| all.iter().all(|fault| fault.name != **name)) {
        let names: Vec<_> = all.iter().map(|fault| fault.name).collect();
        tracing::error!("there is no fault {unknown:?}; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let wanted = |fault: &&Fault| arguments.only.is_empty() || arguments.only.iter().any(|n| n == fault.name);
    let key = match arguments.provider_key_file.map(std::fs::read_to_string).transpose() {
        Ok(key) => key,
        Err(e) => {
            tracing::error!("the provider's key: {e}");
            return ExitCode::from(2);
        }
    };
    let options = Options {
        url: arguments.url,
        otp_log: arguments.otp_log,
        ops_phone: arguments.ops_phone,
        provider: arguments
            .provider_url
            .zip(key)
            .map(|(url, key)| Provider { url, key: key.trim().to_owned() }),
        customers: arguments.customers,
        repeat: arguments.repeat,
        faults: all.iter().filter(wanted).copied().collect(),
        act: arguments.act,
    };
    match run(&options).await {
        Ok(report) => {
            println!("{report}");
            println!("{}", report.json());
            match (report.sound(), report.within_goals()) {
                (true, true) => ExitCode::SUCCESS,
                (true, false) => ExitCode::from(3),
                (false, _) => ExitCode::FAILURE,
            }
        }
        Err(e) => {
            tracing::error!("the run did not come to its end: {e}");
            ExitCode::FAILURE
        }
    }
}
