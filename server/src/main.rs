//! `daraa-server`: see `daraa-server --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    daraa_server::cli::main().await
}
