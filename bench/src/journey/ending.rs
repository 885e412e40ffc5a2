//! The other ways a purchase ends: rejected, cancelled, declined, timed out, nobody at home, refunded.

use serde_json::{Value, json};

use super::purchase::{order_is, until, wait_for};
use super::{Setting, Stumble, Walk, refused, same};
use crate::actors::{Checkout, add_to_cart, check_out, id_of, minor};
use crate::client::{CallError, Caller};
use crate::feed::follow;

pub(super) async fn all(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    wallet(walk, setting).await?;
    cards(walk, setting).await?;
    store_silent(walk, setting).await?;
    nobody_home(walk, setting).await?;
    refunded(walk, setting).await?;
    afterwards(walk).await
}

/// One bottle of oil, paid as said; the group.
async fn buy(
    walk: &Walk,
    setting: &Setting,
    n: u32,
    method: &str,
    token: Option<&str>,
) -> Result<Value, CallError> {
    let customer = &setting.customer;
    customer.mutate("cartClear", "cart { id }", json!({})).await?;
    add_to_cart(customer, &setting.oil, 1, &[]).await?;
    let key = format!("walk-{}-{n}", walk.run);
    let checkout = Checkout {
        address: Some(&setting.address),
        method,
        card_token: token,
        coupon: None,
        courier_tip_minor: 0,
        key: &key,
    };
    check_out(customer, checkout).await.map(|(_, group)| group)
}

async fn order_status(customer: &Caller, order: &str) -> Result<String, CallError> {
    let data = customer
        .query("query Status($id: ID!) { order(id: $id) { status } }", json!({ "id": order }))
        .await?;
    Ok(data["order"]["status"].as_str().unwrap_or_default().to_owned())
}

async fn until_status(customer: &Caller, order: &str, wanted: &str) -> Result<String, Stumble> {
    until(|| async {
        let status = order_status(customer, order).await?;
        Ok((status == wanted).then_some(status))
    })
    .await
}

async fn available(customer: &Caller) -> Result<i64, CallError> {
    let data = customer.query("query Wallet { myWallet { available { amountMinor } } }", json!({})).await?;
    Ok(minor(&data["myWallet"]["available"]))
}

async fn wallet(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let customer = &setting.customer;
    let (ops, phone) = (walk.ops.clone(), setting.customer_phone.clone());
    let key = format!("walk-{}-credit", walk.run);
    walk.step("finance credit the customer's wallet", async {
        let input = json!({
            "phone": phone, "amountMinor": "6000000", "currency": "SYP", "reason": "welcome", "idempotencyKey": key,
        });
        ops.mutate("walletCredit", "wallet { balance { formatted } }", input).await?;
        Ok(((), available(customer).await?.to_string()))
    })
    .await?;
    let before = available(customer).await?;
    let order = {
        let placed = buy(walk, setting, 2, "WALLET", None).await;
        walk.step("an order paid by wallet holds its amount", async {
            let group = placed?;
            let order = id_of(&group["orders"][0]);
            let after = available(customer).await?;
            same("available", &(before - minor(&group["total"])).to_string(), &after.to_string())?;
            Ok((order, format!("{after} left")))
        })
        .await?
    };
    walk.step("cancelled while placed: previewed, then the whole hold comes back", async {
        let document = "query Preview($id: ID!) { orderCancelPreview(orderId: $id) { allowed fee { amountMinor formatted } refund { amountMinor } } }";
        let preview = customer.query(document, json!({ "id": order })).await?;
        let input = json!({ "orderId": order, "reason": "CHANGED_MIND", "idempotencyKey": format!("cancel-{order}") });
        customer.mutate("orderCancel", "order { status }", input).await?;
        until(|| async { Ok((available(customer).await? == before).then_some(())) }).await?;
        Ok(((), format!("fee {}", preview["orderCancelPreview"]["fee"]["formatted"])))
    })
    .await
}

async fn cards(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let customer = &setting.customer;
    let placed = buy(walk, setting, 3, "CARD", Some("tok_declined")).await;
    walk.step("a declined card: nothing is placed, stock comes back", async {
        let found = match placed {
            Err(e) => e.code(),
            Ok(group) => {
                let order = id_of(&group["orders"][0]);
                until(|| async {
                    let status = order_status(customer, &order).await?;
                    Ok(["CANCELLED", "EXPIRED"].contains(&status.as_str()).then_some(status))
                })
                .await?
            }
        };
        Ok(((), found))
    })
    .await?;
    confirmed_at_bank(walk, setting).await?;
    let placed = buy(walk, setting, 4, "CARD", Some("tok_lost_answer")).await;
    let order = walk
        .step("a card whose answer is lost: asked again by reference, authorised once", async {
            let order = id_of(&placed?["orders"][0]);
            let status = until_status(customer, &order, "PLACED").await?;
            Ok((order, status))
        })
        .await?;
    walk.step("the customer cancels: the reservation on the card is voided", async {
        let input = json!({ "orderId": order, "reason": "CHANGED_MIND", "idempotencyKey": format!("cancel-{order}") });
        customer.mutate("orderCancel", "order { status }", input).await?;
        let document = "query Paid($id: ID!) { order(id: $id) { payment { status } } }";
        let status = until(|| async {
            let data = customer.query(document, json!({ "id": order })).await?;
            let status = data["order"]["payment"]["status"].as_str().unwrap_or_default().to_owned();
            Ok((status == "VOIDED").then_some(status))
        })
        .await?;
        Ok(((), status))
    })
    .await
}

async fn confirmed_at_bank(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let customer = &setting.customer;
    let placed = buy(walk, setting, 8, "CARD", Some("tok_requires_action")).await;
    walk.step("a card that wants its holder's confirmation: confirmed at the bank, told by webhook", async {
        let group = placed?;
        let order = id_of(&group["orders"][0]);
        let document = "query Pay($id: ID!) { order(id: $id) { status payment { id status actionUrl } } }";
        let data = customer.query(document, json!({ "id": order })).await?;
        same("status", "PENDING_PAYMENT", data["order"]["status"].as_str().unwrap_or_default())?;
        let url = data["order"]["payment"]["actionUrl"].as_str().unwrap_or_default();
        // What the bank's page does when its button is pressed.
        let pressed = reqwest::Client::new().post(url).send().await;
        pressed.map_err(|e| CallError::Transport(e.to_string()))?;
        let status = until_status(customer, &order, "PLACED").await?;
        let input = json!({ "orderId": order, "reason": "CHANGED_MIND", "idempotencyKey": format!("cancel-{order}") });
        customer.mutate("orderCancel", "order { status }", input).await?;
        Ok(((), status))
    })
    .await
}

/// Changes settings as an admin; the former values.
async fn set(ops: &Caller, deadlines: Value) -> Result<Value, CallError> {
    let document = "query Settings { settings { version deadlines { storeResponseS noShowWaitS } } }";
    let former = ops.query(document, json!({})).await?["settings"].take();
    let input = json!({ "deadlines": deadlines, "expectedVersion": former["version"] });
    ops.mutate("settingsUpdate", "settings { version }", input).await?;
    Ok(former)
}

async fn store_silent(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let (customer, ops) = (&setting.customer, walk.ops.clone());
    let placed = async {
        let former = set(&ops, json!({ "storeResponseS": 1 })).await?;
        let group = buy(walk, setting, 5, "CASH", None).await;
        set(&ops, json!({ "storeResponseS": former["deadlines"]["storeResponseS"] })).await?;
        group
    }
    .await;
    walk.step("a store that does not answer in time: rejected by the system", async {
        let status = until_status(customer, &id_of(&placed?["orders"][0]), "REJECTED").await?;
        Ok(((), status))
    })
    .await
}

/// Takes an order of the grocer to the customer's door; the courier's app and the delivery.
async fn to_the_door(setting: &Setting, group: &Value) -> Result<(Caller, String), Stumble> {
    let order = id_of(&group["orders"][0]);
    let owner = &setting.grocer.owner;
    let mut feeds: Vec<_> = setting
        .couriers
        .iter()
        .map(|(app, _)| follow(app.clone(), "courierEvents", String::new(), "offer { id deliveryId }"))
        .collect();
    until_status(&setting.customer, &order, "PLACED").await?;
    owner.mutate("orderAccept", "order { id }", json!({ "orderId": order, "prepMinutes": 1 })).await?;
    owner.mutate("orderPrepare", "order { id }", json!({ "orderId": order })).await?;
    let ready = owner.mutate("orderReady", "order { storeCode }", json!({ "orderId": order })).await?;
    let [first, second] = &mut feeds[..] else {
        return Err(Stumble::unexpected("two couriers", feeds.len()));
    };
    let carried = until(|| async {
        let document = "query Carried($id: ID!) { order(id: $id) { delivery { id } } }";
        let data = owner.query(document, json!({ "id": order })).await?;
        Ok(data["order"]["delivery"]["id"].as_str().map(str::to_owned))
    })
    .await?;
    let mine = |e: &Value| e["offer"]["deliveryId"].as_str() == Some(&carried);
    let (n, event) = tokio::select! {
        event = wait_for(first, "offer.made", mine) => (0, event?),
        event = wait_for(second, "offer.made", mine) => (1, event?),
    };
    let app = setting.couriers[n].0.clone();
    let accepted =
        app.mutate("offerAccept", "delivery { id }", json!({ "offerId": id_of(&event["offer"]) })).await?;
    let delivery = id_of(&accepted["delivery"]);
    let shop = setting.shop.input();
    for (name, input) in [
        ("deliveryDepart", json!({ "deliveryId": delivery })),
        ("deliveryArrive", json!({ "deliveryId": delivery, "point": shop })),
        ("deliveryPickUp", json!({ "deliveryId": delivery, "storeCode": ready["order"]["storeCode"] })),
        ("deliveryDepart", json!({ "deliveryId": delivery })),
        ("deliveryArrive", json!({ "deliveryId": delivery, "point": setting.home.input() })),
    ] {
        app.mutate(name, "delivery { id }", input).await?;
    }
    Ok((app, delivery))
}

async fn nobody_home(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let (customer, ops) = (&setting.customer, walk.ops.clone());
    let former = set(&ops, json!({ "noShowWaitS": 1 })).await?;
    let placed = buy(walk, setting, 6, "CASH", None).await?;
    let door = to_the_door(setting, &placed).await;
    let (app, delivery) = walk
        .step("another order goes to the door", async {
            let door = door?;
            let found = door.1.clone();
            Ok((door, found))
        })
        .await?;
    walk.step("nobody opens: undeliverable after the wait, brought back, returned", async {
        until(|| async {
            let input = json!({ "deliveryId": delivery, "reason": "CUSTOMER_NO_SHOW" });
            match app.mutate("deliveryFail", "delivery { status }", input).await {
                Ok(_) => Ok(Some(())),
                Err(e) if e.is("WAIT_NOT_OVER") => Ok(None),
                Err(e) => Err(e),
            }
        })
        .await?;
        app.mutate("deliveryReturn", "delivery { status }", json!({ "deliveryId": delivery })).await?;
        app.mutate("deliveryReturned", "delivery { status }", json!({ "deliveryId": delivery })).await?;
        let status = until_status(customer, &id_of(&placed["orders"][0]), "RETURNED").await?;
        Ok(((), status))
    })
    .await?;
    set(&ops, json!({ "noShowWaitS": former["deadlines"]["noShowWaitS"] })).await?;
    Ok(())
}

async fn refunded(walk: &mut Walk, setting: &Setting) -> Result<(), Stumble> {
    let (customer, ops) = (&setting.customer, walk.ops.clone());
    let placed = buy(walk, setting, 7, "CARD", Some("tok_ok")).await?;
    let order = id_of(&placed["orders"][0]);
    let (app, delivery) = to_the_door(setting, &placed).await?;
    let mut live = follow(customer.clone(), "customerEvents", String::new(), "order { id status }");
    walk.step("an order paid by card is delivered and captured", async {
        let input = json!({ "deliveryId": delivery, "pin": placed["orders"][0]["dropoffPin"] });
        app.mutate("deliveryComplete", "delivery { status }", input).await?;
        wait_for(&mut live, "order.completed", order_is(&order)).await?;
        let document = "query Paid($id: ID!) { order(id: $id) { payment { status } } }";
        let status = until(|| async {
            let data = customer.query(document, json!({ "id": order })).await?;
            let status = data["order"]["payment"]["status"].as_str().unwrap_or_default().to_owned();
            Ok((status == "CAPTURED").then_some(status))
        })
        .await?;
        Ok(((), status))
    })
    .await?;
    walk.step("a part is refunded: asked for, approved by finance, back on the card", async {
        let input = json!({
            "orderId": order, "amountMinor": "500000", "reason": "DAMAGED", "idempotencyKey": format!("refund-{order}"),
        });
        let asked = customer.mutate("refundRequest", "refund { id status }", input).await?;
        let refund = id_of(&asked["refund"]);
        ops.mutate("refundApprove", "refund { id status }", json!({ "refundId": refund, "liability": "STORE" })).await?;
        let document = "query Refund($id: ID!) { order(id: $id) { refunds { id status amount { formatted } } } }";
        let found = until(|| async {
            let data = customer.query(document, json!({ "id": order })).await?;
            let row = &data["order"]["refunds"][0];
            Ok((row["status"].as_str() == Some("SUCCEEDED")).then(|| row["amount"]["formatted"].to_string()))
        })
        .await?;
        Ok(((), found))
    })
    .await?;
    walk.step("more than was paid is refused", async {
        let input = json!({
            "orderId": order, "amountMinor": "900000000", "reason": "DAMAGED",
            "idempotencyKey": format!("refund-more-{order}"),
        });
        let outcome = customer.mutate("refundRequest", "refund { id }", input).await;
        Ok(((), refused(outcome, "REFUND_TOO_LARGE")?))
    })
    .await
}

async fn afterwards(walk: &mut Walk) -> Result<(), Stumble> {
    let ops = walk.ops.clone();
    walk.step("the audit log names every privileged act", async {
        let data = ops
            .query(
                "query Audit { auditLog(first: 20) { edges { node { action subject actor } } } }",
                json!({}),
            )
            .await?;
        let rows = data["auditLog"]["edges"].as_array().cloned().unwrap_or_default();
        let newest = rows.first().map(|row| row["node"]["action"].to_string());
        newest.map(|found| ((), found)).ok_or_else(|| Stumble::unexpected("entries", data))
    })
    .await?;
    walk.step("the books balance, stock adds up, every event is delivered", async {
        let ok = until(|| async {
            let data = ops.query("query Integrity { integrityCheck { id ok detail } }", json!({})).await?;
            let rows = data["integrityCheck"].as_array().cloned().unwrap_or_default();
            let good = !rows.is_empty() && rows.iter().all(|row| row["ok"].as_bool() == Some(true));
            Ok(good.then(|| rows.iter().filter_map(|r| r["id"].as_str()).collect::<Vec<_>>().join(" ")))
        })
        .await?;
        Ok(((), ok))
    })
    .await
}
