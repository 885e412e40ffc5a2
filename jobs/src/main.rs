//! `daraa-jobs`: see `daraa-jobs --help`.

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    daraa_platform::process::run(daraa_jobs::cli::main())
}
