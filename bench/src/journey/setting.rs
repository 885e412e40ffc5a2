//! The people, stores and menus that the rest of the journey needs.

use serde_json::{Value, json};

use super::{Stumble, Walk, refused, same};
use crate::actors::{OpenStore, Place, StorePlan, hire_courier, id_of, open_store, welcome_customer};
use crate::client::Caller;

/// Well away from the demo city, so that a walk sees its own stores and couriers only.
const AROUND: Place = Place { lon: 36.60, lat: 32.20 };

/// Who and what there is.
#[derive(Debug)]
pub(crate) struct Setting {
    pub bakery: OpenStore,
    pub grocer: OpenStore,
    /// A cake with sizes and toppings: variant ids, topping ids.
    pub cake: Vec<String>,
    pub toppings: Vec<String>,
    /// A grocery of which five are left.
    pub oil: String,
    pub customer: Caller,
    pub customer_phone: String,
    pub address: String,
    pub couriers: Vec<(Caller, String)>,
    pub home: Place,
    pub shop: Place,
}

pub(super) async fn prepare(walk: &mut Walk) -> Result<Setting, Stumble> {
    // Each walk has its own corner of the map.
    let shift = f64::from(walk.run % 40) * 0.02;
    let shop = Place { lon: AROUND.lon + shift, lat: AROUND.lat };
    let home = Place { lon: shop.lon + 0.006, lat: shop.lat + 0.004 };

    let (customer, customer_phone, address) = people(walk, home).await?;
    let (bakery, grocer) = stores(walk, shop).await?;
    staff(walk, &bakery).await?;
    let (cake, toppings, oil) = menus(walk, &bakery, &grocer).await?;
    find(walk, &customer, home, &bakery).await?;
    let couriers = couriers(walk).await?;
    Ok(Setting {
        bakery,
        grocer,
        cake,
        toppings,
        oil,
        customer,
        customer_phone,
        address,
        couriers,
        home,
        shop,
    })
}

async fn people(walk: &mut Walk, home: Place) -> Result<(Caller, String, String), Stumble> {
    let phone = walk.phone(1);
    let (api, codes) = (walk.api.clone(), walk.codes.clone());
    let at = phone.clone();
    walk.step("a wrong one-time code is refused", async {
        let stranger = api.anonymous();
        stranger.mutate("codeRequest", "expiresAt", json!({ "phone": at })).await?;
        let input = json!({ "phone": at, "code": "000000", "name": "Nobody" });
        // One in a million codes is 000000; then this step fails rightly.
        let outcome = stranger.mutate("sessionStart", "session { accessToken }", input).await;
        Ok(((), refused(outcome, "CODE_INVALID")?))
    })
    .await?;
    let at = phone.clone();
    let (customer, address) = walk
        .step("a customer signs up by phone and saves an address", async {
            let (customer, address) = welcome_customer(&api, &codes, &at, "Rama", home).await?;
            Ok(((customer, address.clone()), address))
        })
        .await?;
    let app = customer.clone();
    walk.step("the refresh token rotates; a stolen old one ends the session's family", async {
        let thief_token = app.refresh_token();
        app.refresh().await?;
        app.refresh().await?;
        let me = app.query("query Me { me { id phone } }", json!({})).await?;
        let input = json!({ "refreshToken": thief_token });
        let thief = app.api.anonymous();
        let outcome = thief.mutate("sessionRefresh", "session { accessToken }", input).await;
        let found = match outcome {
            Err(e) => e.code(),
            Ok(_) => return Err(Stumble::unexpected("a refusal", "a fresh token")),
        };
        Ok(((), format!("{} stays herself, the thief gets {found}", me["me"]["id"])))
    })
    .await?;
    let (app, codes, at) = (customer.clone(), walk.codes.clone(), phone.clone());
    walk.step("the customer signs in again", async {
        let id = app.sign_in(&at, "Rama", &codes).await?;
        Ok(((), id))
    })
    .await?;
    Ok((customer, phone, address))
}

async fn stores(walk: &mut Walk, shop: Place) -> Result<(OpenStore, OpenStore), Stumble> {
    let mut open = Vec::new();
    for (n, (ar, en)) in
        [("مخبز الشام", "Sham Bakery"), ("بقالة الحوراني", "Hourani Grocery")].iter().enumerate()
    {
        let (api, codes, ops) = (walk.api.clone(), walk.codes.clone(), walk.ops.clone());
        let plan = StorePlan {
            name_ar: (*ar).to_owned(),
            name_en: (*en).to_owned(),
            place: Place { lon: shop.lon, lat: shop.lat + 0.001 * n as f64 },
            reach_degrees: 0.009,
            owner_phone: walk.phone(10 + n as u32),
        };
        open.push(
            walk.step(&format!("{en} is onboarded: hours, area, submitted, approved by ops"), async {
                let store = open_store(&api, &codes, &ops, &plan).await?;
                let id = store.id.clone();
                Ok((store, id))
            })
            .await?,
        );
    }
    match <[OpenStore; 2]>::try_from(open) {
        Ok([bakery, grocer]) => Ok((bakery, grocer)),
        Err(open) => Err(Stumble::unexpected("two stores", open.len())),
    }
}

async fn staff(walk: &mut Walk, bakery: &OpenStore) -> Result<(), Stumble> {
    let phone = walk.phone(20);
    let (api, codes) = (walk.api.clone(), walk.codes.clone());
    walk.step("the owner invites staff; the invited person accepts and sees the queue", async {
        let input = json!({ "storeId": bakery.id, "phone": phone, "role": "STAFF" });
        let invited = bakery.owner.mutate("storeStaffInvite", "invitation { id }", input).await?;
        let baker = api.anonymous();
        baker.sign_in(&phone, "Baker", &codes).await?;
        let input = json!({ "invitationId": id_of(&invited["invitation"]) });
        baker.mutate("storeInvitationAccept", "invitation { id }", input).await?;
        baker.refresh().await?;
        let document =
            "query Queue($id: ID!) { storeOrders(storeId: $id, first: 5) { edges { node { id } } } }";
        baker.query(document, json!({ "id": bakery.id })).await?;
        Ok(((), format!("{phone} works at the bakery")))
    })
    .await
}

async fn menus(
    walk: &mut Walk,
    bakery: &OpenStore,
    grocer: &OpenStore,
) -> Result<(Vec<String>, Vec<String>, String), Stumble> {
    let (cake, toppings) = walk
        .step("the bakery sells a cake in two sizes with toppings (1 to 2 of 3)", async {
            let text = |ar: &str, en: &str| json!({ "ar": ar, "en": en });
            let variant = |name: Value, price: &str| {
                json!({ "name": name, "priceMinor": price, "stockTracked": true, "stockOnHand": 50 })
            };
            let topping = |ar: &str, en: &str, price: &str| json!({ "name": text(ar, en), "priceMinor": price });
            let input = json!({
                "storeId": bakery.id, "name": text("كعكة بالشوكولا", "Chocolate cake"),
                "description": text("طازجة كل صباح", "Fresh every morning"),
                "variants": [variant(text("صغيرة", "Small"), "1500000"), variant(text("كبيرة", "Large"), "2500000")],
                "modifierGroups": [{ "name": text("الإضافات", "Toppings"), "min": 1, "max": 2, "modifiers": [
                    topping("مكسرات", "Nuts", "200000"), topping("كريمة", "Cream", "100000"),
                    topping("فواكه", "Fruit", "300000"),
                ] }],
            });
            let selection = "product { id variants { id } modifierGroups { modifiers { id } } }";
            let product = bakery.owner.mutate("productCreate", selection, input).await?["product"].take();
            let publish = json!({ "productId": id_of(&product) });
            bakery.owner.mutate("productPublish", "product { id }", publish).await?;
            let ids = |rows: &Value| rows.as_array().map(|r| r.iter().map(id_of).collect()).unwrap_or_default();
            let cake: Vec<String> = ids(&product["variants"]);
            let toppings: Vec<String> = ids(&product["modifierGroups"][0]["modifiers"]);
            let found = format!("{} sizes, {} toppings", cake.len(), toppings.len());
            Ok(((cake, toppings), found))
        })
        .await?;
    let oil = walk
        .step("the grocer sells olive oil, five bottles on hand", async {
            let name = ("زيت زيتون إدلبي", "Olive oil");
            let oil = crate::actors::add_product(&grocer.owner, &grocer.id, name, 4_000_000, 5).await?;
            Ok((oil.clone(), oil))
        })
        .await?;
    Ok((cake, toppings, oil))
}

async fn find(walk: &mut Walk, customer: &Caller, home: Place, bakery: &OpenStore) -> Result<(), Stumble> {
    walk.step("open now, delivers to me, nearest first", async {
        let document = "query Near($near: PointInput!) { stores(near: $near, openNow: true, sort: DISTANCE, first: 10) { edges { node { id name { en } } distanceM open } } }";
        let data = customer.query(document, json!({ "near": home.input() })).await?;
        let edges = data["stores"]["edges"].as_array().cloned().unwrap_or_default();
        let distances: Vec<i64> = edges.iter().filter_map(|e| e["distanceM"].as_i64()).collect();
        if !distances.is_sorted() || !edges.iter().any(|e| e["node"]["id"].as_str() == Some(&bakery.id)) {
            return Err(Stumble::unexpected("the bakery, nearest first", data));
        }
        let names: Vec<_> = edges.iter().filter_map(|e| e["node"]["name"]["en"].as_str()).collect();
        Ok(((), format!("{} at {distances:?} m", names.join(", "))))
    })
    .await?;
    for text in ["كعكه بالشوكولا", "CHOCO"] {
        walk.step(&format!("search \"{text}\""), async {
            let document = "query Search($text: String!, $near: PointInput!) { search(text: $text, near: $near, first: 10) { products { id store { id } name { ar en } } stores { id } } }";
            let data = customer.query(document, json!({ "text": text, "near": home.input() })).await?;
            let products = data["search"]["products"].as_array().cloned().unwrap_or_default();
            let hit = products.iter().find(|p| p["store"]["id"].as_str() == Some(&bakery.id));
            let hit = hit.ok_or_else(|| Stumble::unexpected("the cake", &data))?;
            Ok(((), hit["name"]["ar"].as_str().unwrap_or_default().to_owned()))
        })
        .await?;
    }
    Ok(())
}

async fn couriers(walk: &mut Walk) -> Result<Vec<(Caller, String)>, Stumble> {
    let mut hired = Vec::new();
    for n in 0..2_u32 {
        let (api, codes, ops, phone) =
            (walk.api.clone(), walk.codes.clone(), walk.ops.clone(), walk.phone(30 + n));
        let name = format!("Courier {}", n + 1);
        let courier = walk
            .step(&format!("{name} applies and ops approve"), async {
                let (app, id) = hire_courier(&api, &codes, &ops, &phone, &name).await?;
                let found = id.clone();
                Ok(((app, id), found))
            })
            .await?;
        hired.push(courier);
    }
    let (customer_side, _) = &hired[0];
    let app = customer_side.clone();
    walk.step("a courier may not approve couriers", async {
        let outcome = app
            .mutate(
                "courierApprove",
                "courier { id }",
                json!({ "courierId": "cou_000000000000000000000000" }),
            )
            .await;
        let found = refused(outcome, "FORBIDDEN")?;
        same("code", "FORBIDDEN", &found)?;
        Ok(((), found))
    })
    .await?;
    Ok(hired)
}
