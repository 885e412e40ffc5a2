//! `daraa-server`: see `daraa-server --help`.

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    daraa_platform::process::run(daraa_server::cli::main())
}
