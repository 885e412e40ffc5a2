//! How our programs run and end.

use std::process::ExitCode;

/// Runs a program to its exit code on a runtime of several threads. The runtime is not taken apart at the end: the driver
/// panics when its tasks meet connections that were dropped before them, after everything is done, on the screen of
/// whoever asked.
///
/// # Errors
/// The system gives no threads.
pub fn run(program: impl Future<Output = ExitCode>) -> std::io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(program);
    std::mem::forget(runtime);
    Ok(code)
}
