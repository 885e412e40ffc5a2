//! The integrity check as ops see it.

use async_graphql::SimpleObject;
use daraa_domain::check::Report;

use crate::graphql::scalars::BigInt;

/// Findings named in one answer; the rest are counted.
const NAMED: usize = 20;

/// One rule that must hold after any fault.
#[derive(Debug, SimpleObject)]
#[graphql(name = "IntegrityRule")]
pub struct IntegrityRuleObject {
    /// `I1` to `I8`.
    pub id: &'static str,
    /// What it asks.
    pub asks: &'static str,
    /// Whether it holds now. Work under way may break a rule for a moment.
    pub ok: bool,
    /// What breaks it; empty when it holds.
    pub detail: String,
}

/// The rules in the order they are told.
const RULES: &[(&str, &str)] = &[
    ("I1", "an acknowledged order exists exactly once"),
    ("I2", "an idempotency key has exactly one effect"),
    ("I3", "debits equal credits, balances equal their entries"),
    ("I4", "stock adds up and is never negative; coupons keep their limits"),
    ("I5", "captured is at most authorised, refunded at most captured"),
    ("I6", "every event is delivered"),
    ("I7", "histories are legal; nothing is paid and cancelled without a refund"),
    ("I8", "the audit chain verifies"),
];

/// The report, rule by rule.
pub(super) fn rules(report: &Report) -> Vec<IntegrityRuleObject> {
    RULES
        .iter()
        .map(|(id, asks)| {
            let found: Vec<String> = report
                .findings
                .iter()
                .filter(|finding| finding.rule == *id)
                .map(|finding| format!("{} ({}): {}", finding.subject, finding.code, finding.what))
                .collect();
            let more = found.len().saturating_sub(NAMED);
            let mut detail = found.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
            if more > 0 {
                detail.push_str(&format!("; and {more} more"));
            }
            IntegrityRuleObject { id, asks, ok: found.is_empty(), detail }
        })
        .collect()
}

/// Events that are not delivered to all their consumers.
#[derive(Debug, SimpleObject)]
#[graphql(name = "EventBacklog")]
pub struct EventBacklogObject {
    /// Waiting or being retried, at most 10,000 are counted.
    pub pending: BigInt,
    /// Given up; a person has to look. At most 100 are counted.
    pub dead: BigInt,
}
