//! Lives one delivery day through the public API and judges what is left of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use daraa_bench::judge::Provider;
use daraa_bench::simulate::day::DayClock;
use daraa_bench::simulate::plan::Plan;
use daraa_bench::simulate::{Options, run};

/// Real time that the set-up of the day may take before its midnight.
const SETUP_LEAD: Duration = Duration::from_secs(60);

/// Lives one delivery day as customers, stores and couriers of the public API, with time compressed, then checks
/// the invariants from outside. Exit code 1 when one is broken or an order did not end.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address of the API.
    #[arg(long, default_value = "http://127.0.0.1:8080/graphql")]
    url: String,
    /// Directory of an instance of the Meal Delivery Routing Problem; without it a day is generated.
    #[arg(long)]
    instance: Option<PathBuf>,
    /// Seed of a generated day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Orders of a generated day.
    #[arg(long, default_value_t = 60)]
    orders: usize,
    /// Stores of a generated day.
    #[arg(long, default_value_t = 12)]
    stores: usize,
    /// Couriers of a generated day.
    #[arg(long, default_value_t = 15)]
    couriers: usize,
    /// Shown seconds in one real second.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    speed: u32,
    /// Prints the clock setting for the server (real_ms,shown_ms,speed) and ends.
    #[arg(long)]
    print_clock: bool,
    /// The clock that the server was started with.
    #[arg(long, env = "DARAA_CLOCK")]
    clock: Option<DayClock>,
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
    /// Percentage of placed orders at which --run is run.
    #[arg(long, requires = "run", value_parser = clap::value_parser!(u32).range(1..=100))]
    at: Option<u32>,
    /// A shell command that injects a fault.
    #[arg(long, requires = "at")]
    run: Option<String>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the report is the output of this program")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_clock {
        println!("{}", DayClock::before_next_midnight(arguments.speed, SETUP_LEAD));
        return ExitCode::SUCCESS;
    }
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("DARAA_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let plan = match &arguments.instance {
        Some(directory) => match Plan::read(directory) {
            Ok(plan) => plan,
            Err(e) => {
                tracing::error!("{e}");
                return ExitCode::from(2);
            }
        },
        None => Plan::generate(arguments.seed, arguments.orders, arguments.stores, arguments.couriers),
    };
    let Some(clock) = arguments.clock else {
        tracing::error!("--clock (or DARAA_CLOCK) must say which clock the server runs on");
        return ExitCode::from(2);
    };
    let key = arguments.provider_key_file.map(std::fs::read_to_string).transpose();
    let key = match key {
        Ok(key) => key,
        Err(e) => {
            tracing::error!("the provider's key: {e}");
            return ExitCode::from(2);
        }
    };
    let provider =
        arguments.provider_url.zip(key).map(|(url, key)| Provider { url, key: key.trim().to_owned() });
    let options = Options {
        url: arguments.url,
        otp_log: arguments.otp_log,
        ops_phone: arguments.ops_phone,
        clock,
        provider,
        fault: arguments.at.zip(arguments.run),
    };
    match run(plan, &options).await {
        Ok(report) => {
            println!("{report}");
            println!("{}", report.json());
            if report.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => {
            tracing::error!("the day could not be lived: {e}");
            ExitCode::FAILURE
        }
    }
}
