//! Text messages: a gateway over HTTP for production, a recording adapter for development, tests and
//! simulation.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::breaker::Breaker;
use crate::clock::Clock;
use crate::fault::Infra;

const PORT: &str = "sms";
/// A gateway that has not answered by then has failed.
pub const SMS_CALL_DEADLINE: Duration = Duration::from_secs(5);
/// How many messages the recording adapter keeps in memory.
pub const KEPT_MESSAGES: usize = 1_000;

/// One message to one phone.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// The receiver, E.164.
    pub phone: String,
    /// What the person reads.
    pub text: String,
    /// The one-time code inside the text, when there is one; recorded beside it for tests and bots.
    pub code: Option<String>,
}

impl fmt::Debug for SmsMessage {
    // Phone, text and code are personal or secret and must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsMessage").finish_non_exhaustive()
    }
}

/// A recorded message, one JSON line each in the recording file.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RecordedSms {
    /// The receiver, E.164.
    pub phone: String,
    /// What the person would have read.
    pub text: String,
    /// The one-time code, when there was one.
    pub code: Option<String>,
    /// When it was sent, RFC 3339.
    pub at: String,
}

impl fmt::Debug for RecordedSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedSms").field("at", &self.at).finish_non_exhaustive()
    }
}

/// The SMS port.
#[derive(Debug, Clone)]
pub enum Sms {
    /// Sends nothing; remembers and, with a file, writes down. Development, tests and simulation only.
    Recording(RecordingSms),
    /// A real gateway.
    Gateway(GatewaySms),
}

impl Sms {
    /// Hands a message over for sending.
    ///
    /// # Errors
    /// [`Infra::Port`] when the gateway did not accept it or could not be asked.
    pub async fn send(&self, message: &SmsMessage) -> Result<(), Infra> {
        match self {
            Self::Recording(recording) => recording.record(message),
            Self::Gateway(gateway) => gateway.send(message).await,
        }
    }

    /// The recording adapter, when this is one.
    #[must_use]
    pub fn recording(&self) -> Option<&RecordingSms> {
        match self {
            Self::Recording(recording) => Some(recording),
            Self::Gateway(_) => None,
        }
    }
}

/// Remembers the last [`KEPT_MESSAGES`] messages and appends each to a file only its owner can read.
#[derive(Clone)]
pub struct RecordingSms {
    clock: Clock,
    file: Option<PathBuf>,
    kept: Arc<Mutex<VecDeque<RecordedSms>>>,
}

impl fmt::Debug for RecordingSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingSms").field("file", &self.file).finish_non_exhaustive()
    }
}

impl RecordingSms {
    /// Keeps messages in memory only.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self { clock, file: None, kept: Arc::default() }
    }

    /// Also appends each message to `file` as a JSON line `{phone, text, code, at}`.
    #[must_use]
    pub fn to_file(clock: Clock, file: &Path) -> Self {
        Self { clock, file: Some(file.to_owned()), kept: Arc::default() }
    }

    fn record(&self, message: &SmsMessage) -> Result<(), Infra> {
        let row = RecordedSms {
            phone: message.phone.clone(),
            text: message.text.clone(),
            code: message.code.clone(),
            at: self.clock.now().to_string(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file {
            append(file, &row).map_err(|e| Infra::Port { port: PORT, cause: e.to_string() })?;
        }
        if kept.len() >= KEPT_MESSAGES {
            kept.pop_front();
        }
        kept.push_back(row);
        Ok(())
    }

    /// The messages still in memory, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<RecordedSms> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The newest one-time code sent to `phone`.
    #[must_use]
    pub fn last_code(&self, phone: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().filter(|row| row.phone == phone).find_map(|row| row.code.clone())
    }
}

fn append(file: &Path, row: &RecordedSms) -> std::io::Result<()> {
    let mut line = serde_json::to_string(row)?;
    line.push('\n');
    // One write per line: several processes append to the same file without mixing their lines.
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file)?.write_all(line.as_bytes())
}

/// How a gateway is reached.
#[derive(Clone)]
pub struct SmsGatewayConfig {
    /// Where messages are posted as JSON `{to, from, text}`.
    pub url: String,
    /// The sender name or number the gateway knows us by.
    pub from: String,
    /// The bearer token, read from a secret file.
    pub token: String,
    /// The deadline of a call; [`SMS_CALL_DEADLINE`] unless a test needs less.
    pub deadline: Duration,
}

impl fmt::Debug for SmsGatewayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsGatewayConfig").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A gateway that takes a JSON POST with a bearer token, as most do.
#[derive(Debug, Clone)]
pub struct GatewaySms {
    client: reqwest::Client,
    config: SmsGatewayConfig,
    breaker: Breaker,
}

impl GatewaySms {
    /// Sets the client up; nothing is sent yet.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(config: SmsGatewayConfig, clock: Clock) -> Result<Self, Infra> {
        Ok(Self {
            client: super::http_client(PORT, config.deadline)?,
            config,
            breaker: Breaker::new(PORT, clock),
        })
    }

    async fn send(&self, message: &SmsMessage) -> Result<(), Infra> {
        self.breaker
            .admit()
            .map_err(|_| Infra::Port { port: PORT, cause: "circuit breaker is open".to_owned() })?;
        let body = serde_json::json!({ "to": message.phone, "from": self.config.from, "text": message.text });
        let request = self.client.post(&self.config.url).bearer_auth(&self.config.token).json(&body);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        match answer {
            Ok(_) => {
                self.breaker.success();
                Ok(())
            }
            Err(e) => {
                // A refusal of this message says nothing about the health of the gateway.
                if e.status().is_some_and(|s| s.is_client_error()) {
                    self.breaker.success();
                } else {
                    self.breaker.failure();
                }
                Err(Infra::Port { port: PORT, cause: e.without_url().to_string() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn records_to_a_private_file_and_finds_the_newest_code() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::env::temp_dir().join(format!("daraa-sms-{}.jsonl", std::process::id()));
        let recording = RecordingSms::to_file(Clock::Manual(ManualClock::default()), &file);
        for code in ["111111", "222222"] {
            let message = SmsMessage {
                phone: "+963911000001".to_owned(),
                text: format!("Your code is {code}"),
                code: Some(code.to_owned()),
            };
            assert!(!format!("{message:?}").contains(code), "a code must not reach a log");
            recording.record(&message).ok();
        }
        assert_eq!(recording.last_code("+963911000001").as_deref(), Some("222222"));
        assert_eq!(recording.last_code("+963911000002"), None);
        let lines = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()));
        let mode = std::fs::metadata(&file).map(|m| m.permissions().mode() & 0o777).unwrap_or_default();
        assert_eq!(mode, 0o600);
        std::fs::remove_file(&file).ok();
    }
}
