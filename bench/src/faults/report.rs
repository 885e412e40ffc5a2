//! The table, for people and as one JSON line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::{SLOWER_AT_MOST, Seen};
use crate::judge::Verdict;

/// One fault, once.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub fault: &'static str,
    /// Which time.
    pub turn: u32,
    /// The longest time in which nothing was bought.
    pub outage: Duration,
    /// What it may be.
    pub goal: Option<Duration>,
    /// How long after its end until something was bought; `None` when nothing was.
    pub recovered: Option<Duration>,
    /// What people who look around saw just before.
    pub before: Seen,
    /// And from the fault until it was over.
    pub seen: Seen,
    /// Whether they must not notice.
    pub browsing: bool,
    /// Orders acknowledged meanwhile.
    pub bought: usize,
    /// Answers that were failures, by code; each was asked again.
    pub answers: BTreeMap<String, u64>,
}

impl Row {
    /// Whether the goal is met.
    #[must_use]
    pub fn good(&self) -> bool {
        let unnoticed = self.seen.failed == 0 && self.slower() <= SLOWER_AT_MOST;
        self.recovered.is_some()
            && self.goal.is_none_or(|goal| self.outage <= goal)
            && (unnoticed || !self.browsing)
    }

    /// How many times as long as before 99 of 100 pages took.
    #[must_use]
    pub fn slower(&self) -> f64 {
        let before = self.before.p99.as_secs_f64();
        if before > 0.0 { self.seen.p99.as_secs_f64() / before } else { 1.0 }
    }
}

/// What the faults came to.
#[derive(Debug)]
pub struct Report {
    /// One row a fault and turn.
    pub rows: Vec<Row>,
    /// The invariants afterwards.
    pub verdicts: Vec<Verdict>,
    /// What clients found wrong.
    pub complaints: Vec<String>,
    /// Orders that exist.
    pub orders: usize,
}

/// Cases shown at most; the rest are counted.
const SHOWN: usize = 10;

impl Report {
    /// Whether nothing was lost or doubled: every invariant holds and no client has a complaint.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.complaints.is_empty() && self.verdicts.iter().all(|v| v.broken.is_empty())
    }

    /// Whether everything came back and every outage was within its goal.
    #[must_use]
    pub fn within_goals(&self) -> bool {
        self.rows.iter().all(Row::good)
    }

    /// The machine-readable line.
    #[must_use]
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "fault": row.fault, "turn": row.turn, "outage_ms": row.outage.as_millis(),
                "goal_ms": row.goal.map(|goal| goal.as_millis()), "bought": row.bought, "answers": row.answers,
                "pages": row.seen.pages, "pages_failed": row.seen.failed,
                "pages_p99_ms": row.seen.p99.as_millis(), "pages_p99_before_ms": row.before.p99.as_millis(),
                "recovered_ms": row.recovered.map(|after| after.as_millis()), "good": row.good(),
            })
        });
        json!({
            "rows": rows.collect::<Vec<_>>(), "orders": self.orders, "complaints": self.complaints.len(),
            "broken": self.verdicts.iter().filter(|v| !v.broken.is_empty()).map(|v| v.id).collect::<Vec<_>>(),
            "sound": self.sound(), "within_goals": self.within_goals(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<16} {:>4} {:>9} {:>9} {:>9} {:>7} {:>6} {:>6} {:>8} {:>6}  asked again",
            "fault", "turn", "outage", "goal", "back", "bought", "pages", "failed", "p99", "slower"
        )?;
        for row in &self.rows {
            let goal = row.goal.map_or_else(|| "-".to_owned(), |goal| format!("{} ms", goal.as_millis()));
            let back =
                row.recovered.map_or_else(|| "never".to_owned(), |after| format!("{} ms", after.as_millis()));
            let answers: Vec<String> = row.answers.iter().map(|(code, n)| format!("{code} {n}")).collect();
            let word = if row.good() { "" } else { "  MISSED" };
            let outage = format!("{} ms", row.outage.as_millis());
            writeln!(
                f,
                "{:<16} {:>4} {outage:>9} {goal:>9} {back:>9} {:>7} {:>6} {:>6} {:>8} {:>5.1}x  {}{word}",
                row.fault,
                row.turn,
                row.bought,
                row.seen.pages,
                row.seen.failed,
                format!("{} ms", row.seen.p99.as_millis()),
                row.slower(),
                answers.join(", ")
            )?;
        }
        writeln!(f, "{} orders", self.orders)?;
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
