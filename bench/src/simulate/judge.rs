//! The invariants of the domain, checked from outside after the day: by what each party sees through the API
//! and by the payment provider's own log.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bots::FINAL;
use super::day::{Day, lock};
use crate::client::{CallError, Caller};

/// One invariant and what was found.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// I1 to I7.
    pub id: &'static str,
    /// What it asks.
    pub asks: &'static str,
    /// What breaks it; empty when it holds.
    pub broken: Vec<String>,
}

/// Judges the day. `orders` are all orders as ops see them.
///
/// # Errors
/// When the API does not answer.
pub async fn judge(
    day: &Day,
    ops: &Caller,
    orders: &[Value],
    provider_log: Option<&[Value]>,
) -> Result<Vec<Verdict>, CallError> {
    let report = ops.query("query Integrity { integrityCheck { id ok detail } }", json!({})).await?;
    let internal = |id: &str| -> Vec<String> {
        let rows = report["integrityCheck"].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter()
            .filter(|row| row["id"].as_str() == Some(id) && row["ok"].as_bool() != Some(true))
            .map(|row| row["detail"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let complaints = lock(&day.complaints).clone();
    let complained = |id: &str| complaints.iter().filter(|c| c.starts_with(id)).cloned().collect::<Vec<_>>();
    let with = |mut a: Vec<String>, b: Vec<String>| {
        a.extend(b);
        a
    };
    Ok(vec![
        Verdict {
            id: "I1",
            asks: "an acknowledged order exists exactly once",
            broken: with(exactly_once(day, orders), internal("I1")),
        },
        Verdict {
            id: "I2",
            asks: "a key has one effect and replays its answer",
            broken: with(complained("I2"), internal("I2")),
        },
        Verdict {
            id: "I3",
            asks: "debits equal credits, balances equal their entries",
            broken: internal("I3"),
        },
        Verdict { id: "I4", asks: "stock adds up and is never negative", broken: internal("I4") },
        Verdict {
            id: "I5",
            asks: "one capture per paid order, the provider's log agrees",
            broken: with(provider_agrees(orders, provider_log), internal("I5")),
        },
        Verdict { id: "I6", asks: "every event is delivered", broken: internal("I6") },
        Verdict { id: "I7", asks: "histories are legal", broken: with(histories(orders), internal("I7")) },
    ])
}

fn exactly_once(day: &Day, orders: &[Value]) -> Vec<String> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for order in orders {
        *seen.entry(order["id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let mut broken = Vec::new();
    let outcomes = lock(&day.outcomes);
    for outcome in outcomes.iter() {
        if let Some(id) = &outcome.order_id {
            match seen.get(id.as_str()) {
                Some(1) => {}
                other => {
                    broken.push(format!("{id} acknowledged, found {} times", other.copied().unwrap_or(0)))
                }
            }
        }
    }
    let acknowledged = outcomes.iter().filter(|o| o.order_id.is_some()).count();
    if orders.len() != acknowledged {
        broken.push(format!("{acknowledged} orders acknowledged, {} exist", orders.len()));
    }
    broken
}

fn histories(orders: &[Value]) -> Vec<String> {
    let mut broken = Vec::new();
    for order in orders {
        let (id, status) = (&order["id"], order["status"].as_str().unwrap_or_default());
        if !FINAL.contains(&status) {
            broken.push(format!("{id} ended as {status}"));
        }
        let steps = order["history"].as_array().map(Vec::as_slice).unwrap_or_default();
        for pair in steps.windows(2) {
            if let [before, after] = pair {
                if after["from"] != before["to"] {
                    broken.push(format!("{id}: {} follows {}", after["from"], before["to"]));
                }
                if after["at"].as_str() < before["at"].as_str() {
                    broken.push(format!("{id}: history runs backwards at {}", after["at"]));
                }
            }
        }
        if steps.last().is_some_and(|last| last["to"].as_str() != Some(status)) {
            broken.push(format!("{id}: history ends elsewhere than {status}"));
        }
    }
    broken
}

/// Sums captures less refunds in the provider's log and compares with the completed card orders.
fn provider_agrees(orders: &[Value], log: Option<&[Value]>) -> Vec<String> {
    let Some(log) = log else { return Vec::new() };
    let mut captured: i64 = 0;
    let mut captures: BTreeMap<String, u32> = BTreeMap::new();
    for row in log {
        let operation = &row["operation"];
        if operation["status"].as_str() != Some("succeeded") {
            continue;
        }
        let amount = operation["amount_minor"].as_i64().unwrap_or_default();
        match operation["kind"].as_str() {
            Some("capture") => {
                captured += amount;
                *captures
                    .entry(row["payment"]["reference"].as_str().unwrap_or_default().to_owned())
                    .or_default() += 1;
            }
            Some("refund") => captured -= amount,
            _ => {}
        }
    }
    let mut broken: Vec<String> = captures
        .iter()
        .filter(|(_, n)| **n > 1)
        .map(|(reference, n)| format!("{reference} captured {n} times"))
        .collect();
    let completed: i64 = orders
        .iter()
        .filter(|o| o["method"].as_str() == Some("CARD") && o["status"].as_str() == Some("COMPLETED"))
        .map(|o| crate::actors::minor(&o["money"]["total"]))
        .sum();
    if captured != completed {
        broken.push(format!("provider holds {captured}, completed card orders sum to {completed}"));
    }
    broken
}
