//! The summary of a day, for people and as one JSON line.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::day::{Day, lock};
use crate::client::{Api, percentile};
use crate::judge::{FINAL, Verdict};

/// What a day came to.
#[derive(Debug)]
pub struct Report {
    name: String,
    planned: usize,
    outcomes: BTreeMap<String, usize>,
    refusals: BTreeMap<String, usize>,
    errors: BTreeMap<String, u64>,
    retries: u64,
    click_to_door_min: [f64; 2],
    requests: usize,
    latency_ms: Vec<f64>,
    slowest: Vec<(String, usize, f64, f64)>,
    unfinished: usize,
    complaints: Vec<String>,
    verdicts: Vec<Verdict>,
}

impl Report {
    pub(super) fn new(day: &Day, api: &Api, orders: &[Value], verdicts: Vec<Verdict>) -> Self {
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for order in orders {
            *outcomes.entry(order["status"].as_str().unwrap_or("UNKNOWN").to_owned()).or_default() += 1;
        }
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        let mut click_to_door_s: Vec<u64> = Vec::new();
        for (outcome, planned) in lock(&day.outcomes).iter().zip(&day.plan.orders) {
            if let Some(code) = &outcome.refusal {
                *refusals.entry(code.clone()).or_default() += 1;
            }
            if let Some(delivered) = outcome.delivered_ms {
                let clicked = day.start_ms + i64::from(planned.placed_minute) * 60_000;
                click_to_door_s.push(u64::try_from((delivered - clicked) / 1000).unwrap_or(0));
            }
        }
        click_to_door_s.sort_unstable();
        let minutes = |p| percentile(&click_to_door_s, p) as f64 / 60.0;
        let (requests, latency_ms) = api.stats.latency_ms(&[50, 95, 99]);
        Self {
            name: day.plan.name.clone(),
            planned: day.plan.orders.len(),
            unfinished: orders
                .iter()
                .filter(|o| !FINAL.contains(&o["status"].as_str().unwrap_or_default()))
                .count(),
            outcomes,
            refusals,
            errors: api.stats.errors(),
            retries: api.stats.retries(),
            click_to_door_min: [minutes(50), minutes(90)],
            requests,
            latency_ms,
            slowest: api.stats.slowest(5),
            complaints: lock(&day.complaints).clone(),
            verdicts,
        }
    }

    /// Whether every placed order ended and every invariant holds.
    #[must_use]
    pub fn good(&self) -> bool {
        let placed: usize = self.outcomes.values().sum();
        let refused: usize = self.refusals.values().sum();
        self.unfinished == 0
            && placed + refused == self.planned
            && self.verdicts.iter().all(|v| v.broken.is_empty())
    }

    /// The machine-readable line.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "day": self.name, "planned": self.planned, "outcomes": self.outcomes, "refusals": self.refusals,
            "errors": self.errors, "retries": self.retries, "unfinished": self.unfinished,
            "click_to_door_min": { "p50": self.click_to_door_min[0], "p90": self.click_to_door_min[1] },
            "requests": self.requests,
            "latency_ms": { "p50": self.latency_ms.first(), "p95": self.latency_ms.get(1), "p99": self.latency_ms.get(2) },
            "complaints": self.complaints.len(),
            "broken": self.verdicts.iter().filter(|v| !v.broken.is_empty()).map(|v| v.id).collect::<Vec<_>>(),
            "good": self.good(),
        })
    }
}

/// Complaints and broken cases shown at most; the rest are counted.
const SHOWN: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nday {}: {} orders planned", self.name, self.planned)?;
        for (status, count) in &self.outcomes {
            writeln!(f, "  {status:<12} {count:>5}")?;
        }
        for (code, count) in &self.refusals {
            writeln!(f, "  not placed   {count:>5}  {code}")?;
        }
        writeln!(
            f,
            "click to door  p50 {:.1} min, p90 {:.1} min",
            self.click_to_door_min[0], self.click_to_door_min[1]
        )?;
        let ms = |n: usize| self.latency_ms.get(n).copied().unwrap_or_default();
        writeln!(
            f,
            "API            {} requests, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, {} asked again",
            self.requests,
            ms(0),
            ms(1),
            ms(2),
            self.retries
        )?;
        for (name, calls, p50, p99) in &self.slowest {
            writeln!(f, "  slowest      {name:<24} {calls:>6} calls, p50 {p50:.1} ms, p99 {p99:.1} ms")?;
        }
        for (code, count) in &self.errors {
            writeln!(f, "  errors       {count:>5}  {code}")?;
        }
        for complaint in self.complaints.iter().take(SHOWN) {
            writeln!(f, "  complaint    {complaint}")?;
        }
        if self.complaints.len() > SHOWN {
            writeln!(f, "  … and {} more complaints", self.complaints.len() - SHOWN)?;
        }
        for verdict in &self.verdicts {
            let word = if verdict.broken.is_empty() { "holds" } else { "BROKEN" };
            writeln!(f, "{}  {word:<7} {}", verdict.id, verdict.asks)?;
            for case in verdict.broken.iter().take(SHOWN) {
                writeln!(f, "      {case}")?;
            }
        }
        Ok(())
    }
}
