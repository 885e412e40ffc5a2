//! One task per person: each lives by the plan, the clock and what the API tells.

use std::sync::Arc;

use serde_json::{Value, json};

use super::day::Day;
use crate::actors::{Checkout, OpenStore, Place, add_to_cart, check_out, id_of, minor};
use crate::client::{CallError, Caller};
use crate::feed::follow;
use crate::judge::FINAL;

/// A customer tries a checkout again this often when the world changed under the quote.
const CHECKOUT_TRIES: u32 = 4;

/// One customer with one planned order.
#[derive(Debug)]
pub struct CustomerBot {
    /// The app.
    pub app: Caller,
    /// The address.
    pub address: String,
    /// The variant to order.
    pub variant: String,
    /// `CASH`, `WALLET` or `CARD`.
    pub method: &'static str,
}

impl CustomerBot {
    /// Orders at the planned minute and follows the order to its end.
    pub async fn live(self, day: Arc<Day>, plan: usize) {
        let Some(planned) = day.plan.orders.get(plan).cloned() else { return };
        day.minute(planned.placed_minute).await;
        let group = match self.order(&day, &planned.name).await {
            Ok(group) => group,
            Err(e) => {
                day.note(plan, |o| o.refusal = Some(e.code()));
                return day.complain(format!("{} was not placed: {e}", planned.name));
            }
        };
        let order = &group["orders"][0];
        let order_id = id_of(order);
        day.street.placed(&order_id, order["dropoffPin"].as_str().unwrap_or_default(), plan);
        day.note(plan, |o| {
            o.order_id = Some(order_id.clone());
            o.group_id = Some(id_of(&group));
            o.placed_ms = Some(day.clock.now_ms());
            o.total_minor = minor(&group["total"]);
            order["status"].as_str().unwrap_or_default().clone_into(&mut o.status);
        });
        let selection = "order { id status }";
        let mut events = follow(self.app.clone(), "customerEvents", String::new(), selection);
        while let Some(event) = events.recv().await {
            if event["order"]["id"].as_str() != Some(&order_id) {
                continue;
            }
            let status = event["order"]["status"].as_str().unwrap_or_default().to_owned();
            day.note(plan, |o| o.status.clone_from(&status));
            if FINAL.contains(&status.as_str()) {
                if status == "COMPLETED" && plan.is_multiple_of(3) {
                    self.review(&day, &order_id).await;
                }
                return;
            }
        }
    }

    async fn order(&self, day: &Day, name: &str) -> Result<Value, CallError> {
        add_to_cart(&self.app, &self.variant, 1, &[]).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let key = format!("{name}-{tries}");
            let checkout = Checkout {
                address: Some(&self.address),
                method: self.method,
                card_token: (self.method == "CARD").then_some("tok_ok"),
                coupon: None,
                courier_tip_minor: 0,
                key: &key,
            };
            match check_out(&self.app, checkout).await {
                Ok((quote, group)) => {
                    self.ask_again(day, &quote, &group, &checkout).await;
                    return Ok(group);
                }
                Err(e) if tries < CHECKOUT_TRIES && (e.is("QUOTE_EXPIRED") || e.is("QUOTE_CHANGED")) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The answer might have been lost: the same key must give the same purchase (I2).
    async fn ask_again(&self, day: &Day, quote: &Value, group: &Value, checkout: &Checkout<'_>) {
        let input = json!({
            "quoteId": id_of(quote), "cardToken": checkout.card_token, "idempotencyKey": checkout.key,
        });
        match self.app.mutate("orderPlace", "orderGroup { id }", input).await {
            Ok(again) if id_of(&again["orderGroup"]) == id_of(group) => {}
            Ok(again) => day
                .complain(format!("I2: key replayed as {} instead of {}", again["orderGroup"], group["id"])),
            Err(e) => day.complain(format!("I2: key not replayed: {e}")),
        }
    }

    async fn review(&self, day: &Day, order: &str) {
        let input = json!({ "orderId": order, "storeStars": 5, "courierStars": 5, "comment": "شكراً" });
        if let Err(e) = self.app.mutate("reviewCreate", "review { id }", input).await {
            day.complain(format!("review of {order}: {e}"));
        }
    }
}

/// Works a store's queue for the whole day.
pub async fn store_bot(store: OpenStore, day: Arc<Day>) {
    let arguments = format!("storeId: \"{}\"", store.id);
    let mut events = follow(store.owner.clone(), "storeEvents", arguments, "order { id }");
    while let Some(event) = events.recv().await {
        if event["kind"].as_str() == Some("order.placed") {
            let (owner, day, order) = (store.owner.clone(), day.clone(), id_of(&event["order"]));
            tokio::spawn(async move {
                if let Err(e) = prepare(&owner, &day, &order).await {
                    day.complain(format!("store could not prepare {order}: {e}"));
                }
            });
        }
    }
}

async fn prepare(owner: &Caller, day: &Day, order: &str) -> Result<(), CallError> {
    let plan = day.street.plan_of(order).await;
    let Some(planned) = day.plan.orders.get(plan) else { return Ok(()) };
    let minutes = planned.ready_minute.saturating_sub(planned.placed_minute).max(1);
    let input = json!({ "orderId": order, "prepMinutes": minutes });
    let accepted = owner.mutate("orderAccept", "order { id storeCode }", input).await?;
    owner.mutate("orderPrepare", "order { id }", json!({ "orderId": order })).await?;
    day.minute(planned.ready_minute).await;
    owner.mutate("orderReady", "order { id }", json!({ "orderId": order })).await?;
    let code = accepted["order"]["storeCode"].as_str().unwrap_or_default();
    day.street.put_on_counter(order, code);
    Ok(())
}

/// One courier's shift.
#[derive(Debug)]
pub struct CourierBot {
    /// The app.
    pub app: Caller,
    /// The name in the plan.
    pub name: String,
    /// Where the courier is.
    pub at: Place,
}

impl CourierBot {
    /// Works from the first to the last minute of the shift, then finishes what is under way.
    pub async fn live(mut self, day: Arc<Day>, on_minute: u32, off_minute: u32) {
        day.minute(on_minute).await;
        let mut events = follow(self.app.clone(), "courierEvents", String::new(), "offer { id }");
        if let Err(e) =
            self.app.mutate("courierOnline", "courier { id }", json!({ "point": self.at.input() })).await
        {
            return day.complain(format!("{} could not go online: {e}", self.name));
        }
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = day.minute(off_minute) => None,
            };
            let Some(event) = event else { break };
            if event["kind"].as_str() == Some("offer.made")
                && let Err(e) = self.consider(&day, &id_of(&event["offer"])).await
            {
                day.complain(format!("{}: {e}", self.name));
            }
        }
        if let Err(e) = self.app.mutate("courierOffline", "courier { id }", json!({})).await {
            day.complain(format!("{} could not go offline: {e}", self.name));
        }
    }

    async fn consider(&mut self, day: &Day, offer: &str) -> Result<(), CallError> {
        let selection = "delivery { id orders { id money { total { amountMinor } } method } stops { kind point { lon lat } } }";
        let accepted = match self.app.mutate("offerAccept", selection, json!({ "offerId": offer })).await {
            Ok(accepted) => accepted,
            // Expired or withdrawn before we looked: nothing lost, somebody else is asked.
            Err(CallError::User(_)) => return Ok(()),
            Err(e) => return Err(e),
        };
        self.deliver(day, &accepted["delivery"]).await
    }

    async fn deliver(&mut self, day: &Day, delivery: &Value) -> Result<(), CallError> {
        let id = id_of(delivery);
        let order = &delivery["orders"][0];
        let order_id = id_of(order);
        let half_pickup = f64::from(day.plan.pickup_minutes) / 2.0;
        let half_dropoff = f64::from(day.plan.dropoff_minutes) / 2.0;
        self.step("deliveryDepart", json!({ "deliveryId": id })).await?;
        self.travel(day, stop(delivery, "PICKUP")).await;
        self.step("deliveryArrive", json!({ "deliveryId": id, "point": self.at.input() })).await?;
        day.pass(half_pickup).await;
        let code = day.street.fetch(&order_id).await;
        self.step("deliveryPickUp", json!({ "deliveryId": id, "storeCode": code })).await?;
        day.pass(half_pickup).await;
        self.step("deliveryDepart", json!({ "deliveryId": id })).await?;
        self.travel(day, stop(delivery, "DROPOFF")).await;
        self.step("deliveryArrive", json!({ "deliveryId": id, "point": self.at.input() })).await?;
        day.pass(half_dropoff).await;
        let pin = day.street.ring(&order_id).await;
        let mut input = json!({ "deliveryId": id, "pin": pin });
        if order["method"].as_str() == Some("CASH") {
            input["cashCollectedMinor"] = minor(&order["money"]["total"]).to_string().into();
        }
        self.step("deliveryComplete", input).await?;
        let now = day.clock.now_ms();
        let plan = day.street.plan_of(&order_id).await;
        day.note(plan, |o| o.delivered_ms = Some(now));
        day.pass(half_dropoff).await;
        Ok(())
    }

    async fn step(&self, name: &str, input: Value) -> Result<(), CallError> {
        self.app.mutate(name, "delivery { id status }", input).await.map(|_| ())
    }

    /// Moves at the plan's speed and says where, about once a minute.
    async fn travel(&mut self, day: &Day, to: Place) {
        let minutes = day.plan.travel_minutes(self.at, to);
        let from = self.at;
        for minute in 1..=minutes {
            day.pass(1.0).await;
            self.at = from.towards(to, f64::from(minute) / f64::from(minutes));
            // A lost ping is nothing: the next one follows.
            drop(self.app.mutate("courierMove", "courier { id }", json!({ "point": self.at.input() })).await);
        }
        self.at = to;
    }
}

fn stop(delivery: &Value, kind: &str) -> Place {
    let stops = delivery["stops"].as_array().map(Vec::as_slice).unwrap_or_default();
    let point = stops.iter().find(|stop| stop["kind"].as_str() == Some(kind)).map(|stop| &stop["point"]);
    let degrees = |name: &str| point.and_then(|p| p[name].as_f64()).unwrap_or_default();
    Place { lon: degrees("lon"), lat: degrees("lat") }
}
