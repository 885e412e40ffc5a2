//! Customers who buy takeaway one after the other, and the stores that make it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::actors::{
    Checkout, OpenStore, Place, StorePlan, add_product, add_to_cart, check_out, id_of, open_store,
};
use crate::client::{Api, CallError, Caller};
use crate::otp::Codes;

/// Stores that sell.
const STORES: usize = 3;
/// More than any run can sell.
const STOCK: i64 = 1_000_000;
/// One in so many purchases is asked for again, to see that its key gives the same answer.
const ASK_AGAIN_EVERY: usize = 5;
/// A purchase is tried again this often when the world changed under its quote.
const TRIES: u32 = 5;
/// What wallets begin with, minor units.
const OPENING_BALANCE: &str = "50000000000";

/// What was bought, as the customers saw it.
#[derive(Debug, Default)]
pub(super) struct Bought {
    /// The acknowledged orders.
    pub(super) orders: Vec<String>,
    /// What went wrong.
    pub(super) complaints: Vec<String>,
    /// When each was acknowledged.
    at: Vec<Instant>,
}

/// The load at work.
pub(super) struct Load {
    bought: Arc<Mutex<Bought>>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    stores: Vec<String>,
}

impl Load {
    /// Opens stores, signs customers up and lets them buy.
    pub(super) async fn start(
        api: &Api,
        codes: &Codes,
        ops: &Caller,
        customers: usize,
    ) -> Result<Self, CallError> {
        let mut shelves = Vec::with_capacity(STORES);
        for n in 0..STORES {
            let plan = StorePlan {
                name_ar: format!("متجر {}", n + 1),
                name_en: format!("Store {}", n + 1),
                place: Place { lon: 36.1, lat: 32.62 },
                reach_degrees: 0.2,
                owner_phone: format!("+9639410{n:05}"),
            };
            let store = open_store(api, codes, ops, &plan).await?;
            let variant = add_product(&store.owner, &store.id, ("وجبة", "Meal"), 2_500_000, STOCK).await?;
            shelves.push((Arc::new(store), variant));
        }
        let stores = shelves.iter().map(|(store, _)| store.id.clone()).collect();
        let mut load = Self { bought: Arc::default(), stop: Arc::default(), tasks: JoinSet::new(), stores };
        for n in 0..customers {
            let app = api.anonymous();
            let phone = format!("+9639420{n:05}");
            app.sign_in(&phone, &format!("Customer {n}"), codes).await?;
            let credit = json!({
                "phone": phone, "amountMinor": OPENING_BALANCE, "currency": "SYP", "reason": "opening balance",
                "idempotencyKey": format!("credit-{phone}"),
            });
            ops.mutate("walletCredit", "wallet { balance { amountMinor } }", credit).await?;
            let shelf = shelves.get(n % STORES).cloned();
            let Some((store, variant)) = shelf else { continue };
            let method = ["CASH", "WALLET", "CARD"].get(n % 3).copied().unwrap_or("CASH");
            let customer = Customer { app, store, variant, method, number: n };
            load.tasks.spawn(customer.live(Arc::clone(&load.bought), Arc::clone(&load.stop)));
        }
        Ok(load)
    }

    /// The stores that sell.
    pub(super) fn stores(&self) -> &[String] {
        &self.stores
    }

    /// How many orders were acknowledged so far.
    pub(super) fn placed(&self) -> usize {
        lock(&self.bought).orders.len()
    }

    /// The longest time between two acknowledged orders from `from` to `to`.
    pub(super) fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let mut at: Vec<Instant> =
            lock(&self.bought).at.iter().copied().filter(|at| (from..=to).contains(at)).collect();
        at.push(from);
        at.push(to);
        at.sort_unstable();
        at.windows(2)
            .map(|pair| pair.last().copied().unwrap_or(to) - pair.first().copied().unwrap_or(from))
            .max()
            .unwrap_or_default()
    }

    /// Waits until something was bought after `since`; how long that took.
    pub(super) async fn bought_after(&self, since: Instant, patience: Duration) -> Option<Duration> {
        let deadline = Instant::now() + patience;
        loop {
            let first = lock(&self.bought).at.iter().copied().filter(|at| *at >= since).min();
            if let Some(at) = first {
                return Some(at - since);
            }
            if Instant::now() > deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets what is under way come to its end.
    pub(super) async fn stop(mut self) -> Bought {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        std::mem::take(&mut *lock(&self.bought))
    }
}

fn lock(bought: &Mutex<Bought>) -> std::sync::MutexGuard<'_, Bought> {
    bought.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Customer {
    app: Caller,
    store: Arc<OpenStore>,
    variant: String,
    method: &'static str,
    number: usize,
}

impl Customer {
    async fn live(self, bought: Arc<Mutex<Bought>>, stop: Arc<AtomicBool>) {
        let mut round = 0_usize;
        while !stop.load(Ordering::Relaxed) {
            round += 1;
            match self.buy(round).await {
                Ok((order, again)) => {
                    {
                        let mut bought = lock(&bought);
                        bought.at.push(Instant::now());
                        bought.orders.push(id_of(&order));
                        bought.complaints.extend(again);
                    }
                    if let Err(e) = self.fetch(&order).await {
                        lock(&bought).complaints.push(format!("{}: {e}", order["id"]));
                    }
                }
                Err(e) => {
                    lock(&bought).complaints.push(format!("customer {} could not buy: {e}", self.number))
                }
            }
        }
    }

    async fn buy(&self, round: usize) -> Result<(Value, Option<String>), CallError> {
        self.app.mutate("cartClear", "cart { id }", json!({})).await?;
        add_to_cart(&self.app, &self.variant, 1, &[]).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let key = format!("faults-{}-{round}-{tries}", self.number);
            let checkout = Checkout {
                address: None,
                method: self.method,
                card_token: (self.method == "CARD").then_some("tok_ok"),
                coupon: None,
                courier_tip_minor: 0,
                key: &key,
            };
            match check_out(&self.app, checkout).await {
                Ok((quote, mut group)) => {
                    let again = if round.is_multiple_of(ASK_AGAIN_EVERY) {
                        self.ask_again(&quote, &group, &checkout).await
                    } else {
                        None
                    };
                    return Ok((group["orders"][0].take(), again));
                }
                Err(e) if tries < TRIES && (e.is("QUOTE_EXPIRED") || e.is("REQUEST_IN_PROGRESS")) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The same key gives the same purchase.
    async fn ask_again(&self, quote: &Value, group: &Value, checkout: &Checkout<'_>) -> Option<String> {
        let input = json!({
            "quoteId": id_of(quote), "cardToken": checkout.card_token, "idempotencyKey": checkout.key,
        });
        match self.app.mutate("orderPlace", "orderGroup { id }", input).await {
            Ok(again) if id_of(&again["orderGroup"]) == id_of(group) => None,
            Ok(again) => {
                Some(format!("I2: key replayed as {} instead of {}", again["orderGroup"], group["id"]))
            }
            Err(e) => Some(format!("I2: key not replayed: {e}")),
        }
    }

    /// The store makes it, the customer fetches it.
    async fn fetch(&self, order: &Value) -> Result<(), CallError> {
        let id = id_of(order);
        self.until_placed(&id).await?;
        let owner = &self.store.owner;
        owner.mutate("orderAccept", "order { id }", json!({ "orderId": id, "prepMinutes": 5 })).await?;
        owner.mutate("orderPrepare", "order { id }", json!({ "orderId": id })).await?;
        owner.mutate("orderReady", "order { id }", json!({ "orderId": id })).await?;
        let pin = order["dropoffPin"].as_str().unwrap_or_default();
        owner.mutate("orderHandOver", "order { id status }", json!({ "orderId": id, "code": pin })).await?;
        Ok(())
    }

    /// A card may be known to be good only a moment later.
    async fn until_placed(&self, id: &str) -> Result<(), CallError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let document = "query Status($id: ID!) { order(id: $id) { status } }";
            let data = self.app.query(document, json!({ "id": id })).await?;
            let status = data["order"]["status"].as_str().unwrap_or_default();
            if status == "PLACED" {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(CallError::Transport(format!("{id} stays {status}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
