//! Walks one purchase from basket to doorstep, and every other way it can end, through the public API.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use daraa_bench::journey::{Options, walk};

/// Walks the journey as a client of the public API and prints one line a step. Exit code 1 at the first step that does
/// not go as it should.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address of the API.
    #[arg(long, default_value = "http://127.0.0.1:4000/graphql")]
    url: String,
    /// File in which the development SMS adapter records one-time codes.
    #[arg(long, env = "DARAA_OTP_LOG", default_value = ".daraa/run/otp.log")]
    otp_log: PathBuf,
    /// Phone of an existing ops admin.
    #[arg(long, default_value = "+963944000001")]
    ops_phone: String,
    /// Number of this walk, for phone numbers of its own; random when not given.
    #[arg(long)]
    walk: Option<u32>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the lines of the walk are the output of this program")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        url: arguments.url,
        otp_log: arguments.otp_log,
        ops_phone: arguments.ops_phone,
        run: arguments.walk.unwrap_or_else(|| rand::random_range(0..100_000)),
    };
    match walk(&options).await {
        Ok(steps) => {
            println!("the journey is walked: {steps} steps");
            ExitCode::SUCCESS
        }
        // The step has said what was wrong.
        Err(e) => {
            println!("the journey ended early: {e}");
            ExitCode::FAILURE
        }
    }
}
