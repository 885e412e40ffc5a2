//! What each kind of person does with the API, as their app would do it.

use serde_json::{Value, json};

use crate::client::{Api, CallError, Caller};
use crate::otp::Codes;

/// A place on the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Longitude, degrees.
    pub lon: f64,
    /// Latitude, degrees.
    pub lat: f64,
}

impl Place {
    /// As an input.
    #[must_use]
    pub fn input(self) -> Value {
        json!({ "lon": self.lon, "lat": self.lat })
    }

    /// The point a share of the way to another.
    #[must_use]
    pub fn towards(self, to: Self, share: f64) -> Self {
        Self { lon: self.lon + (to.lon - self.lon) * share, lat: self.lat + (to.lat - self.lat) * share }
    }
}

/// The id in `value[object]["id"]`.
#[must_use]
pub fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap_or_default().to_owned()
}

/// An amount in minor units, whichever way the scalar is written.
#[must_use]
pub fn minor(money: &Value) -> i64 {
    let amount = &money["amountMinor"];
    amount.as_i64().or_else(|| amount.as_str().and_then(|s| s.parse().ok())).unwrap_or_default()
}

/// A store to be opened.
#[derive(Debug, Clone)]
pub struct StorePlan {
    /// Arabic name.
    pub name_ar: String,
    /// English name.
    pub name_en: String,
    /// Where it is.
    pub place: Place,
    /// Half the side of its square service area, degrees.
    pub reach_degrees: f64,
    /// The owner's phone.
    pub owner_phone: String,
}

/// A store that is open.
#[derive(Debug, Clone)]
pub struct OpenStore {
    /// Its id.
    pub id: String,
    /// Its owner's app.
    pub owner: Caller,
}

/// Takes a store from sign-up to active: profile, hours around the clock, area, submission, approval.
///
/// # Errors
/// Any refusal.
pub async fn open_store(
    api: &Api,
    codes: &Codes,
    ops: &Caller,
    plan: &StorePlan,
) -> Result<OpenStore, CallError> {
    let owner = api.anonymous();
    owner.sign_in(&plan.owner_phone, &plan.name_en, codes).await?;
    let categories = owner.query("query Categories { storeCategories { id } }", json!({})).await?;
    let category = id_of(&categories["storeCategories"][0]);
    let input = json!({
        "name": { "ar": plan.name_ar, "en": plan.name_en }, "categoryId": category, "point": plan.place.input(),
        "timeZone": "Asia/Damascus", "phone": plan.owner_phone, "currency": "SYP",
    });
    let store = id_of(&owner.mutate("storeCreate", "store { id }", input).await?["store"]);
    // The owner's membership is new: a token made before it may not know it.
    owner.refresh().await?;
    let hours: Vec<Value> = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
        .iter()
        .map(|day| json!({ "weekday": day, "opens": "00:00", "closes": "24:00" }))
        .collect();
    owner.mutate("storeHoursSet", "store { id }", json!({ "storeId": store, "hours": hours })).await?;
    let ring = square(plan.place, plan.reach_degrees);
    let area = json!({ "storeId": store, "polygons": [[ring]] });
    owner.mutate("storeServiceAreaSet", "store { id }", area).await?;
    owner.mutate("storeSubmit", "store { status }", json!({ "storeId": store })).await?;
    ops.mutate("storeApprove", "store { status }", json!({ "storeId": store })).await?;
    Ok(OpenStore { id: store, owner })
}

/// A closed square ring around a point.
#[must_use]
pub fn square(middle: Place, half_side: f64) -> Vec<Value> {
    [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)]
        .iter()
        .map(|(x, y)| Place { lon: middle.lon + x * half_side, lat: middle.lat + y * half_side }.input())
        .collect()
}

/// Puts a product with one variant on the menu; its variant id.
///
/// # Errors
/// Any refusal.
pub async fn add_product(
    owner: &Caller,
    store: &str,
    name: (&str, &str),
    price_minor: i64,
    stock: i64,
) -> Result<String, CallError> {
    let input = json!({
        "storeId": store,
        "name": { "ar": name.0, "en": name.1 },
        "description": { "ar": "", "en": "" },
        "variants": [{
            "name": { "ar": "عادي", "en": "Regular" }, "priceMinor": price_minor.to_string(),
            "stockTracked": true, "stockOnHand": stock,
        }],
        "modifierGroups": [],
    });
    let product = owner.mutate("productCreate", "product { id variants { id } }", input).await?;
    owner
        .mutate("productPublish", "product { id }", json!({ "productId": id_of(&product["product"]) }))
        .await?;
    Ok(id_of(&product["product"]["variants"][0]))
}

/// Signs a courier up and has ops approve them; the courier's id.
///
/// # Errors
/// Any refusal.
pub async fn hire_courier(
    api: &Api,
    codes: &Codes,
    ops: &Caller,
    phone: &str,
    name: &str,
) -> Result<(Caller, String), CallError> {
    let courier = api.anonymous();
    courier.sign_in(phone, name, codes).await?;
    let applied =
        courier.mutate("courierApply", "courier { id }", json!({ "vehicle": "MOTORCYCLE" })).await?;
    let id = id_of(&applied["courier"]);
    ops.mutate("courierApprove", "courier { id }", json!({ "courierId": id })).await?;
    courier.refresh().await?;
    Ok((courier, id))
}

/// Signs a customer up with one address; the address id.
///
/// # Errors
/// Any refusal.
pub async fn welcome_customer(
    api: &Api,
    codes: &Codes,
    phone: &str,
    name: &str,
    home: Place,
) -> Result<(Caller, String), CallError> {
    let customer = api.anonymous();
    customer.sign_in(phone, name, codes).await?;
    let input = json!({ "label": "home", "point": home.input(), "notes": "" });
    let made = customer.mutate("addressCreate", "address { id }", input).await?;
    Ok((customer, id_of(&made["address"])))
}

/// Puts a variant into the cart.
///
/// # Errors
/// Any refusal.
pub async fn add_to_cart(
    customer: &Caller,
    variant: &str,
    quantity: i64,
    modifiers: &[String],
) -> Result<Value, CallError> {
    let input = json!({ "variantId": variant, "quantity": quantity, "modifierIds": modifiers });
    customer.mutate("cartLineAdd", "cart { id version }", input).await
}

/// A checkout: how it is paid, tipped and discounted.
#[derive(Debug, Clone, Copy)]
pub struct Checkout<'a> {
    /// Where to; `None` for takeaway.
    pub address: Option<&'a str>,
    /// `CASH`, `WALLET` or `CARD`.
    pub method: &'a str,
    /// For cards.
    pub card_token: Option<&'a str>,
    /// A coupon code.
    pub coupon: Option<&'a str>,
    /// The tip for the courier, minor units.
    pub courier_tip_minor: i64,
    /// The idempotency key.
    pub key: &'a str,
}

/// What a placed purchase is asked for.
pub const GROUP: &str = "orderGroup { id number status total { amountMinor formatted } \
    orders { id number status dropoffPin store { id } money { total { amountMinor } } } payment { id status } }";

/// Quotes the cart and places the order; the quote and the group.
///
/// # Errors
/// Any refusal.
pub async fn check_out(customer: &Caller, checkout: Checkout<'_>) -> Result<(Value, Value), CallError> {
    let quote = customer
        .mutate(
            "quoteCreate",
            "quote { id expiresAt total { amountMinor formatted } stores { lines { kind label amount { amountMinor formatted } ruleId inputs { name value } } } problems { code message } }",
            json!({
                "addressId": checkout.address, "fulfillment": if checkout.address.is_some() { "DELIVERY" } else { "PICKUP" }, "paymentMethod": checkout.method,
                "couponCode": checkout.coupon, "courierTipMinor": checkout.courier_tip_minor.to_string(),
            }),
        )
        .await?["quote"]
        .take();
    let input = json!({
        "quoteId": id_of(&quote), "cardToken": checkout.card_token, "idempotencyKey": checkout.key,
    });
    let mut placed = customer.mutate("orderPlace", GROUP, input).await?;
    Ok((quote, placed["orderGroup"].take()))
}
