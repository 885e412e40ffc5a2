//! Stores and couriers of a test's world, set up through the API.

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::ids::{StoreCategoryId, StoreId, VariantId};
use daraa_domain::store::category::{self, CreateCategory};
use daraa_domain::text::LocalText;
use serde_json::{Value, json};

use crate::{Someone, World};

/// The middle of the city of Daraa.
pub const CENTRE: (f64, f64) = (36.10, 32.62);

/// A store that is open around the clock and delivers around the city's centre.
#[derive(Debug, Clone)]
pub struct Shop {
    pub store_id: StoreId,
    pub owner: Someone,
    /// Two products of one variant each, 50 pieces on hand: "وجبة / Meal" at 250.00 SYP, "خبز / Bread" at 10.00 SYP.
    pub variants: Vec<VariantId>,
}

impl World {
    /// A store from sign-up to approval, with two products.
    pub async fn open_store(&self) -> Shop {
        let owner = self.customer().await;
        let ops = self.ops(OpsRole::Operations).await;
        let category = self.store_category().await.to_string();
        let point = json!({ "lon": CENTRE.0, "lat": CENTRE.1 });
        let input = json!({
            "name": { "ar": "مطعم", "en": "Kitchen" }, "categoryId": category, "point": point,
            "timeZone": "Asia/Damascus", "phone": owner.phone, "currency": "SYP",
        });
        let made = self.mutate(&owner.token, "storeCreate", "store { id }", input).await;
        let store = made["store"]["id"].as_str().expect("an id").to_owned();
        let days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
        let hours: Vec<Value> =
            days.iter().map(|day| json!({ "weekday": day, "opens": "00:00", "closes": "24:00" })).collect();
        self.mutate(
            &owner.token,
            "storeHoursSet",
            "store { id }",
            json!({ "storeId": store, "hours": hours }),
        )
        .await;
        let corner = |x: f64, y: f64| json!({ "lon": CENTRE.0 + x, "lat": CENTRE.1 + y });
        let ring =
            [corner(-0.1, -0.1), corner(0.1, -0.1), corner(0.1, 0.1), corner(-0.1, 0.1), corner(-0.1, -0.1)];
        let area = json!({ "storeId": store, "polygons": [[ring]] });
        self.mutate(&owner.token, "storeServiceAreaSet", "store { id }", area).await;
        self.mutate(&owner.token, "storeSubmit", "store { id }", json!({ "storeId": store })).await;
        self.mutate(&ops.token, "storeApprove", "store { id }", json!({ "storeId": store })).await;
        let mut variants = Vec::new();
        for (ar, en, price) in [("وجبة", "Meal", 25_000), ("خبز", "Bread", 1_000)] {
            variants.push(self.product(&owner, &store, (ar, en), price, 50).await);
        }
        Shop { store_id: store.parse().expect("a store id"), owner, variants }
    }

    /// The one category of stores.
    async fn store_category(&self) -> StoreCategoryId {
        if let Some(category) = category::all(&self.app).await.expect("categories").first() {
            return category.id;
        }
        let command = CreateCategory {
            parent_id: None,
            slug: "restaurants".to_owned(),
            name: LocalText::new("مطاعم", "Restaurants"),
            position: 1,
        };
        category::create(&self.app, &Actor::System("test"), command).await.expect("a category").id
    }

    /// A published product with one tracked variant.
    pub async fn product(
        &self,
        owner: &Someone,
        store: &str,
        (ar, en): (&str, &str),
        price_minor: i64,
        on_hand: i64,
    ) -> VariantId {
        let input = json!({
            "storeId": store, "name": { "ar": ar, "en": en }, "description": { "ar": "", "en": "" },
            "variants": [{
                "name": { "ar": "عادي", "en": "Regular" }, "priceMinor": price_minor,
                "stockTracked": true, "stockOnHand": on_hand,
            }],
            "modifierGroups": [],
        });
        let made = self.mutate(&owner.token, "productCreate", "product { id variants { id } }", input).await;
        let product = &made["product"];
        self.mutate(&owner.token, "productPublish", "product { id }", json!({ "productId": product["id"] }))
            .await;
        product["variants"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a variant id")
    }

    /// An approved courier, offline.
    pub async fn courier(&self) -> Someone {
        let courier = self.customer().await;
        let ops = self.ops(OpsRole::Operations).await;
        let applied = self
            .mutate(&courier.token, "courierApply", "courier { id }", json!({ "vehicle": "MOTORCYCLE" }))
            .await;
        let input = json!({ "courierId": applied["courier"]["id"] });
        self.mutate(&ops.token, "courierApprove", "courier { id }", input).await;
        courier
    }

    /// A courier who waits for offers at the city's centre.
    pub async fn courier_online(&self) -> Someone {
        let courier = self.courier().await;
        let point = json!({ "lon": CENTRE.0, "lat": CENTRE.1 });
        self.mutate(&courier.token, "courierOnline", "courier { id }", json!({ "point": point })).await;
        courier
    }

    /// Delivers every event that is due, reactions included.
    pub async fn drain(&self) {
        use daraa_domain::outbox::Fence;
        daraa_domain::reactions::drain(&self.app, Fence::new(1)).await.expect("events are delivered");
    }
}
