//! Faults of the parts under a load of orders: how long nothing could be bought, what was refused, and whether anything
//! was lost or doubled.
//!
//! Customers buy takeaway, stores make it, customers fetch it: each order goes the whole way of the money. Every call
//! is an ordinary one of the public API; what is not answered is asked again with the same key, as an app would.

mod browse;
mod load;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::Command;

use self::browse::Browsing;
pub use self::browse::Seen;
use self::load::Load;
pub use self::report::{Report, Row};
use crate::client::{Api, CallError};
use crate::judge::{self, Evidence, Provider, Verdict};
use crate::otp::Codes;

/// The load runs this long before the first fault and between two, so that each finds a system at work.
const CALM: Duration = Duration::from_secs(4);
/// After a fault is over, buying must have begun again within this.
const RECOVER_WITHIN: Duration = Duration::from_secs(60);

/// One kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name, understood by the command that does it.
    pub name: &'static str,
    /// How long it lasts before it is undone.
    pub hold: Duration,
    /// Nothing may be bought for no longer than this; `None` where the fault itself takes everything away.
    pub goal: Option<Duration>,
    /// Whether people who only look around must not notice: each page comes, and not slower than [`SLOWER_AT_MOST`].
    pub browsing: bool,
}

/// While Redis fails, 99 of 100 pages come within so many times the time before.
pub const SLOWER_AT_MOST: f64 = 3.0;

const fn mongo(name: &'static str, hold_ms: u64, goal_ms: u64) -> Fault {
    let goal = Some(Duration::from_millis(goal_ms));
    Fault { name, hold: Duration::from_millis(hold_ms), goal, browsing: false }
}

const fn redis(name: &'static str, hold_ms: u64, goal_ms: u64) -> Fault {
    Fault { browsing: true, ..mongo(name, hold_ms, goal_ms) }
}

/// Faults of the replica set, with their goals.
pub const MONGO: &[Fault] = &[
    mongo("step-down", 2_000, 1_500),
    mongo("kill-primary", 6_000, 3_000),
    mongo("freeze-primary", 12_000, 5_000),
    mongo("kill-secondary", 4_000, 1_500),
    mongo("cut-primary", 12_000, 5_000),
    Fault { name: "restart-all", hold: Duration::from_millis(500), goal: None, browsing: false },
];

/// Faults of Redis, with their goals: buying needs no Redis, so nothing may stop.
pub const REDIS: &[Fault] = &[
    redis("flush-redis", 2_000, 3_000),
    redis("kill-redis", 5_000, 3_000),
    redis("freeze-redis", 8_000, 3_000),
    redis("failover-redis", 6_000, 3_000),
    redis("no-sentinels", 8_000, 3_000),
];

/// What to do.
#[derive(Debug)]
pub struct Options {
    /// `http://host:port/graphql`.
    pub url: String,
    /// Where one-time codes are written.
    pub otp_log: PathBuf,
    /// The phone of an ops admin that exists already.
    pub ops_phone: String,
    /// The simulated card provider, to compare with its log.
    pub provider: Option<Provider>,
    /// Customers who buy one thing after the other.
    pub customers: usize,
    /// Each fault so often.
    pub repeat: u32,
    /// Which faults.
    pub faults: Vec<Fault>,
    /// Run with a fault's name and `begin` or `end`.
    pub act: PathBuf,
}

/// Runs the load and every fault, then judges what is left.
///
/// # Errors
/// When the set-up is refused, a fault cannot be done, or the API stays away.
pub async fn run(options: &Options) -> Result<Report, CallError> {
    let api = Api::new(&options.url);
    let codes = Codes::in_file(&options.otp_log);
    let ops = api.anonymous();
    ops.sign_in(&options.ops_phone, "Operations", &codes).await?;
    let load = Load::start(&api, &codes, &ops, options.customers).await?;
    let browsing = Browsing::start(&options.url, load.stores());
    tokio::time::sleep(CALM).await;
    let mut rows = Vec::new();
    for turn in 1..=options.repeat {
        for fault in &options.faults {
            eprintln!("    {} {turn}/{}", fault.name, options.repeat);
            rows.push(suffer(&api, &load, &browsing, *fault, turn, &options.act).await?);
        }
    }
    browsing.stop().await;
    let bought = load.stop().await;
    let orders = judge::settled_orders(&ops).await?;
    let evidence = Evidence {
        acknowledged: bought.orders,
        complaints: bought.complaints,
        provider: options.provider.as_ref(),
    };
    let mut verdicts = judge::judge(&ops, &orders, &evidence).await?;
    let equal = act(&options.act, "members", "equal").await;
    verdicts.push(Verdict {
        id: "I9",
        asks: "the members of the replica set hold the same data",
        broken: equal.err().map(|e| e.to_string()).into_iter().collect(),
    });
    Ok(Report { rows, verdicts, complaints: evidence.complaints, orders: orders.len() })
}

async fn suffer(
    api: &Api,
    load: &Load,
    browsing: &Browsing,
    fault: Fault,
    turn: u32,
    command: &Path,
) -> Result<Row, CallError> {
    let (errors_before, placed_before) = (api.stats.errors(), load.placed());
    let begun = Instant::now();
    act(command, fault.name, "begin").await?;
    tokio::time::sleep(fault.hold).await;
    let undone = Instant::now();
    act(command, fault.name, "end").await?;
    let recovered = load.bought_after(undone, RECOVER_WITHIN).await;
    let over = Instant::now();
    tokio::time::sleep(CALM).await;
    let mut errors = api.stats.errors();
    for (code, before) in errors_before {
        if let Some(now) = errors.get_mut(&code) {
            *now -= before;
        }
    }
    errors.retain(|_, count| *count > 0);
    Ok(Row {
        fault: fault.name,
        turn,
        outage: load.longest_gap(begun, Instant::now()),
        goal: fault.goal,
        recovered,
        before: browsing.seen(begun.checked_sub(CALM).unwrap_or(begun), begun),
        seen: browsing.seen(begun, over),
        browsing: fault.browsing,
        bought: load.placed() - placed_before,
        answers: errors,
    })
}

async fn act(command: &Path, what: &str, how: &str) -> Result<(), CallError> {
    let failed = |why: String| CallError::Transport(format!("{what} {how}: {why}"));
    let status = Command::new(command).args(["act", what, how]).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(e) => Err(failed(e.to_string())),
    }
}
