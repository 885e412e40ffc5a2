//! One delivery day, lived by bots as ordinary clients of the public API, with time compressed.

mod bots;
pub mod day;
pub mod plan;
mod report;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::task::JoinSet;

use self::bots::{CourierBot, CustomerBot, store_bot};
use self::day::{Day, DayClock, Outcome, Street, lock};
use self::plan::Plan;
pub use self::report::Report;
use crate::actors::{OpenStore, StorePlan, add_product, hire_courier, open_store, welcome_customer};
use crate::client::{Api, CallError, Caller};
use crate::judge::{self, Evidence, Provider};
use crate::otp::Codes;

/// Set-up calls under way at once: as many as keep a small machine busy.
const SETUP_AT_ONCE: usize = 8;
/// Everything must be over this many shown minutes after the last planned minute.
const LATEST_END_MINUTES: i64 = 240;
/// Degrees around a store that it delivers to: the whole map of every instance.
const WHOLE_MAP_DEGREES: f64 = 0.6;

/// How to run a day.
#[derive(Debug)]
pub struct Options {
    /// `http://host:port/graphql`.
    pub url: String,
    /// Where one-time codes are written.
    pub otp_log: PathBuf,
    /// The phone of an ops admin that exists already.
    pub ops_phone: String,
    /// The clock that the server was started with.
    pub clock: DayClock,
    /// The simulated card provider, to compare with its log.
    pub provider: Option<Provider>,
    /// Runs this command when this percentage of the orders is placed.
    pub fault: Option<(u32, String)>,
}

/// Lives the day and reports.
///
/// # Errors
/// When the set-up is refused or the API stays away.
pub async fn run(plan: Plan, options: &Options) -> Result<Report, CallError> {
    let api = Api::new(&options.url);
    let codes = Codes::in_file(&options.otp_log);
    let ops = api.anonymous();
    ops.sign_in(&options.ops_phone, "Operations", &codes).await?;
    let (stores, couriers, customers) = set_up(&plan, &api, &codes, &ops).await?;

    let order_count = plan.orders.len();
    let midnight = next_midnight(options.clock);
    let day = Arc::new(Day {
        start_ms: midnight,
        clock: options.clock,
        street: Street::default(),
        outcomes: Mutex::new(vec![Outcome::default(); order_count]),
        complaints: Mutex::default(),
        plan,
    });
    let mut background = JoinSet::new();
    for store in stores {
        background.spawn(store_bot(store, day.clone()));
    }
    for (bot, planned) in couriers.into_iter().zip(day.plan.couriers.clone()) {
        background.spawn(bot.live(day.clone(), planned.on_minute, planned.off_minute));
    }
    let mut orders = JoinSet::new();
    for (index, bot) in customers.into_iter().enumerate() {
        orders.spawn(bot.live(day.clone(), index));
    }
    background.spawn(inject(day.clone(), options.fault.clone()));
    watch(&day, &mut orders).await;
    let all = judge::settled_orders(&ops).await?;
    let evidence = Evidence {
        acknowledged: lock(&day.outcomes).iter().filter_map(|o| o.order_id.clone()).collect(),
        complaints: lock(&day.complaints).clone(),
        provider: options.provider.as_ref(),
    };
    let verdicts = judge::judge(&ops, &all, &evidence).await?;
    background.abort_all();
    Ok(Report::new(&day, &api, &all, verdicts))
}

type People = (Vec<OpenStore>, Vec<CourierBot>, Vec<CustomerBot>);

async fn set_up(plan: &Plan, api: &Api, codes: &Codes, ops: &Caller) -> Result<People, CallError> {
    let bar = Progress::new(plan.stores.len() + plan.couriers.len() + plan.orders.len(), "setting up");
    let stores = each(&plan.stores, &bar, |n, place| {
        let (api, codes, ops) = (api.clone(), codes.clone(), ops.clone());
        async move {
            let store = StorePlan {
                name_ar: format!("متجر {}", n + 1),
                name_en: format!("Store {}", n + 1),
                place,
                reach_degrees: WHOLE_MAP_DEGREES,
                owner_phone: format!("+9639310{n:05}"),
            };
            let open = open_store(&api, &codes, &ops, &store).await?;
            let variant = add_product(&open.owner, &open.id, ("وجبة", "Meal"), 2_500_000, 1_000).await?;
            Ok((open, variant))
        }
    })
    .await?;
    let couriers = each(&plan.couriers, &bar, |n, planned| {
        let (api, codes, ops) = (api.clone(), codes.clone(), ops.clone());
        async move {
            let phone = format!("+9639320{n:05}");
            let (app, _) = hire_courier(&api, &codes, &ops, &phone, &planned.name).await?;
            Ok(CourierBot { app, name: planned.name, at: planned.start })
        }
    })
    .await?;
    let variants: Vec<String> = stores.iter().map(|(_, variant)| variant.clone()).collect();
    let customers = each(&plan.orders, &bar, |n, planned| {
        let (api, codes, ops) = (api.clone(), codes.clone(), ops.clone());
        let variant = variants.get(planned.store).cloned().unwrap_or_default();
        async move {
            let phone = format!("+9639330{n:05}");
            let (app, address) = welcome_customer(&api, &codes, &phone, &planned.name, planned.home).await?;
            // Six of ten pay cash, two by wallet, two by card.
            let method = match n % 10 {
                0..=5 => "CASH",
                6 | 7 => "WALLET",
                _ => "CARD",
            };
            if method == "WALLET" {
                let credit = json!({
                    "phone": phone, "amountMinor": "10000000", "currency": "SYP", "reason": "opening balance",
                    "idempotencyKey": format!("credit-{phone}"),
                });
                ops.mutate("walletCredit", "wallet { balance { amountMinor } }", credit).await?;
            }
            Ok(CustomerBot { app, address, variant, method })
        }
    })
    .await?;
    bar.bar.finish();
    Ok((stores.into_iter().map(|(store, _)| store).collect(), couriers, customers))
}

/// Does `work` for each item, some at once, keeping their order.
async fn each<I, O, F>(items: &[I], bar: &Progress, work: impl Fn(usize, I) -> F) -> Result<Vec<O>, CallError>
where
    I: Clone,
    F: Future<Output = Result<O, CallError>>,
{
    use futures_util::{StreamExt as _, TryStreamExt as _};
    futures_util::stream::iter(items.iter().cloned().enumerate().map(|(n, item)| work(n, item)))
        .buffered(SETUP_AT_ONCE)
        .inspect_ok(|_| bar.step(""))
        .try_collect()
        .await
}

/// The first midnight of Damascus that the clock has not passed; now, when the set-up took longer than planned.
fn next_midnight(clock: DayClock) -> i64 {
    const LEAD_MS: i64 = 24 * 3_600_000;
    const DAMASCUS_MS: i64 = 3 * 3_600_000;
    let now = clock.now_ms();
    let midnight = ((now + DAMASCUS_MS).div_euclid(LEAD_MS) + 1) * LEAD_MS - DAMASCUS_MS;
    // More than two real minutes of waiting means that the planned midnight is over: begin at once.
    if midnight - now > i64::from(clock.speed) * 120_000 { now } else { midnight }
}

async fn watch(day: &Day, orders: &mut JoinSet<()>) {
    let bar = Progress::new(day.plan.orders.len(), "delivering");
    let last = day.plan.orders.iter().map(|o| o.ready_minute).max().unwrap_or(0);
    let end_ms = day.start_ms + (i64::from(last) + LATEST_END_MINUTES) * 60_000;
    loop {
        let ended = tokio::select! {
            ended = orders.join_next() => ended.is_some(),
            () = day.clock.until(end_ms) => false,
        };
        if !ended {
            break;
        }
        let minute = (day.clock.now_ms() - day.start_ms) / 60_000;
        bar.step(&format!("{:02}:{:02}", minute / 60, minute % 60));
    }
    bar.bar.finish();
}

async fn inject(day: Arc<Day>, fault: Option<(u32, String)>) {
    let Some((percent, command)) = fault else { return };
    let wanted = day.plan.orders.len() * percent as usize / 100;
    while lock(&day.outcomes).iter().filter(|o| o.order_id.is_some()).count() < wanted {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tracing::warn!(command, "injecting a fault");
    let status = tokio::process::Command::new("sh").arg("-c").arg(&command).status().await;
    if !status.is_ok_and(|s| s.success()) {
        day.complain(format!("the fault command failed: {command}"));
    }
}

/// A bar on a terminal, a line at each tenth elsewhere.
#[derive(Debug)]
struct Progress {
    bar: ProgressBar,
    what: &'static str,
}

impl Progress {
    fn new(len: usize, what: &'static str) -> Self {
        let bar = ProgressBar::new(u64::try_from(len).unwrap_or(0));
        if let Ok(style) = ProgressStyle::with_template("{msg:24} [{bar:40}] {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, what }
    }

    fn step(&self, detail: &str) {
        self.bar.inc(1);
        let (done, len) = (self.bar.position(), self.bar.length().unwrap_or(0).max(1));
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{} {detail}", self.what));
        } else if done * 10 / len != (done - 1) * 10 / len {
            tell(&format!("    {} {detail} {done}/{len}", self.what));
        }
    }
}

fn tell(line: &str) {
    eprintln!("{line}");
}
