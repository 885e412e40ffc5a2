//! Asking the Sentinels who the master is, for as long as the pool lives.
//!
//! Each Sentinel says which server it takes for the master and how often it has seen one chosen (the configuration
//! epoch). The highest epoch is the latest choice, so a Sentinel that was cut off cannot lead anybody back. While none
//! answers, the master known last is kept: its connections go on working, and new ones go to it too.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError};
use tracing::{debug, info, warn};

use super::CacheError;
use super::breaker::Breaker;
use super::master::{Address, Master, Route};
use crate::config::Secret;

/// The Sentinels are asked this often. A fail-over on command leaves the former master a master for some 10 s: until
/// this process has heard of it, it uses that one.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// Between two rounds, however much the master is doubted: a Sentinel is no faster for being asked all the time.
const ASK_GAP: Duration = Duration::from_millis(50);
/// How long one Sentinel may take, connecting included; the others are not kept waiting by it.
const ASK_WITHIN: Duration = Duration::from_millis(400);

/// Where the Sentinels are.
#[derive(Debug, Clone)]
pub struct SentinelConfig {
    /// `host:port` of each.
    pub addrs: Vec<String>,
    /// The name under which they watch the master.
    pub master: String,
    /// What they ask for.
    pub password: Secret,
}

/// All Sentinels of a system.
#[derive(Debug)]
pub(super) struct Sentinels {
    each: Vec<Sentinel>,
    master: String,
}

#[derive(Debug)]
struct Sentinel {
    addr: Address,
    password: Secret,
    conn: Option<MultiplexedConnection>,
}

impl Sentinels {
    pub(super) fn new(config: &SentinelConfig) -> Result<Self, CacheError> {
        if config.addrs.is_empty() {
            return Err(CacheError::Answer("no sentinel is named".to_owned()));
        }
        let each = config
            .addrs
            .iter()
            .map(|addr| Ok(Sentinel { addr: addr.parse()?, password: config.password.clone(), conn: None }));
        Ok(Self { each: each.collect::<Result<_, CacheError>>()?, master: config.master.clone() })
    }

    /// Keeps the route on the master the Sentinels name.
    pub(super) async fn follow(mut self, route: Arc<Route>, breaker: Arc<Breaker>) -> Infallible {
        let mut silent = false;
        loop {
            let answered = self.ask(&route, &breaker).await;
            metrics::gauge!("daraa_redis_sentinels_answering").set(f64::from(answered));
            if (answered == 0) != silent {
                silent = answered == 0;
                if silent {
                    warn!("no sentinel answers; redis is used where it was last");
                } else {
                    info!("sentinels answer");
                }
            }
            tokio::time::sleep(ASK_GAP).await;
            // In either case it is time to ask again.
            drop(tokio::time::timeout(ASK_EVERY.saturating_sub(ASK_GAP), route.doubted()).await);
        }
    }

    /// Asks all of them at once; the first to know of a later choice is followed without waiting for the rest.
    async fn ask(&mut self, route: &Route, breaker: &Breaker) -> u32 {
        let asked = self.each.len();
        let name = self.master.as_str();
        let mut waiting: FuturesUnordered<_> = self.each.iter_mut().map(|each| each.ask(name)).collect();
        let mut answers = Vec::with_capacity(asked);
        while let Some(answer) = waiting.next().await {
            answers.extend(answer);
            if let Some(next) = choose(&answers, route.master().as_ref(), asked) {
                let moved = route.master().is_none_or(|known| known.addr != next.addr);
                route.turn_to(next);
                if moved {
                    breaker.begin_anew();
                }
            }
        }
        u32::try_from(answers.len()).unwrap_or(u32::MAX)
    }
}

/// Whom to follow after these answers, when it is not the one who is known already.
///
/// A later epoch is followed on one word. The same or an earlier one with another server means that the Sentinels were
/// set up anew and count from the beginning: followed when more than half of all say the same.
fn choose(answers: &[Master], known: Option<&Master>, asked: usize) -> Option<Master> {
    let best = answers.iter().max_by_key(|answer| answer.epoch)?;
    let Some(known) = known else { return Some(best.clone()) };
    if best == known {
        return None;
    }
    let agreeing = answers.iter().filter(|answer| *answer == best).count();
    (best.epoch > known.epoch || agreeing * 2 > asked).then(|| best.clone())
}

impl Sentinel {
    async fn ask(&mut self, name: &str) -> Option<Master> {
        let cause = match tokio::time::timeout(ASK_WITHIN, self.try_ask(name)).await {
            Ok(Ok(master)) => return master,
            Ok(Err(e)) => e.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        debug!(sentinel = %self.addr, cause, "a sentinel does not answer");
        self.conn = None;
        None
    }

    /// `None` when it knows no master of that name.
    async fn try_ask(&mut self, name: &str) -> Result<Option<Master>, RedisError> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => {
                let client = redis::Client::open(self.addr.info(&self.password)?)?;
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(ASK_WITHIN))
                    .set_response_timeout(Some(ASK_WITHIN));
                none.insert(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
        };
        // Both in one breath, so that they belong together. The address comes from the first: during a fail-over the
        // Sentinel that leads it raises the epoch before the second shows the new server.
        let (addr, about): (Option<(String, u16)>, HashMap<String, String>) = redis::pipe()
            .cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(name)
            .cmd("SENTINEL")
            .arg("MASTER")
            .arg(name)
            .query_async(conn)
            .await?;
        let epoch = about.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Ok(addr.map(|(host, port)| Master { addr: Address { host, port }, epoch }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16, epoch: u64) -> Master {
        Master { addr: Address { host: "h".to_owned(), port }, epoch }
    }

    #[test]
    fn the_latest_choice_is_followed_on_one_word() {
        assert_eq!(choose(&[], None, 3), None);
        assert_eq!(choose(&[at(1, 1)], None, 3), Some(at(1, 1)));
        assert_eq!(choose(&[at(1, 1)], Some(&at(1, 1)), 3), None);
        assert_eq!(choose(&[at(1, 1), at(2, 2)], Some(&at(1, 1)), 3), Some(at(2, 2)));
    }

    #[test]
    fn a_sentinel_that_was_cut_off_leads_nobody_back() {
        assert_eq!(choose(&[at(1, 1)], Some(&at(2, 2)), 3), None);
        assert_eq!(choose(&[at(1, 1), at(2, 2)], Some(&at(2, 2)), 3), None);
    }

    #[test]
    fn sentinels_made_anew_are_believed_when_most_of_them_agree() {
        assert_eq!(choose(&[at(1, 0), at(1, 0)], Some(&at(2, 7)), 3), Some(at(1, 0)));
        assert_eq!(choose(&[at(1, 0)], Some(&at(2, 7)), 3), None);
    }
}
