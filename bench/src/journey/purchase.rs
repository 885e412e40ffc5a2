//! The happy way: basket, quote, checkout, preparation, delivery, money, review.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Setting, Stumble, Walk, refused, same};
use crate::actors::{Checkout, GROUP, Place, add_to_cart, check_out, id_of, minor};
use crate::client::Caller;
use crate::feed::follow;

/// How long an event may take to arrive.
const EVENT_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);
const CUSTOMER_EVENT: &str = "order { id status } delivery { id status }";

/// Waits for an event of a kind about an object.
pub(super) async fn wait_for(
    events: &mut mpsc::Receiver<Value>,
    kind: &str,
    about: impl Fn(&Value) -> bool,
) -> Result<Value, Stumble> {
    let mut seen = Vec::new();
    let wait = async {
        while let Some(event) = events.recv().await {
            if event["kind"].as_str() == Some(kind) && about(&event) {
                return Some(event);
            }
            seen.push(event["kind"].as_str().unwrap_or_default().to_owned());
        }
        None
    };
    match tokio::time::timeout(EVENT_WITHIN, wait).await {
        Ok(Some(event)) => Ok(event),
        _ => Err(Stumble::unexpected(format!("event {kind}"), format!("{seen:?}"))),
    }
}

pub(super) fn order_is(order: &str) -> impl Fn(&Value) -> bool + '_ {
    move |event| event["order"]["id"].as_str() == Some(order)
}

pub(super) async fn happy(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    basket(walk, setting).await?;
    let group = check_out_both(walk, setting).await?;
    let orders = group["orders"].as_array().cloned().unwrap_or_default();
    let of = |store: &str| {
        orders.iter().find(|o| o["store"]["id"].as_str() == Some(store)).cloned().unwrap_or_default()
    };
    let (cake, oil) = (of(&setting.bakery.id), of(&setting.grocer.id));

    let code = prepare(walk, setting, &id_of(&cake)).await?;
    let second = first_declines(walk, setting, &id_of(&cake)).await?;
    let delivery = deliver(walk, setting, &cake, &code, second).await?;
    settled(walk, setting, &cake, &delivery).await?;
    rejected(walk, setting, &id_of(&oil)).await?;
    review(walk, setting, &id_of(&cake)).await
}

async fn basket(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let customer = &setting.customer;
    walk.step("too few toppings are refused", async {
        let input = json!({ "variantId": setting.cake[1], "quantity": 1, "modifierIds": [] });
        let outcome = customer.mutate("cartLineAdd", "cart { id }", input).await;
        Ok(((), refused(outcome, "TOO_FEW_MODIFIERS")?))
    })
    .await?;
    walk.step("a cart across two stores", async {
        add_to_cart(customer, &setting.cake[1], 2, &setting.toppings[..2]).await?;
        add_to_cart(customer, &setting.oil, 9, &[]).await?;
        let cart = cart(customer).await?;
        let problems = cart["problems"].as_array().cloned().unwrap_or_default();
        let codes: Vec<_> = problems.iter().filter_map(|p| p["code"].as_str()).collect();
        if !codes.contains(&"SOLD_OUT") {
            return Err(Stumble::unexpected("the standing problem SOLD_OUT", &cart));
        }
        Ok((
            (),
            format!(
                "{} stores, standing problem {}",
                cart["stores"].as_array().map_or(0, Vec::len),
                codes.join(", ")
            ),
        ))
    })
    .await?;
    walk.step("fewer bottles mend it", async {
        let now = cart(customer).await?;
        let lines = now["stores"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|s| s["lines"].as_array().into_iter().flatten());
        let oil = lines
            .into_iter()
            .find(|l| l["variant"]["id"].as_str() == Some(&setting.oil))
            .map(id_of)
            .unwrap_or_default();
        customer.mutate("cartLineUpdate", "cart { id }", json!({ "lineId": oil, "quantity": 2 })).await?;
        let cart = cart(customer).await?;
        match cart["problems"].as_array().map(Vec::len) {
            Some(0) => Ok(((), "no problems left".to_owned())),
            _ => Err(Stumble::unexpected("no problems", &cart["problems"])),
        }
    })
    .await
}

async fn cart(customer: &Caller) -> Result<Value, Stumble> {
    let document = "query Cart { cart { id version stores { store { id } lines { id quantity variant { id } total { formatted } } } problems { code message } } }";
    Ok(customer.query(document, json!({})).await?["cart"].take())
}

async fn check_out_both(walk: &mut Walk, setting: &Setting) -> Result<Value, Stumble> {
    let (ops, customer) = (walk.ops.clone(), setting.customer.clone());
    let coupon = format!("AHLAN{}", walk.run);
    let code = coupon.clone();
    walk.step("ops make a coupon: ten percent, once per customer", async {
        let input = json!({
            "code": code, "kind": "PERCENT", "value": "1000", "validTo": "2099-01-01T00:00:00Z", "limitTotal": 100, "limitPerCustomer": 1,
            "bearer": "PLATFORM", "currency": "SYP",
        });
        ops.mutate("couponCreate", "coupon { id }", input).await?;
        Ok(((), code))
    })
    .await?;
    let key = format!("walk-{}-1", walk.run);
    let checkout = Checkout {
        address: Some(&setting.address),
        method: "CASH",
        card_token: None,
        coupon: Some(&coupon),
        courier_tip_minor: 50_000,
        key: &key,
    };
    let (quote, group) = walk
        .step("quote, then checkout into one group and two orders", async {
            let (quote, group) = check_out(&customer, checkout).await?;
            let orders = group["orders"].as_array().map_or(0, Vec::len);
            if orders != 2 {
                return Err(Stumble::unexpected("two orders", &group));
            }
            let total = group["total"]["formatted"].as_str().unwrap_or_default().to_owned();
            let found = format!("{} for {total}", group["number"]);
            Ok(((quote, group), found))
        })
        .await?;
    walk.step("each line of the quote says which rule made it", async {
        let mut said = Vec::new();
        let mut sum = 0;
        for line in quote["stores"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|s| s["lines"].as_array().into_iter().flatten())
        {
            sum += minor(&line["amount"]);
            let rule = line["ruleId"].as_str().filter(|r| !r.is_empty());
            let rule = rule.ok_or_else(|| Stumble::unexpected("a rule on every line", line))?;
            said.push(format!(
                "{} {} [{rule}]",
                line["kind"].as_str().unwrap_or_default(),
                line["amount"]["formatted"].as_str().unwrap_or_default()
            ));
        }
        same("sum of the lines", &minor(&quote["total"]).to_string(), &sum.to_string())?;
        Ok(((), said.join("; ")))
    })
    .await?;
    let input = json!({ "quoteId": id_of(&quote), "idempotencyKey": key });
    walk.step("the same key gives the same purchase", async {
        let again = customer.mutate("orderPlace", GROUP, input).await?;
        same("group", &id_of(&group), &id_of(&again["orderGroup"]))?;
        Ok(((), id_of(&group)))
    })
    .await?;
    walk.step("the same key for something else is refused", async {
        let other = json!({ "quoteId": "quo_0123456789abcdef01234567", "idempotencyKey": key });
        let outcome = customer.mutate("orderPlace", "orderGroup { id }", other).await;
        Ok(((), refused(outcome, "IDEMPOTENCY_KEY_REUSED")?))
    })
    .await?;
    Ok(group)
}

async fn prepare(walk: &mut Walk, setting: &Setting, order: &str) -> Result<String, Stumble> {
    let bakery = &setting.bakery;
    let arguments = format!("storeId: \"{}\"", bakery.id);
    let mut queue = follow(bakery.owner.clone(), "storeEvents", arguments, "order { id status }");
    walk.step("the order arrives in the store's live queue", async {
        let event = wait_for(&mut queue, "order.placed", order_is(order)).await?;
        Ok(((), format!("{} #{}", event["kind"], event["sequence"])))
    })
    .await?;
    let owner = &bakery.owner;
    walk.step("accept with minutes, prepare, delay", async {
        let input = json!({ "orderId": order, "prepMinutes": 15 });
        let accepted =
            owner.mutate("orderAccept", "order { status availableActions readyBy }", input).await?;
        let begun = owner.mutate("orderPrepare", "order { version }", json!({ "orderId": order })).await?;
        let version = begun["order"]["version"].as_i64().unwrap_or_default();
        let input = json!({ "orderId": order, "minutes": 5, "expectedVersion": version });
        owner.mutate("orderDelay", "order { readyBy }", input).await?;
        Ok(((), format!("next actions were {}", accepted["order"]["availableActions"])))
    })
    .await?;
    walk.step("another store does not find the order", async {
        let outcome =
            setting.grocer.owner.mutate("orderReady", "order { id }", json!({ "orderId": order })).await;
        Ok(((), refused(outcome, "ORDER_NOT_FOUND")?))
    })
    .await?;
    walk.step("ready; the store has its code for the courier", async {
        let ready =
            owner.mutate("orderReady", "order { status storeCode }", json!({ "orderId": order })).await?;
        let code = ready["order"]["storeCode"].as_str().unwrap_or_default().to_owned();
        same("status", "READY", ready["order"]["status"].as_str().unwrap_or_default())?;
        Ok((code.clone(), format!("code {code}")))
    })
    .await
}

/// Both couriers go online; whoever is asked first declines, the other accepts. Their index and the delivery.
async fn first_declines(walk: &mut Walk, setting: &Setting, order: &str) -> Result<(usize, String), Stumble> {
    let mut feeds = Vec::new();
    for (app, _) in &setting.couriers {
        feeds.push(follow(app.clone(), "courierEvents", String::new(), "offer { id } delivery { id }"));
    }
    walk.step("both couriers go online near the store", async {
        for (n, (app, _)) in setting.couriers.iter().enumerate() {
            let point = Place { lon: setting.shop.lon + 0.002 * (n as f64 + 1.0), lat: setting.shop.lat };
            app.mutate("courierOnline", "courier { id }", json!({ "point": point.input() })).await?;
        }
        Ok(((), "two".to_owned()))
    })
    .await?;
    let [first, second] = &mut feeds[..] else {
        return Err(Stumble::unexpected("two couriers", feeds.len()));
    };
    let any = |_: &Value| true;
    let asked = walk
        .step("one courier is asked, with an expiry", async {
            let (n, event) = tokio::select! {
                event = wait_for(first, "offer.made", any) => (0, event?),
                event = wait_for(second, "offer.made", any) => (1, event?),
            };
            let offer = id_of(&event["offer"]);
            Ok(((n, offer.clone()), format!("courier {}: {offer}", n + 1)))
        })
        .await?;
    walk.step("that one declines", async {
        let (app, _) = &setting.couriers[asked.0];
        app.mutate("offerDecline", "offer { status }", json!({ "offerId": asked.1, "reason": "TOO_FAR" }))
            .await?;
        Ok(((), "TOO_FAR".to_owned()))
    })
    .await?;
    let other = 1 - asked.0;
    walk.step("the other is asked and accepts", async {
        let event = wait_for(&mut feeds[other], "offer.made", any).await?;
        let (app, _) = &setting.couriers[other];
        let selection = "delivery { id status orders { id } }";
        let input = json!({ "offerId": id_of(&event["offer"]) });
        let accepted = app.mutate("offerAccept", selection, input).await?;
        same("order", order, accepted["delivery"]["orders"][0]["id"].as_str().unwrap_or_default())?;
        let delivery = id_of(&accepted["delivery"]);
        Ok(((other, delivery.clone()), delivery))
    })
    .await
}

async fn deliver(
    walk: &mut Walk,
    setting: &Setting,
    order: &Value,
    code: &str,
    (courier, delivery): (usize, String),
) -> Result<String, Stumble> {
    let (app, _) = &setting.couriers[courier];
    let customer = &setting.customer;
    let step = |name: &'static str, input: Value| async move {
        app.mutate(name, "delivery { id status }", input)
            .await
            .map(|p| p["delivery"]["status"].as_str().unwrap_or_default().to_owned())
    };
    walk.step("depart, arrive at the store", async {
        step("deliveryDepart", json!({ "deliveryId": delivery })).await?;
        let status =
            step("deliveryArrive", json!({ "deliveryId": delivery, "point": setting.shop.input() })).await?;
        same("status", "AT_PICKUP", &status)?;
        Ok(((), status))
    })
    .await?;
    walk.step("a wrong store code is refused", async {
        let wrong = if code == "0000" { "0001" } else { "0000" };
        let input = json!({ "deliveryId": delivery, "storeCode": wrong });
        let outcome = app.mutate("deliveryPickUp", "delivery { id }", input).await;
        Ok(((), refused(outcome, "WRONG_STORE_CODE")?))
    })
    .await?;
    walk.step("picked up with the store's code", async {
        let status = step("deliveryPickUp", json!({ "deliveryId": delivery, "storeCode": code })).await?;
        Ok(((), status))
    })
    .await?;
    let mut live = follow(customer.clone(), "customerEvents", String::new(), CUSTOMER_EVENT);
    walk.step("on the way, the customer sees the courier move", async {
        step("deliveryDepart", json!({ "deliveryId": delivery })).await?;
        let half = setting.shop.towards(setting.home, 0.5);
        app.mutate("courierMove", "courier { id }", json!({ "point": half.input() })).await?;
        wait_for(&mut live, "delivery.en_route_to_dropoff", |e| {
            e["delivery"]["id"].as_str() == Some(&delivery)
        })
        .await?;
        let document =
            "query Track($id: ID!) { delivery(id: $id) { status courierPosition { point { lon lat } at } } }";
        let data = customer.query(document, json!({ "id": delivery })).await?;
        let position = &data["delivery"]["courierPosition"];
        if position.is_null() {
            return Err(Stumble::unexpected("a live position", data));
        }
        Ok(((), position.to_string()))
    })
    .await?;
    walk.step("at the door; a wrong PIN is refused", async {
        step("deliveryArrive", json!({ "deliveryId": delivery, "point": setting.home.input() })).await?;
        let pin = order["dropoffPin"].as_str().unwrap_or_default();
        let wrong = if pin == "0000" { "0001" } else { "0000" };
        let input = json!({ "deliveryId": delivery, "pin": wrong });
        let outcome = app.mutate("deliveryComplete", "delivery { id }", input).await;
        Ok(((), refused(outcome, "WRONG_PIN")?))
    })
    .await?;
    walk.step("dropped off with the customer's PIN, cash taken", async {
        let input = json!({
            "deliveryId": delivery, "pin": order["dropoffPin"],
            "cashCollectedMinor": minor(&order["money"]["total"]).to_string(),
        });
        let status = step("deliveryComplete", input).await?;
        wait_for(&mut live, "order.completed", order_is(&id_of(order))).await?;
        Ok(((), status))
    })
    .await?;
    Ok(delivery)
}

async fn settled(walk: &mut Walk, setting: &Setting, order: &Value, delivery: &str) -> Result<(), Stumble> {
    walk.step("the books: store earnings and commission of the order", async {
        let document = "query Earned($id: ID!) { storeEarnings(storeId: $id, first: 5) { edges { node { orderId amount { formatted } status } } } commissions(storeId: $id, first: 5) { edges { node { amount { formatted } } } } }";
        let data = until(|| async {
            let data = setting.bakery.owner.query(document, json!({ "id": setting.bakery.id })).await?;
            let there = data["storeEarnings"]["edges"].as_array().is_some_and(|e| !e.is_empty());
            Ok(there.then_some(data))
        })
        .await?;
        let earned = &data["storeEarnings"]["edges"][0]["node"]["amount"]["formatted"];
        let commission = &data["commissions"]["edges"][0]["node"]["amount"]["formatted"];
        Ok(((), format!("earned {earned}, commission {commission}")))
    })
    .await?;
    let (ops, app) =
        (walk.ops.clone(), setting.couriers.iter().map(|(app, _)| app.clone()).collect::<Vec<_>>());
    walk.step("the courier owes the cash; finance settle it", async {
        for app in &app {
            let me = app
                .query(
                    "query Float { myCourier { id cashFloat { amountMinor currency formatted } } }",
                    json!({}),
                )
                .await?;
            let owed = minor(&me["myCourier"]["cashFloat"]);
            if owed > 0 {
                let input = json!({
                    "courierId": id_of(&me["myCourier"]), "amountMinor": owed.to_string(),
                    "idempotencyKey": format!("settle-{delivery}"),
                });
                ops.mutate("cashSettle", "cashFloat { owed { amountMinor } }", input).await?;
                return Ok(((), me["myCourier"]["cashFloat"]["formatted"].to_string()));
            }
        }
        Err(Stumble::unexpected("a cash float", id_of(order)))
    })
    .await?;
    walk.step("the customer was told at each step", async {
        let document = "query Told { unreadNotificationCount myNotifications(first: 50) { edges { node { title { en } } } } }";
        let data = setting.customer.query(document, json!({})).await?;
        let count = data["myNotifications"]["edges"].as_array().map_or(0, Vec::len);
        if count < 4 {
            return Err(Stumble::unexpected("at least four notifications", data));
        }
        Ok(((), format!("{count} notifications")))
    })
    .await
}

async fn rejected(walk: &mut Walk, setting: &Setting, order: &str) -> Result<(), Stumble> {
    walk.step("the other store rejects its order; its stock comes back, the first order stays", async {
        let owner = &setting.grocer.owner;
        let input = json!({ "orderId": order, "reason": "OUT_OF_STOCK" });
        let rejected = owner.mutate("orderReject", "order { status }", input).await?;
        same("status", "REJECTED", rejected["order"]["status"].as_str().unwrap_or_default())?;
        let on_hand = until(|| async {
            let document = "query Stock($id: ID!) { store(id: $id) { products(first: 5) { edges { node { variants { stock { onHand reserved sold } } } } } } }";
            let data = owner.query(document, json!({ "id": setting.grocer.id })).await?;
            let stock = &data["store"]["products"]["edges"][0]["node"]["variants"][0]["stock"];
            Ok((stock["onHand"].as_i64() == Some(5)).then(|| stock.to_string()))
        })
        .await?;
        Ok(((), on_hand))
    })
    .await
}

async fn review(walk: &mut Walk, setting: &Setting, order: &str) -> Result<(), Stumble> {
    let customer = &setting.customer;
    walk.step("a review, once per order", async {
        let input =
            json!({ "orderId": order, "storeStars": 5, "courierStars": 4, "comment": "وصلت ساخنة، شكراً" });
        customer.mutate("reviewCreate", "review { id }", input.clone()).await?;
        let again = customer.mutate("reviewCreate", "review { id }", input).await;
        Ok(((), format!("again: {}", refused(again, "ALREADY_REVIEWED")?)))
    })
    .await
}

/// Asks until there is an answer: for what a reaction does a moment after the request.
pub(super) async fn until<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Stumble>
where
    F: Future<Output = Result<Option<T>, crate::client::CallError>>,
{
    let deadline = tokio::time::Instant::now() + EVENT_WITHIN;
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Stumble::unexpected("an effect within seconds", "nothing"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
