//! Quotes: explained line by line, valid for a stated time, refused for stated reasons.

use std::time::Duration;

use daraa_domain::ledger::PaymentMethod;
use daraa_domain::pricing::{
    self, CreateQuote, FulfillmentMethod, PricingError, PricingErrorCode as Code, Quote, Recheck,
};
use daraa_domain::store;
use daraa_tests::{Buyer, World};
use serde_json::json;

fn wish(buyer: &Buyer) -> CreateQuote {
    CreateQuote {
        address_id: Some(buyer.home),
        fulfillment: FulfillmentMethod::Delivery,
        payment_method: PaymentMethod::Cash,
        coupon_code: None,
        courier_tip_minor: 0,
        store_tip_minor: 0,
    }
}

async fn refused(world: &World, buyer: &Buyer, command: CreateQuote) -> Code {
    pricing::create(&world.app, &buyer.actor, command).await.unwrap_err().user_code().unwrap()
}

#[tokio::test]
async fn every_amount_says_which_rule_made_it() {
    let world = World::new().await;
    let (first, second) = (world.open_store().await, world.open_store().await);
    let buyer = world.buyer().await;
    world.fill(&buyer, &[(first.variants[0], 2), (second.variants[1], 3)]).await;
    let input = json!({
        "addressId": buyer.home.to_string(), "fulfillment": "DELIVERY", "paymentMethod": "CASH",
        "courierTipMinor": "1001", "storeTipMinor": 0,
    });
    let selection = "quote { id expiresAt total { amountMinor } problems { code } stores { total { amountMinor } \
        lines { kind label amount { amountMinor } ruleId counts inputs { name value } } } }";
    let made = world.mutate(&buyer.who.token, "quoteCreate", selection, input).await;
    let quote = &made["quote"];
    assert_eq!(quote["problems"], json!([]));
    let stores = quote["stores"].as_array().unwrap();
    let mut total = 0;
    for store in stores {
        let lines = store["lines"].as_array().unwrap();
        let counted = lines.iter().filter(|l| l["counts"] == true);
        let sum: i64 = counted.map(|l| l["amount"]["amountMinor"].as_i64().unwrap()).sum();
        assert_eq!(sum, store["total"]["amountMinor"].as_i64().unwrap());
        assert!(lines.iter().all(|l| l["ruleId"].as_str().is_some_and(|rule| !rule.is_empty())));
        total += sum;
    }
    assert_eq!(total, quote["total"]["amountMinor"].as_i64().unwrap());
    let kinds: Vec<_> =
        stores[0]["lines"].as_array().unwrap().iter().map(|l| l["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ITEM", "DELIVERY_BASE", "CASH_FEE", "COURIER_TIP"]);
    let tips: Vec<_> =
        stores.iter().map(|s| s["lines"][3]["amount"]["amountMinor"].as_i64().unwrap()).collect();
    assert_eq!(tips, [501, 500]);
    let document = "query($id: ID!) { quote(id: $id) { total { amountMinor } } }";
    let seen = world.gql(&buyer.who.token, document, json!({ "id": quote["id"] })).await;
    assert_eq!(seen["quote"]["total"], quote["total"]);
    let stranger = world.customer().await;
    let foreign = world.gql(&stranger.token, document, json!({ "id": quote["id"] })).await;
    assert!(foreign["quote"].is_null());
}

#[tokio::test]
async fn a_quote_is_refused_for_stated_reasons() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let (buyer, stranger) = (world.buyer().await, world.buyer().await);
    assert_eq!(refused(&world, &buyer, wish(&buyer)).await, Code::CartEmpty);
    world.fill(&buyer, &[(shop.variants[0], 1)]).await;
    let no_address = CreateQuote { address_id: None, ..wish(&buyer) };
    assert_eq!(refused(&world, &buyer, no_address).await, Code::AddressRequired);
    let foreign = CreateQuote { address_id: Some(stranger.home), ..wish(&buyer) };
    assert_eq!(refused(&world, &buyer, foreign).await, Code::AddressNotFound);
    for tip in [-1, i64::MAX] {
        assert_eq!(
            refused(&world, &buyer, CreateQuote { courier_tip_minor: tip, ..wish(&buyer) }).await,
            Code::BadTip
        );
    }
    let pickup = CreateQuote { fulfillment: FulfillmentMethod::Pickup, courier_tip_minor: 5, ..wish(&buyer) };
    assert_eq!(refused(&world, &buyer, pickup).await, Code::TipNotApplicable);
    let coupon = CreateQuote { coupon_code: Some("NOBODY".to_owned()), ..wish(&buyer) };
    assert_eq!(refused(&world, &buyer, coupon).await, Code::CouponNotFound);
}

async fn again(world: &World, quote: &Quote) -> Result<Recheck, PricingError> {
    let terms = pricing::terms(&world.app, quote).await?;
    pricing::recheck(&world.app, quote, &terms).await
}

#[tokio::test]
async fn a_quote_is_checked_against_the_world_of_now() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let owner = world.actor(&shop.owner).await;
    let buyer = world.buyer().await;
    world.fill(&buyer, &[(shop.variants[0], 1)]).await;
    let quote = world.quote(&buyer, PaymentMethod::Cash).await;
    assert_eq!(again(&world, &quote).await.unwrap(), Recheck::Holds);
    store::pause(&world.app, &owner, shop.store_id, 30).await.unwrap();
    assert!(matches!(again(&world, &quote).await.unwrap(), Recheck::Problems(_)));
    store::resume(&world.app, &owner, shop.store_id).await.unwrap();
    world.pass(Duration::from_secs(2 * 86_400));
    assert_eq!(pricing::remove_old(&world.app).await.unwrap(), 1);
}
