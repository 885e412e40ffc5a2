//! Reads one-time codes where the recording SMS adapter writes them: a file of JSON lines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A code that is not there after this never comes.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// The log of the recording SMS adapter.
#[derive(Debug, Clone)]
pub struct Codes {
    file: PathBuf,
}

impl Codes {
    /// Reads `file`; it need not exist yet.
    #[must_use]
    pub fn in_file(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// Where the log ends now; codes before this are old.
    #[must_use]
    pub fn position(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |m| m.len())
    }

    /// The newest code sent to `phone` after `since`, waiting for it.
    pub async fn wait_for(&self, phone: &str, since: u64) -> Option<String> {
        let deadline = tokio::time::Instant::now() + GIVE_UP_AFTER;
        while tokio::time::Instant::now() < deadline {
            if let Some(code) = self.newest(phone, since) {
                return Some(code);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    fn newest(&self, phone: &str, since: u64) -> Option<String> {
        let all = std::fs::read(&self.file).ok()?;
        let fresh = all.get(usize::try_from(since).ok()?..)?;
        let lines: Vec<&[u8]> =
            fresh.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")).collect();
        lines.iter().rev().find_map(|line| {
            let row: Value = serde_json::from_slice(line).ok()?;
            (row["phone"].as_str() == Some(phone)).then(|| row["code"].as_str().map(str::to_owned)).flatten()
        })
    }
}
