//! Configuration: everything a process is told comes from the environment, every secret from a file.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `DARAA_MODE` | `development`, `test`, `simulation` or `production` | `development` |
//! | `DARAA_LISTEN` | address of the API | `127.0.0.1:4000` |
//! | `DARAA_JOBS_LISTEN` | address of the jobs service's health and metrics | `127.0.0.1:4001` |
//! | `DARAA_ARCHIVE_DIR` | folder of the archives the jobs service writes | `.daraa/archive` |
//! | `DARAA_MONGO_<FIELD>` | any field of [`MongoConfig`] (`URI`, `DATABASE`, `USER`, `MAX_POOL_SIZE`, …) | see there |
//! | `DARAA_REDIS_ADDR` | `host:port` of Redis | `127.0.0.1:6379` |
//! | `DARAA_REDIS_SENTINELS` | `host:port` of the Sentinels, separated by commas; with them `DARAA_REDIS_ADDR` is not used | none |
//! | `DARAA_REDIS_MASTER` | the name under which the Sentinels watch the master | `daraa` |
//! | `DARAA_REDIS_PREFIX` | put before every Redis key | `daraa:` |
//! | `DARAA_SECRETS_DIR` | folder of the secret files | `secrets` |
//! | `DARAA_PAY_URL` | base address of the payment provider | none: card payments are off |
//! | `DARAA_SMS_URL` | where text messages are posted; production needs it | none: messages are recorded only |
//! | `DARAA_SMS_FROM` | the sender the SMS gateway knows us by | `Daraa` |
//! | `DARAA_LIMITS_TIMES` | how many times looser rate limits are; 1 in production and development | `1`, simulation `1000` |
//! | `DARAA_SHARED_ADDRESS_TIMES` | how many households share one network address; limits of sign-in and registration by address are that many times as wide | 1 |
//! | `DARAA_OTP_LOG` | file to which one-time codes are written; refused in production | none |
//! | `DARAA_CORS_ORIGINS` | origins that browsers may call from, separated by commas | none |
//! | `DARAA_TRUSTED_PROXIES` | how many proxies in front append to `X-Forwarded-For` | `0` |
//! | `DARAA_LOG` | filter, e.g. `info,daraa_domain=debug` | `info` |
//! | `DARAA_LOG_FORMAT` | `text` or `json` | `text` |
//! | `DARAA_DRAIN_MS` | how long a stopping process waits for what it has begun | `10000` |
//! | `DARAA_CLOCK` | `real_ms,shown_ms,speed` of an accelerated clock; simulation only | the machine's clock |

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Clock, FastClock};
use crate::mongo::MongoConfig;

/// The fastest a simulated clock may run.
pub const MAX_CLOCK_SPEED: u32 = 10_000;
/// A simulated day has hundreds of people behind one address and runs a hundred times as fast.
const SIMULATION_LIMITS_TIMES: u32 = 1_000;

/// A setting that cannot be used. Names the variable or the file, never a secret's content.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable holds something that cannot be read.
    #[error("{variable}: {problem}")]
    Variable {
        /// Which variable.
        variable: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A secret file is missing, unreadable or empty.
    #[error("secret file {}: {problem}", path.display())]
    Secret {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// What the process is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On a developer's machine: GraphiQL and introspection on, one-time codes in a log.
    Development,
    /// Under the test harness.
    Test,
    /// A delivery day lived through by bots; the clock may run fast.
    Simulation,
    /// For real.
    Production,
}

impl Mode {
    /// As it is written in `DARAA_MODE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Simulation => "simulation",
            Self::Production => "production",
        }
    }

    /// Whether this is the real thing.
    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Development, Self::Test, Self::Simulation, Self::Production]
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| format!("{text:?} is none of development, test, simulation, production"))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is neither text nor json")),
        }
    }
}

/// A secret; it never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The folder of secret files. A process reads only those it needs.
#[derive(Debug, Clone)]
pub struct Secrets {
    dir: PathBuf,
}

impl Secrets {
    /// The secrets of a folder.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The password of a database user (`mongo_<user>_password`).
    ///
    /// # Errors
    /// The file is missing, unreadable or empty.
    pub fn mongo_password(&self, user: &str) -> Result<Secret, ConfigError> {
        self.read(&format!("mongo_{user}_password"))
    }

    /// The password of Redis (`redis_password`).
    ///
    /// # Errors
    /// The file is missing, unreadable or empty.
    pub fn redis_password(&self) -> Result<Secret, ConfigError> {
        self.read("redis_password")
    }

    /// The password of the Sentinels (`redis_sentinel_password`); that of Redis where there is no such file.
    ///
    /// # Errors
    /// The file is unreadable or empty, or neither is there.
    pub fn redis_sentinel_password(&self) -> Result<Secret, ConfigError> {
        const OWN: &str = "redis_sentinel_password";
        if self.has(OWN) { self.read(OWN) } else { self.redis_password() }
    }

    /// The key that signs access tokens (`token_key`).
    ///
    /// # Errors
    /// The file is missing, unreadable or shorter than a key.
    pub fn token_key(&self) -> Result<Secret, ConfigError> {
        self.read_key("token_key")
    }

    /// What is mixed into the hashes of one-time codes (`code_pepper`).
    ///
    /// # Errors
    /// The file is missing, unreadable or shorter than a key.
    pub fn code_pepper(&self) -> Result<Secret, ConfigError> {
        self.read_key("code_pepper")
    }

    /// The key that signs the payment provider's webhooks (`pay_webhook_key`).
    ///
    /// # Errors
    /// The file is missing, unreadable or shorter than a key.
    pub fn pay_webhook_key(&self) -> Result<Secret, ConfigError> {
        self.read_key("pay_webhook_key")
    }

    /// Whether the folder has the file.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// Any file of the folder, without the white space around its content.
    ///
    /// # Errors
    /// The file is missing, unreadable or empty.
    pub fn read(&self, name: &str) -> Result<Secret, ConfigError> {
        let path = self.dir.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|e| ConfigError::Secret { path: path.clone(), problem: e.to_string() })?;
        let text = text.trim();
        if text.is_empty() {
            return Err(ConfigError::Secret { path, problem: "it is empty".to_owned() });
        }
        Ok(Secret::new(text))
    }

    fn read_key(&self, name: &str) -> Result<Secret, ConfigError> {
        /// 128 bits in hexadecimal.
        const MIN_KEY_CHARS: usize = 32;
        let secret = self.read(name)?;
        if secret.expose().len() < MIN_KEY_CHARS {
            let problem = format!("a key has at least {MIN_KEY_CHARS} characters");
            return Err(ConfigError::Secret { path: self.dir.join(name), problem });
        }
        Ok(secret)
    }
}

/// Everything a process is told from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the process is run for.
    pub mode: Mode,
    /// Address of the API.
    pub listen: SocketAddr,
    /// Address of the jobs service's health and metrics.
    pub jobs_listen: SocketAddr,
    /// Where the jobs service keeps its archives.
    pub archive_dir: PathBuf,
    /// MongoDB: where, as whom, pool and deadlines.
    pub mongo: MongoConfig,
    /// `host:port` of Redis, where there are no Sentinels.
    pub redis_addr: String,
    /// `host:port` of each Sentinel; empty where there are none.
    pub redis_sentinels: Vec<String>,
    /// The name under which the Sentinels watch the master.
    pub redis_master: String,
    /// Put before every Redis key, so that several systems (and tests) can share one Redis.
    pub redis_prefix: String,
    /// Where the secret files lie.
    pub secrets: Secrets,
    /// Base address of the payment provider; without one card payments are off.
    pub pay_url: Option<String>,
    /// Where text messages are posted; without it they are recorded, never sent.
    pub sms_url: Option<String>,
    /// The sender the SMS gateway knows us by.
    pub sms_from: String,
    /// How many times looser every rate limit is: bots of a simulation all come from one address.
    pub limits_times: u32,
    /// How many households share one network address; the limits of sign-in and registration by address are that many
    /// times as wide. Mobile networks put whole towns behind one.
    pub shared_address_times: u32,
    /// The file to which one-time codes are written instead of being sent.
    pub otp_log: Option<PathBuf>,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// How many proxies in front append to `X-Forwarded-For`; 0 means the peer's address counts.
    pub trusted_proxies: usize,
    /// The log filter.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How long a stopping process waits for what it has begun.
    pub drain: Duration,
    /// The clock of the process.
    pub clock: Clock,
}

impl Settings {
    /// From the process environment.
    ///
    /// # Errors
    /// A variable that cannot be used, named.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_over(MongoConfig::default())
    }

    /// [`Self::from_env`] over other defaults of the database's settings.
    ///
    /// # Errors
    /// A variable that cannot be used, named.
    pub fn from_env_over(mongo: MongoConfig) -> Result<Self, ConfigError> {
        Self::from_lookup_over(mongo, |name| std::env::var(name).ok())
    }

    /// From any source of variables; an empty variable counts as absent.
    ///
    /// # Errors
    /// A variable that cannot be used, named.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::from_lookup_over(MongoConfig::default(), lookup)
    }

    /// [`Self::from_lookup`] over other defaults of the database's settings.
    ///
    /// # Errors
    /// A variable that cannot be used, named.
    pub fn from_lookup_over(
        mongo: MongoConfig,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let env = Env(&lookup);
        let mode = env.parse("DARAA_MODE", Mode::Development)?;
        let otp_log = env.text("DARAA_OTP_LOG").map(PathBuf::from);
        if mode.is_production() && otp_log.is_some() {
            return Err(refused("DARAA_OTP_LOG", "one-time codes are never written down in production"));
        }
        let sms_url = env.text("DARAA_SMS_URL");
        if mode.is_production() && sms_url.is_none() {
            return Err(refused("DARAA_SMS_URL", "production needs an SMS gateway"));
        }
        let usual_times = if mode == Mode::Simulation { SIMULATION_LIMITS_TIMES } else { 1 };
        let limits_times = env.parse("DARAA_LIMITS_TIMES", usual_times)?;
        let may_loosen = matches!(mode, Mode::Simulation | Mode::Test);
        if limits_times == 0 || (limits_times > 1 && !may_loosen) {
            return Err(refused("DARAA_LIMITS_TIMES", "limits are loosened in test and simulation only"));
        }
        let shared_address_times = env.parse("DARAA_SHARED_ADDRESS_TIMES", 1)?;
        if shared_address_times == 0 {
            return Err(refused("DARAA_SHARED_ADDRESS_TIMES", "at least one household has an address"));
        }
        let trusted_proxies = env.parse("DARAA_TRUSTED_PROXIES", 0)?;
        Ok(Self {
            mode,
            listen: env.parse("DARAA_LISTEN", SocketAddr::from(([127, 0, 0, 1], 4000)))?,
            jobs_listen: env.parse("DARAA_JOBS_LISTEN", SocketAddr::from(([127, 0, 0, 1], 4001)))?,
            archive_dir: env.text("DARAA_ARCHIVE_DIR").unwrap_or_else(|| ".daraa/archive".to_owned()).into(),
            mongo: env.mongo(mongo)?,
            redis_addr: env.text("DARAA_REDIS_ADDR").unwrap_or_else(|| "127.0.0.1:6379".to_owned()),
            redis_sentinels: env.list("DARAA_REDIS_SENTINELS"),
            redis_master: env.text("DARAA_REDIS_MASTER").unwrap_or_else(|| "daraa".to_owned()),
            redis_prefix: env.text("DARAA_REDIS_PREFIX").unwrap_or_else(|| "daraa:".to_owned()),
            secrets: Secrets::in_dir(env.text("DARAA_SECRETS_DIR").unwrap_or_else(|| "secrets".to_owned())),
            pay_url: env.text("DARAA_PAY_URL"),
            sms_url,
            sms_from: env.text("DARAA_SMS_FROM").unwrap_or_else(|| "Daraa".to_owned()),
            limits_times,
            shared_address_times,
            otp_log,
            cors_origins: env.list("DARAA_CORS_ORIGINS"),
            trusted_proxies,
            log: env.text("DARAA_LOG").unwrap_or_else(|| "info".to_owned()),
            log_format: env.parse("DARAA_LOG_FORMAT", LogFormat::Text)?,
            drain: Duration::from_millis(env.parse("DARAA_DRAIN_MS", 10_000)?),
            clock: env.clock(mode)?,
        })
    }

    /// All settings that are no secrets, one `name=value` each, for the first log lines of a process.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(String, String)> = vec![
            ("mode".into(), self.mode.name().into()),
            ("listen".into(), self.listen.to_string()),
            ("jobs_listen".into(), self.jobs_listen.to_string()),
            ("archive_dir".into(), self.archive_dir.display().to_string()),
        ];
        if let Ok(Value::Object(fields)) = serde_json::to_value(&self.mongo) {
            lines.extend(fields.into_iter().map(|(name, value)| (format!("mongo_{name}"), plain(&value))));
        }
        lines.extend([
            ("redis_addr".into(), self.redis_addr.clone()),
            ("redis_sentinels".into(), self.redis_sentinels.join(",")),
            ("redis_master".into(), self.redis_master.clone()),
            ("redis_prefix".into(), self.redis_prefix.clone()),
            ("redis_pool".into(), crate::redis::POOL_SIZE.to_string()),
            ("secrets_dir".into(), self.secrets.dir.display().to_string()),
            ("pay_url".into(), self.pay_url.clone().unwrap_or_else(|| "none".into())),
            ("sms_url".into(), self.sms_url.clone().unwrap_or_else(|| "none".into())),
            ("limits_times".into(), self.limits_times.to_string()),
            ("otp_log".into(), self.otp_log.as_ref().map_or("none".into(), |p| p.display().to_string())),
            ("cors_origins".into(), self.cors_origins.join(",")),
            ("trusted_proxies".into(), self.trusted_proxies.to_string()),
            ("log".into(), self.log.clone()),
            ("drain_ms".into(), self.drain.as_millis().to_string()),
            ("clock".into(), format!("{:?}", self.clock)),
        ]);
        lines
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn refused(variable: &str, problem: impl fmt::Display) -> ConfigError {
    ConfigError::Variable { variable: variable.to_owned(), problem: problem.to_string() }
}

struct Env<'a, F>(&'a F);

impl<F: Fn(&str) -> Option<String>> Env<'_, F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.text(name)
            .map(|text| {
                text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
            })
            .unwrap_or_default()
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&self, name: &str, default: T) -> Result<T, ConfigError> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|e| refused(name, format!("{text:?}: {e}"))),
        }
    }

    /// Every field of [`MongoConfig`] can be set by its name in capitals.
    fn mongo(&self, default: MongoConfig) -> Result<MongoConfig, ConfigError> {
        let default = serde_json::to_value(default).map_err(|e| refused("DARAA_MONGO", e))?;
        let Value::Object(mut fields) = default else {
            return Err(refused("DARAA_MONGO", "has no fields"));
        };
        for (field, value) in &mut fields {
            let name = format!("DARAA_MONGO_{}", field.to_ascii_uppercase());
            let Some(text) = self.text(&name) else { continue };
            *value = match value {
                Value::Number(_) => {
                    let number: u32 = text.parse().map_err(|e| refused(&name, format!("{text:?}: {e}")))?;
                    Value::from(number)
                }
                Value::Bool(_) => {
                    let flag: bool = text.parse().map_err(|e| refused(&name, format!("{text:?}: {e}")))?;
                    Value::from(flag)
                }
                _ => Value::String(text),
            };
        }
        let config: MongoConfig =
            serde_json::from_value(Value::Object(fields)).map_err(|e| refused("DARAA_MONGO", e))?;
        if config.uri.contains('@') {
            return Err(refused("DARAA_MONGO_URI", "holds credentials; they belong into the secret files"));
        }
        if config.max_pool_size == 0 || config.min_pool_size > config.max_pool_size {
            return Err(refused("DARAA_MONGO_MAX_POOL_SIZE", "must be positive and not below the minimum"));
        }
        Ok(config)
    }

    fn clock(&self, mode: Mode) -> Result<Clock, ConfigError> {
        const NAME: &str = "DARAA_CLOCK";
        let Some(text) = self.text(NAME) else { return Ok(Clock::System) };
        if mode != Mode::Simulation {
            return Err(refused(NAME, "the clock may run fast in simulation mode only"));
        }
        let mut parts = text.split(',').map(str::trim);
        let (Some(real), Some(shown), Some(speed), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refused(NAME, "must be real_ms,shown_ms,speed"));
        };
        let number = |part: &str| part.parse::<i64>().map_err(|e| refused(NAME, format!("{part:?}: {e}")));
        let speed = u32::try_from(number(speed)?)
            .ok()
            .filter(|speed| (1..=MAX_CLOCK_SPEED).contains(speed))
            .ok_or_else(|| refused(NAME, format!("the speed is a number from 1 to {MAX_CLOCK_SPEED}")))?;
        Ok(Clock::Fast(FastClock { real_ms: number(real)?, shown_ms: number(shown)?, speed }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        Settings::from_lookup(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_mongo_field_can_be_set() {
        let settings =
            settings(&[("DARAA_MONGO_MAX_POOL_SIZE", "7"), ("DARAA_MONGO_MIN_POOL_SIZE", "2")]).unwrap();
        assert_eq!(settings.mongo.max_pool_size, 7);
        assert_eq!(settings.mongo.min_pool_size, 2);
        assert!(settings.describe().contains(&("mongo_max_pool_size".to_owned(), "7".to_owned())));
    }

    #[test]
    fn a_background_process_begins_with_fewer_connections() {
        let settings = |pairs: &[(&str, &str)]| {
            Settings::from_lookup_over(MongoConfig::background(), |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let usual = settings(&[]).unwrap().mongo;
        assert_eq!((usual.max_pool_size, usual.min_pool_size, usual.watch_commands), (30, 2, true));
        let set = [("DARAA_MONGO_MAX_POOL_SIZE", "25"), ("DARAA_MONGO_WATCH_COMMANDS", "false")];
        let set = settings(&set).unwrap().mongo;
        assert_eq!((set.max_pool_size, set.min_pool_size, set.watch_commands), (25, 2, false));
    }

    #[test]
    fn wrong_values_name_their_variable() {
        for (name, value) in [
            ("DARAA_MODE", "prod"),
            ("DARAA_LISTEN", "here"),
            ("DARAA_MONGO_OPERATION_MS", "-1"),
            ("DARAA_MONGO_WATCH_COMMANDS", "perhaps"),
            ("DARAA_MONGO_URI", "mongodb://me:secret@host/"),
            ("DARAA_LOG_FORMAT", "xml"),
            ("DARAA_CLOCK", "1,2,3"),
        ] {
            let error = settings(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn sentinels_are_a_list_and_their_password_a_file_of_its_own_or_that_of_redis() {
        assert!(settings(&[]).unwrap().redis_sentinels.is_empty());
        let some = settings(&[("DARAA_REDIS_SENTINELS", "a:1, b:2,"), ("DARAA_REDIS_MASTER", "m")]).unwrap();
        assert_eq!(
            (some.redis_sentinels, some.redis_master.as_str()),
            (vec!["a:1".to_owned(), "b:2".to_owned()], "m")
        );
        let dir = std::env::temp_dir().join(format!("daraa-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("redis_password"), "one").unwrap();
        let secrets = Secrets::in_dir(&dir);
        assert_eq!(secrets.redis_sentinel_password().unwrap().expose(), "one");
        std::fs::write(dir.join("redis_sentinel_password"), "two").unwrap();
        assert_eq!(secrets.redis_sentinel_password().unwrap().expose(), "two");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_fast_clock_needs_simulation_mode() {
        let fast = settings(&[("DARAA_MODE", "simulation"), ("DARAA_CLOCK", "1000, 5000, 60")]).unwrap();
        assert!(matches!(fast.clock, Clock::Fast(FastClock { real_ms: 1000, shown_ms: 5000, speed: 60 })));
        assert!(settings(&[("DARAA_MODE", "production"), ("DARAA_CLOCK", "1,2,3")]).is_err());
        assert!(settings(&[("DARAA_MODE", "simulation"), ("DARAA_CLOCK", "1,2,0")]).is_err());
        assert!(settings(&[("DARAA_MODE", "simulation"), ("DARAA_CLOCK", "1,2")]).is_err());
    }

    #[test]
    fn production_writes_no_codes_down() {
        let production = [("DARAA_MODE", "production"), ("DARAA_SMS_URL", "https://sms.example/send")];
        assert!(settings(&production).is_ok());
        assert!(settings(&[&production[..], &[("DARAA_OTP_LOG", "/x")]].concat()).is_err());
        assert!(settings(&[&production[..], &[("DARAA_LIMITS_TIMES", "2")]].concat()).is_err());
        assert!(settings(&production[..1]).is_err());
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
