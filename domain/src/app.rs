//! What every use case is given: the database, the cache, the clock, the ports. Made once in `main`.

use daraa_platform::clock::Clock;
use daraa_platform::config::{ConfigError, Mode, Secret, Settings};
use daraa_platform::fault::Infra;
use daraa_platform::ids::Ids;
use daraa_platform::mongo::{DbError, Mongo};
use daraa_platform::ports::Ports;
use daraa_platform::ports::pay::{CardProvider, HttpPay, PAY_CALL_DEADLINE, PayConfig};
use daraa_platform::ports::sms::{GatewaySms, RecordingSms, SMS_CALL_DEADLINE, Sms, SmsGatewayConfig};
use daraa_platform::random::Random;
use daraa_platform::redis::{Cache, CacheError, RateLimiter, RedisPool, SentinelConfig};

use crate::keys::{Keys, KeysError};

/// What nearly every request reads and hardly any changes: kept in this process for a moment, beside Redis.
const NEAR: &[&str] = &["store", "category", "settings", "product"];

/// The shared parts of one process.
#[derive(Debug)]
pub struct App {
    /// What the process is run for.
    pub mode: Mode,
    /// The database.
    pub mongo: Mongo,
    /// Redis itself: live positions, publishing.
    pub redis: RedisPool,
    /// Cache-aside on Redis.
    pub cache: Cache,
    /// Rate limits on Redis.
    pub limits: RateLimiter,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// New ids.
    pub ids: Ids,
    /// Other processes: SMS gateway, payment provider.
    pub ports: Ports,
    /// What signs tokens and peppers codes.
    pub keys: Keys,
    /// Which sessions are alive, remembered for a moment.
    pub sessions: crate::session::SessionCache,
    /// What this process knows of the feeds' last numbers.
    pub feed: crate::feed::Heads,
}

/// Why the shared parts could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting or a secret.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database address.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The Redis address.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A port.
    #[error(transparent)]
    Port(#[from] Infra),
    /// A key.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl App {
    /// Makes the shared parts. Nothing is connected yet: an absent database shows in readiness, not here.
    ///
    /// # Errors
    /// A setting or secret that cannot be used.
    pub async fn build(settings: &Settings, name: &'static str, random: Random) -> Result<Self, StartError> {
        let password = settings.secrets.mongo_password(&settings.mongo.user)?;
        let mongo = Mongo::connect(settings.mongo.clone(), password.expose(), name).await?;
        let redis = redis(settings)?;
        let clock = settings.clock.clone();
        Ok(Self {
            mode: settings.mode,
            mongo,
            cache: Cache::new(redis.clone(), random.clone()).with_near(NEAR),
            limits: RateLimiter::new(redis.clone(), clock.clone(), random.clone())
                .loosened(settings.limits_times)
                .with_shared_addresses(settings.shared_address_times),
            redis,
            ids: Ids::new(clock.clone(), &random),
            ports: ports(settings)?,
            keys: Keys::parse(
                settings.secrets.token_key()?.expose(),
                settings.secrets.code_pepper()?.expose(),
            )?,
            sessions: crate::session::SessionCache::default(),
            clock,
            random,
            feed: crate::feed::Heads::default(),
        })
    }

    /// The same parts on a pool of database connections of its own: what waits for a connection there holds up nobody
    /// here. Only what is remembered of the feeds is not shared, for it is written by whoever appends.
    #[must_use]
    pub fn on(&self, mongo: Mongo) -> Self {
        Self {
            mode: self.mode,
            mongo,
            redis: self.redis.clone(),
            cache: self.cache.clone(),
            limits: self.limits.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            ids: self.ids.clone(),
            ports: self.ports.clone(),
            keys: self.keys.clone(),
            sessions: self.sessions.clone(),
            feed: crate::feed::Heads::default(),
        }
    }
}

/// By the Sentinels where there are any, else at its one address.
fn redis(settings: &Settings) -> Result<RedisPool, StartError> {
    let password = settings.secrets.redis_password()?;
    if settings.redis_sentinels.is_empty() {
        return Ok(RedisPool::connect(&settings.redis_addr, &password, &settings.redis_prefix)?);
    }
    let sentinels = SentinelConfig {
        addrs: settings.redis_sentinels.clone(),
        master: settings.redis_master.clone(),
        password: settings.secrets.redis_sentinel_password()?,
    };
    Ok(RedisPool::by_sentinels(&sentinels, &password, &settings.redis_prefix)?)
}

fn ports(settings: &Settings) -> Result<Ports, StartError> {
    let clock = settings.clock.clone();
    let sms = match (&settings.sms_url, &settings.otp_log) {
        (Some(url), _) => Sms::Gateway(GatewaySms::new(
            SmsGatewayConfig {
                url: url.clone(),
                from: settings.sms_from.clone(),
                token: settings.secrets.read("sms_token")?.expose().to_owned(),
                deadline: SMS_CALL_DEADLINE,
            },
            clock.clone(),
        )?),
        (None, Some(file)) => Sms::Recording(RecordingSms::to_file(clock.clone(), file)),
        (None, None) => Sms::Recording(RecordingSms::in_memory(clock.clone())),
    };
    let pay = match &settings.pay_url {
        None => CardProvider::Absent,
        Some(base_url) => {
            let webhook_key = settings.secrets.pay_webhook_key()?;
            // The simulated provider knows one key for both directions.
            let api_key: Secret = if settings.mode.is_production() || settings.secrets.has("pay_api_key") {
                settings.secrets.read("pay_api_key")?
            } else {
                webhook_key.clone()
            };
            CardProvider::Http(HttpPay::new(
                PayConfig {
                    base_url: base_url.trim_end_matches('/').to_owned(),
                    api_key: api_key.expose().to_owned(),
                    webhook_secret: webhook_key.expose().to_owned(),
                    deadline: PAY_CALL_DEADLINE,
                },
                clock,
            )?)
        }
    };
    Ok(Ports { sms, pay })
}
