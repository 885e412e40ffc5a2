//! What the driver tells of its connections and commands, as metrics. Every label has few values: the pool's name, the
//! command's name of a closed list, a reason of a closed list. Addresses, collections and filters are none.
//!
//! | metric | says |
//! |---|---|
//! | `daraa_db_pool_limit{pool,bound}` | `max` and `min` as set, per member |
//! | `daraa_db_pool_connections{pool,state}` | `open` and `in_use` now, all members together |
//! | `daraa_db_pool_checkout_seconds{pool}` | how long an operation waited for a connection |
//! | `daraa_db_pool_checkout_failures_total{pool,reason}` | operations that got none |
//! | `daraa_db_pool_connect_seconds{pool}` | TCP, handshake and sign-in of a new connection |
//! | `daraa_db_pool_closed_total{pool,reason}` | connections closed |
//! | `daraa_db_pool_cleared_total{pool}` | times a member failed and all its connections with it |
//! | `daraa_db_command_seconds{pool,command}` | a command's way to the member and back |
//! | `daraa_db_command_failures_total{pool,command,reason}` | commands that failed, before any retry |

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::event::EventHandler;
use mongodb::event::cmap::{CmapEvent, ConnectionCheckoutFailedReason, ConnectionClosedReason};
use mongodb::event::command::CommandEvent;
use mongodb::options::{ClientOptions, ServerAddress};

use super::MongoConfig;
use super::error::reason;

/// The commands that are told apart; every other is `other`.
const COMMANDS: &[&str] = &[
    "abortTransaction",
    "aggregate",
    "commitTransaction",
    "count",
    "createIndexes",
    "delete",
    "distinct",
    "find",
    "findAndModify",
    "getMore",
    "hello",
    "insert",
    "killCursors",
    "listIndexes",
    "ping",
    "update",
];

/// The connections to one member, by the numbers the driver gives them. Sets and no counters: a caller who gives up
/// while it waits for a connection is told of when the connection goes back and never when it was taken.
#[derive(Default)]
struct Member {
    open: HashSet<u32>,
    in_use: HashSet<u32>,
}

/// Listens to one client.
struct Watch {
    pool: &'static str,
    members: Mutex<HashMap<ServerAddress, Member>>,
}

/// Lets what happens in the pools and to the commands of a client be counted under the name `pool`.
pub(super) fn watch(options: &mut ClientOptions, config: &MongoConfig, pool: &'static str) {
    for (bound, size) in [("max", config.max_pool_size), ("min", config.min_pool_size)] {
        metrics::gauge!("daraa_db_pool_limit", "pool" => pool, "bound" => bound).set(f64::from(size));
    }
    let watch = Arc::new(Watch { pool, members: Mutex::default() });
    options.cmap_event_handler = Some(EventHandler::callback(move |event| watch.connection(event)));
    if config.watch_commands {
        options.command_event_handler = Some(EventHandler::callback(move |event| command(pool, event)));
    }
}

impl Watch {
    fn connection(&self, event: CmapEvent) {
        let pool = self.pool;
        match event {
            CmapEvent::ConnectionCreated(e) => {
                self.change(&e.address, |member| {
                    member.open.insert(e.connection_id);
                });
            }
            CmapEvent::ConnectionReady(e) => {
                metrics::histogram!("daraa_db_pool_connect_seconds", "pool" => pool)
                    .record(e.duration.as_secs_f64());
            }
            CmapEvent::ConnectionClosed(e) => {
                metrics::counter!("daraa_db_pool_closed_total", "pool" => pool, "reason" => closed(&e.reason))
                    .increment(1);
                self.change(&e.address, |member| {
                    member.open.remove(&e.connection_id);
                    member.in_use.remove(&e.connection_id);
                });
            }
            CmapEvent::ConnectionCheckedOut(e) => {
                metrics::histogram!("daraa_db_pool_checkout_seconds", "pool" => pool)
                    .record(e.duration.as_secs_f64());
                self.change(&e.address, |member| {
                    member.in_use.insert(e.connection_id);
                });
            }
            CmapEvent::ConnectionCheckedIn(e) => {
                self.change(&e.address, |member| {
                    member.in_use.remove(&e.connection_id);
                });
            }
            CmapEvent::ConnectionCheckoutFailed(e) => {
                let reason = match e.reason {
                    ConnectionCheckoutFailedReason::Timeout => "timeout",
                    _ => "connection",
                };
                metrics::counter!("daraa_db_pool_checkout_failures_total", "pool" => pool, "reason" => reason)
                    .increment(1);
            }
            CmapEvent::PoolCleared(_) => {
                metrics::counter!("daraa_db_pool_cleared_total", "pool" => pool).increment(1);
            }
            CmapEvent::PoolClosed(e) => {
                self.lock().remove(&e.address);
                self.tell();
            }
            _ => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ServerAddress, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, address: &ServerAddress, how: impl FnOnce(&mut Member)) {
        let mut members = self.lock();
        match members.get_mut(address) {
            Some(member) => how(member),
            None => how(members.entry(address.clone()).or_default()),
        }
        drop(members);
        self.tell();
    }

    fn tell(&self) {
        let members = self.lock();
        let count = |of: fn(&Member) -> usize| {
            let count = members.values().map(of).fold(0, usize::saturating_add);
            f64::from(u32::try_from(count).unwrap_or(u32::MAX))
        };
        metrics::gauge!("daraa_db_pool_connections", "pool" => self.pool, "state" => "open")
            .set(count(|member| member.open.len()));
        metrics::gauge!("daraa_db_pool_connections", "pool" => self.pool, "state" => "in_use")
            .set(count(|member| member.in_use.len()));
    }
}

fn closed(reason: &ConnectionClosedReason) -> &'static str {
    match reason {
        ConnectionClosedReason::Stale => "stale",
        ConnectionClosedReason::Idle => "idle",
        ConnectionClosedReason::Error => "error",
        ConnectionClosedReason::Dropped => "dropped",
        _ => "pool_closed",
    }
}

fn command(pool: &'static str, event: CommandEvent) {
    match event {
        CommandEvent::Succeeded(e) => took(pool, &e.command_name, e.duration),
        CommandEvent::Failed(e) => {
            took(pool, &e.command_name, e.duration);
            let labels = [("pool", pool), ("command", name(&e.command_name)), ("reason", reason(&e.failure))];
            metrics::counter!("daraa_db_command_failures_total", &labels).increment(1);
        }
        _ => {}
    }
}

fn took(pool: &'static str, command: &str, duration: std::time::Duration) {
    metrics::histogram!("daraa_db_command_seconds", "pool" => pool, "command" => name(command))
        .record(duration.as_secs_f64());
}

fn name(command: &str) -> &'static str {
    COMMANDS.iter().find(|known| **known == command).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_not_listed_share_one_name() {
        assert_eq!(name("find"), "find");
        assert_eq!(name("dropDatabase"), "other");
        assert_eq!(name(""), "other");
    }
}
