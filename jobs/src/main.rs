//! `daraa-jobs`: see `daraa-jobs --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    daraa_jobs::cli::main().await
}
