//! Each kind of work has database connections of its own, so that none can take those of another: a relay with a
//! backlog, a job that reads everything and deadlines that all pass at once do not wait for one another, and leases are
//! renewed whatever the others do.

use std::sync::Arc;

use daraa_domain::app::{App, StartError};
use daraa_platform::config::Settings;
use daraa_platform::mongo::{Mongo, MongoConfig};
use daraa_platform::random::Random;

/// The kinds of work: what their connections are called and their share of the process's connections. The relay works
/// on sixteen subjects side by side: with fewer connections it falls behind a busy evening. The deadlines work on a
/// dozen, most of them with nothing to do.
const SHARES: [(&str, u32); 6] = [
    ("daraa-jobs-control", 3),
    ("daraa-jobs-changes", 2),
    ("daraa-jobs-relay", 16),
    ("daraa-jobs-dispatch", 2),
    ("daraa-jobs-deadlines", 4),
    ("daraa-jobs-scheduled", 3),
];

/// The parts of the process, once for each kind of work.
#[derive(Debug, Clone)]
pub struct Pools {
    /// Leases, the schedule, health.
    pub control: Arc<App>,
    /// Change streams: each has a connection of its own nearly all the time.
    pub changes: Arc<App>,
    /// The outbox relay.
    pub relay: Arc<App>,
    /// The dispatcher.
    pub dispatch: Arc<App>,
    /// The deadlines.
    pub deadlines: Arc<App>,
    /// The scheduled jobs.
    pub scheduled: Arc<App>,
}

impl Pools {
    /// Makes the parts. Nothing is connected yet.
    ///
    /// # Errors
    /// A setting or secret that cannot be used.
    pub async fn build(settings: &Settings, random: Random) -> Result<Self, StartError> {
        let [control, changes, relay, dispatch, deadlines, scheduled] = split(&settings.mongo);
        let with = |mongo: MongoConfig| Settings { mongo, ..settings.clone() };
        let app = App::build(&with(control.1), control.0, random).await?;
        let password = settings.secrets.mongo_password(&settings.mongo.user)?;
        let of = async |(name, config): (&'static str, MongoConfig)| -> Result<Arc<App>, StartError> {
            Ok(Arc::new(app.on(Mongo::connect(config, password.expose(), name).await?)))
        };
        Ok(Self {
            changes: of(changes).await?,
            relay: of(relay).await?,
            dispatch: of(dispatch).await?,
            deadlines: of(deadlines).await?,
            scheduled: of(scheduled).await?,
            control: Arc::new(app),
        })
    }

    /// Every kind of work with its parts, by the name of its connections.
    #[must_use]
    pub fn each(&self) -> [(&'static str, &Arc<App>); 6] {
        let [(control, _), (changes, _), (relay, _), (dispatch, _), (deadlines, _), (scheduled, _)] = SHARES;
        [
            (control, &self.control),
            (changes, &self.changes),
            (relay, &self.relay),
            (dispatch, &self.dispatch),
            (deadlines, &self.deadlines),
            (scheduled, &self.scheduled),
        ]
    }
}

/// The settings of each pool. The largest sizes are divided by share, everybody getting one at least; the connections
/// kept open are dealt out one by one, beginning with those who always work.
fn split(config: &MongoConfig) -> [(&'static str, MongoConfig); 6] {
    let whole: u32 = SHARES.iter().map(|(_, share)| share).sum();
    let mut nth = 0_u32;
    SHARES.map(|(name, share)| {
        let max = config.max_pool_size.saturating_mul(share).checked_div(whole).unwrap_or(0).max(1);
        let kept = SHARES.len().try_into().map_or(0, |pools: u32| {
            let spare = config.min_pool_size.checked_rem(pools).unwrap_or(0);
            config.min_pool_size.checked_div(pools).unwrap_or(0).saturating_add(u32::from(nth < spare))
        });
        nth = nth.saturating_add(1);
        (name, MongoConfig { max_pool_size: max, min_pool_size: kept.min(max), ..config.clone() })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_no_more_than_the_whole_and_everybody_has_one() {
        let sizes = |max_pool_size, min_pool_size| {
            split(&MongoConfig { max_pool_size, min_pool_size, ..MongoConfig::background() })
                .map(|(_, config)| (config.max_pool_size, config.min_pool_size))
        };
        assert_eq!(sizes(30, 2), [(3, 1), (2, 1), (16, 0), (2, 0), (4, 0), (3, 0)]);
        assert_eq!(sizes(50, 10), [(5, 2), (3, 2), (26, 2), (3, 2), (6, 1), (5, 1)]);
        assert_eq!(sizes(1, 1), [(1, 1), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0)]);
        let (max, min) = sizes(100, 7).iter().fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        assert!(max <= 100);
        assert_eq!(min, 7);
    }
}
