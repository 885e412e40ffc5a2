//! The programs as processes of their own, on a test's database.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::World;

/// What a program may take to end by itself; a test of an end, not of speed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Standard output as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The one line a command that cannot do its work leaves on standard error.
    #[must_use]
    pub fn refusal(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        let mut lines = self.err.lines();
        let (Some(line), None) = (lines.next(), lines.next()) else { panic!("not one line: {self:?}") };
        line
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A program to be started.
#[derive(Debug)]
pub struct Program(Command);

impl World {
    /// `daraa-server` on this world.
    #[must_use]
    pub fn server(&self, args: &[&str]) -> Program {
        self.program("server", args)
    }

    /// `daraa-jobs` on this world.
    #[must_use]
    pub fn jobs(&self, args: &[&str]) -> Program {
        self.program("jobs", args)
    }

    fn program(&self, which: &str, args: &[&str]) -> Program {
        let settings = self.settings();
        let mut command = Command::new(executable());
        command
            .args(args)
            .env_clear()
            .env("DARAA_TEST_PROGRAM", which)
            .env("DARAA_MODE", "test")
            .env("DARAA_MONGO_URI", &settings.mongo.uri)
            .env("DARAA_MONGO_USER", &settings.mongo.user)
            .env("DARAA_MONGO_DATABASE", &settings.mongo.database)
            .env("DARAA_REDIS_ADDR", &settings.redis_addr)
            .env("DARAA_REDIS_PREFIX", &settings.redis_prefix)
            .env("DARAA_SECRETS_DIR", settings.secrets.dir())
            .env("DARAA_LISTEN", "127.0.0.1:0")
            .env("DARAA_JOBS_LISTEN", "127.0.0.1:0")
            .env("DARAA_LOG_FORMAT", "json")
            .env("DARAA_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Program(command)
    }
}

fn executable() -> PathBuf {
    let me = std::env::current_exe().expect("a path");
    let built = me.parent().and_then(|deps| deps.parent()).expect("target/debug").join("examples/daraa");
    assert!(built.exists(), "{} is missing: cargo build -p daraa-tests --examples", built.display());
    built
}

impl Program {
    /// With another setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn run(self) -> Ended {
        self.start().ends()
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut self) -> Running {
        Running(Some(self.0.spawn().expect("the program")))
    }
}

/// A program at work.
#[derive(Debug)]
pub struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must not leave it behind.
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Running {
    /// Asks it to stop, as an operator does.
    pub fn stop(&self) {
        let id = self.child().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.0.as_mut().expect("a program at work").kill().expect("killed");
    }

    fn child(&self) -> &Child {
        self.0.as_ref().expect("a program at work")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn ends(mut self) -> Ended {
        let child = self.0.take().expect("a program at work");
        let id = child.id().to_string();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(child.wait_with_output()));
        let output = told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            // By its number: what waits for it has it.
            drop(Command::new("kill").args(["-KILL", &id]).status());
            panic!("it does not end: {:?}", told.recv().map(|output| output.map(Ended::from)));
        });
        output.expect("its output").into()
    }
}
