//! The journey: one purchase from basket to doorstep and every way it can end, walked through the public API as
//! a client would, one line a step.

mod ending;
mod purchase;
mod setting;

use std::future::Future;
use std::path::PathBuf;
use std::time::Instant;

use crate::client::{Api, CallError, Caller};
use crate::otp::Codes;

pub(crate) use setting::Setting;

/// How to walk.
#[derive(Debug)]
pub struct Options {
    /// `http://host:port/graphql`.
    pub url: String,
    /// Where one-time codes are written.
    pub otp_log: PathBuf,
    /// The phone of an ops admin that exists already.
    pub ops_phone: String,
    /// Makes the phone numbers of this walk its own.
    pub run: u32,
}

/// A step did not go as it should.
#[derive(Debug, thiserror::Error)]
pub enum Stumble {
    /// The API refused or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It answered, but not what it should.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should have been.
        expected: String,
        /// What was.
        found: String,
    },
}

impl Stumble {
    pub(crate) fn unexpected(expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Unexpected { expected: expected.into(), found: found.to_string() }
    }
}

/// What is shared by all steps, and the counting of them.
#[derive(Debug)]
pub struct Walk {
    pub(crate) api: Api,
    pub(crate) codes: Codes,
    pub(crate) ops: Caller,
    run: u32,
    steps: u32,
}

impl Walk {
    /// A phone number of this walk; `n` below 100.
    pub(crate) fn phone(&self, n: u32) -> String {
        format!("+96395{:05}{n:02}", self.run % 100_000)
    }

    /// Runs one step and prints its line: number, time taken, what was done and what came of it.
    pub(crate) async fn step<T>(
        &mut self,
        what: &str,
        work: impl Future<Output = Result<(T, String), Stumble>>,
    ) -> Result<T, Stumble> {
        self.steps += 1;
        let started = Instant::now();
        let outcome = work.await;
        let ms = started.elapsed().as_millis();
        match outcome {
            Ok((value, found)) => {
                say(&format!("{:>2}  ok    {ms:>5} ms  {what}: {found}", self.steps));
                Ok(value)
            }
            Err(e) => {
                say(&format!("{:>2}  FAIL  {ms:>5} ms  {what}: {e}", self.steps));
                Err(e)
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the lines of the walk are its output")]
fn say(line: &str) {
    println!("{line}");
}

/// That a call was refused with this code.
pub(crate) fn refused<T>(outcome: Result<T, CallError>, code: &str) -> Result<String, Stumble> {
    match outcome {
        Err(e) if e.is(code) => Ok(code.to_owned()),
        Err(e) => Err(Stumble::unexpected(code, e)),
        Ok(_) => Err(Stumble::unexpected(code, "success")),
    }
}

/// That two texts are the same.
pub(crate) fn same(what: &str, expected: &str, found: &str) -> Result<(), Stumble> {
    if expected == found { Ok(()) } else { Err(Stumble::unexpected(format!("{what} {expected}"), found)) }
}

/// Walks the whole journey; the number of steps taken.
///
/// # Errors
/// The first step that did not go as it should.
pub async fn walk(options: &Options) -> Result<u32, Stumble> {
    let api = Api::new(&options.url);
    let mut walk = Walk {
        ops: api.anonymous(),
        codes: Codes::in_file(&options.otp_log),
        run: options.run,
        steps: 0,
        api,
    };
    let ops_phone = options.ops_phone.clone();
    let (ops, codes) = (walk.ops.clone(), walk.codes.clone());
    walk.step("ops sign in with a one-time code", async move {
        let id = ops.sign_in(&ops_phone, "Operations", &codes).await?;
        Ok(((), id))
    })
    .await?;
    let setting = setting::prepare(&mut walk).await?;
    purchase::happy(&mut walk, &setting).await?;
    ending::all(&mut walk, &setting).await?;
    Ok(walk.steps)
}
