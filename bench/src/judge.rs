//! The invariants of the domain, checked from outside: by what each party sees through the API and by the payment
//! provider's own log.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{CallError, Caller};

/// Orders end in one of these.
pub const FINAL: &[&str] = &["COMPLETED", "REJECTED", "CANCELLED", "EXPIRED", "RETURNED", "FAILED"];
/// After the last order ended, settlement and notifications get this long (real time).
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
/// The simulated card provider.
#[derive(Debug)]
pub struct Provider {
    /// Its base address.
    pub url: String,
    /// The key of our account there.
    pub key: String,
}

/// What the clients saw, to be compared with what the API says afterwards.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The orders whose placing was acknowledged.
    pub acknowledged: Vec<String>,
    /// What clients found wrong; those that begin with an invariant's name count as its breach.
    pub complaints: Vec<String>,
    /// The card provider, to compare with its log.
    pub provider: Option<&'a Provider>,
}

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

/// Judges what is left. `orders` are all orders as ops see them.
///
/// # Errors
/// When the API does not answer.
pub async fn judge(
    ops: &Caller,
    orders: &[Value],
    evidence: &Evidence<'_>,
) -> Result<Vec<Verdict>, CallError> {
    let log = match evidence.provider {
        Some(provider) => Some(provider_log(provider).await?),
        None => None,
    };
    let report = ops.query("query Integrity { integrityCheck { id ok detail } }", json!({})).await?;
    let internal = |id: &str| -> Vec<String> {
        let rows = report["integrityCheck"].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter()
            .filter(|row| row["id"].as_str() == Some(id) && row["ok"].as_bool() != Some(true))
            .map(|row| row["detail"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let complained =
        |id: &str| evidence.complaints.iter().filter(|c| c.starts_with(id)).cloned().collect::<Vec<_>>();
    let with = |mut a: Vec<String>, b: Vec<String>| {
        a.extend(b);
        a
    };
    Ok(vec![
        Verdict {
            id: "I1",
            asks: "an acknowledged order exists exactly once",
            broken: with(exactly_once(&evidence.acknowledged, orders), internal("I1")),
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
            broken: with(provider_agrees(orders, log.as_deref()), internal("I5")),
        },
        Verdict { id: "I6", asks: "every event is delivered", broken: internal("I6") },
        Verdict { id: "I7", asks: "histories are legal", broken: with(histories(orders), internal("I7")) },
    ])
}

fn exactly_once(acknowledged: &[String], orders: &[Value]) -> Vec<String> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for order in orders {
        *seen.entry(order["id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let mut broken = Vec::new();
    for id in acknowledged {
        match seen.get(id.as_str()) {
            Some(1) => {}
            other => broken.push(format!("{id} acknowledged, found {} times", other.copied().unwrap_or(0))),
        }
    }
    if orders.len() != acknowledged.len() {
        broken.push(format!("{} orders acknowledged, {} exist", acknowledged.len(), orders.len()));
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

/// All orders as ops see them, once no event waits any more.
///
/// # Errors
/// When the API does not answer.
pub async fn settled_orders(ops: &Caller) -> Result<Vec<Value>, CallError> {
    let deadline = tokio::time::Instant::now() + SETTLE_WITHIN;
    loop {
        let backlog = ops.query("query Backlog { eventBacklog { pending dead } }", json!({})).await?;
        if backlog["eventBacklog"]["pending"].as_i64() == Some(0) || tokio::time::Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let document = "query Orders($after: String) { opsOrders(first: 100, after: $after) { pageInfo { hasNextPage endCursor } \
            edges { node { id status method money { total { amountMinor } } history { at from to } } } } }";
        let mut page = ops.query(document, json!({ "after": after })).await?["opsOrders"].take();
        if let Some(edges) = page["edges"].as_array_mut() {
            all.extend(edges.iter_mut().map(|edge| edge["node"].take()));
        }
        if page["pageInfo"]["hasNextPage"].as_bool() != Some(true) {
            return Ok(all);
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}

/// The whole log of the simulated provider, page by page.
async fn provider_log(provider: &Provider) -> Result<Vec<Value>, CallError> {
    let failed = |e: reqwest::Error| CallError::Transport(e.to_string());
    let http = reqwest::Client::new();
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().and_then(|row| row["seq"].as_u64()).unwrap_or(0);
        let request = http.get(format!("{}/log?after={after}", provider.url)).bearer_auth(&provider.key);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        let mut page: Value = answer.json().await.map_err(failed)?;
        match page["entries"].as_array_mut() {
            Some(rows) if !rows.is_empty() => all.append(rows),
            _ => return Ok(all),
        }
    }
}
