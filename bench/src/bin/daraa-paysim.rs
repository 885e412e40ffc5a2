//! The simulated card payment provider as a process; see `daraa_bench::paysim` for what it can do.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use daraa_bench::paysim::{Config, start};
use tracing::info;

/// A simulated card payment provider: idempotent, with a log of its own, and webhooks that come late, twice
/// and out of order. For development, tests and simulation; never for real cards.
#[derive(Debug, Parser)]
#[command(name = "daraa-paysim", version)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4100")]
    listen: SocketAddr,
    /// Where news of payments is sent.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// The file whose first line is the key clients show and webhooks are signed with.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The append-only log, one JSON line a request; read at start, so that a restart forgets nothing.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Seed of the webhook schedule.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The longest delay of a webhook, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    max_delay_ms: u64,
    /// How long the card `tok_slow` waits with its answer, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    slow_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let text = std::fs::read_to_string(&args.key_file)
        .map_err(|e| format!("cannot read the key file {}: {e}", args.key_file.display()))?;
    let key = text.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        return Err(format!("the key file {} is empty", args.key_file.display()).into());
    }
    let running = start(Config {
        listen: args.listen,
        webhook_url: args.webhook_url,
        key: key.to_owned(),
        log: args.log,
        seed: args.seed,
        max_delay: Duration::from_millis(args.max_delay_ms),
        slow: Duration::from_millis(args.slow_ms),
    })
    .await?;
    info!(address = running.base_url(), "payment provider is ready");
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = running.wait() => Err("the provider stopped by itself".into()),
        _ = term.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
