//! `daraa-server` and `daraa-jobs` in one file, for tests of what people see when they start them. An example, because
//! examples are built with the tests and with nothing else.

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    // By the environment, for the arguments are the program's own.
    match std::env::var("DARAA_TEST_PROGRAM").as_deref() {
        Ok("jobs") => daraa_platform::process::run(daraa_jobs::cli::main()),
        _ => daraa_platform::process::run(daraa_server::cli::main()),
    }
}
