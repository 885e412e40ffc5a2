//! Couriers and orders that need one: what tests of deliveries begin with.

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::courier::{self, Apply, Approve, GoOnline, Vehicle};
use daraa_domain::delivery::{self, Delivery};
use daraa_domain::ids::{AccountId, CourierId, OrderId};
use daraa_domain::order::{AddressSnapshot, ItemClaims, Order, OrderDeadlines, OrderMoney, OrderStatus};
use daraa_domain::outbox::{self, EventRow, Fence, NewEvent};
use daraa_domain::payment::{self, NewPayment};
use daraa_domain::place::Point;
use daraa_domain::pricing::{FulfillmentMethod, PaymentMethod};
use daraa_domain::text::LocalText;
use daraa_platform::money::{Currency, Money};
use daraa_platform::transact;
use mongodb::bson::{Document, doc};

use crate::World;
use crate::people::Someone;

/// A courier who takes offers.
#[derive(Debug, Clone)]
pub struct Bringer {
    pub someone: Someone,
    pub actor: Actor,
    pub id: CourierId,
}

/// A point so many metres north and east of the middle of Daraa, about.
#[must_use]
pub fn near(north_m: f64, east_m: f64) -> Point {
    Point::new(36.10 + east_m / 93_700.0, 32.62 + north_m / 111_200.0).expect("a point")
}

impl World {
    /// A new courier, approved and online, with room for one delivery.
    pub async fn bringer(&self, at: Point) -> Bringer {
        self.bringer_with(at, 1).await
    }

    /// A new courier, approved and online, with room for several deliveries.
    pub async fn bringer_with(&self, at: Point, capacity: i64) -> Bringer {
        let app = &self.app;
        let someone = self.customer().await;
        let actor = self.actor(&someone).await;
        let apply = Apply { vehicle: Vehicle::Motorcycle, capacity: Some(capacity) };
        let id = courier::apply(app, &actor, apply).await.expect("an application").id;
        let ops = self.ops(OpsRole::Operations).await;
        let approve = Approve { courier_id: id, cash_limit: None };
        courier::approve(app, &self.actor(&ops).await, approve).await.expect("approved");
        let actor = self.actor(&someone).await;
        let online = GoOnline { point: at, until: None };
        courier::go_online(app, &actor, online).await.expect("online");
        Bringer { someone, actor, id }
    }

    /// An order that a store has accepted (or finished already), written as checkout writes it, with its payment.
    pub async fn order_to_bring(
        &self,
        customer: AccountId,
        status: OrderStatus,
        how: PaymentMethod,
    ) -> Order {
        let app = &self.app;
        let money = |minor| Money::new(minor, Currency::Syp);
        let now = self.now();
        let order = Order {
            id: app.ids.next(),
            number: format!("T-{}", app.ids.next::<OrderId>()),
            group_id: app.ids.next(),
            account_id: customer,
            customer_name: "Somebody".to_owned(),
            store_id: app.ids.next(),
            store_name: LocalText { ar: "متجر".to_owned(), en: "Store".to_owned() },
            store_point: near(0.0, 0.0),
            status,
            version: 3,
            lines: Vec::new(),
            money: OrderMoney {
                items: money(1_000_000),
                discount: money(0),
                discount_bearer: None,
                delivery_fee: money(500_000),
                cash_fee: money(0),
                courier_tip: money(0),
                store_tip: money(0),
                tax: money(0),
                total: money(1_500_000),
            },
            payment_id: app.ids.next(),
            payment_method: how,
            fulfillment: FulfillmentMethod::Delivery,
            address: Some(AddressSnapshot {
                point: near(1_500.0, 0.0),
                label: "home".to_owned(),
                notes: None,
            }),
            distance_m: Some(1_500),
            store_code: "1234".to_owned(),
            dropoff_pin: "9876".to_owned(),
            commission_bps: 1_500,
            courier_share_bps: 8_000,
            placed_at: now,
            promised_at: None,
            ready_by: Some(now),
            deadlines: OrderDeadlines::default(),
            history: Vec::new(),
            delivery_id: None,
            courier_id: None,
            cancellation: None,
            wrong_codes: 0,
            refund_claimed_minor: 0,
            claimed_items: ItemClaims::default(),
            refunded: money(0),
        };
        app.mongo.coll::<Order>("orders").insert("test.order", &order).await.expect("an order");
        let new = NewPayment {
            id: order.payment_id,
            group_id: order.group_id,
            account_id: customer,
            method: PaymentMethod::Cash,
            splits: vec![(order.id, order.money.total)],
            card_token: None,
        };
        if how == PaymentMethod::Cash {
            transact!(&app.mongo, "test.payment", payment::PaymentError, |tx| {
                payment::create_in_tx(app, tx, new.clone()).await
            })
            .expect("a payment");
        }
        order
    }

    /// The event of an order, as its room writes it.
    pub async fn order_event(&self, order: &Order, kind: &'static str) -> EventRow {
        let app = &self.app;
        let event = NewEvent {
            kind,
            subject: order.id.to_string(),
            topics: Vec::new(),
            data: doc! {
                "order_id": order.id.to_string(),
                "group_id": order.group_id.to_string(),
                "account_id": order.account_id.to_string(),
                "store_id": order.store_id.to_string(),
            },
        };
        let id = transact!(&app.mongo, "test.event", payment::PaymentError, |tx| {
            Ok(outbox::emit_in_tx(app, tx, event.clone()).await?)
        })
        .expect("an event");
        let rows = app.mongo.coll::<EventRow>("outbox");
        rows.find_one("test.event", doc! { "_id": id }).await.expect("the outbox").expect("the event")
    }

    /// An accepted order with its delivery.
    pub async fn delivery_of(&self, order: &Order) -> Delivery {
        let event = self.order_event(order, "order.accepted").await;
        delivery::on_order_accepted(&self.app, &event).await.expect("a delivery");
        self.delivery(order.id).await
    }

    /// The delivery of an order, as it is now.
    pub async fn delivery(&self, order_id: OrderId) -> Delivery {
        let found = delivery::of_orders(&self.app, &[order_id]).await.expect("deliveries");
        found.into_iter().next().expect("the delivery")
    }

    /// One tick of dispatch.
    pub async fn dispatch(&self) -> delivery::dispatch::Ticked {
        delivery::dispatch_tick(&self.app, Fence::new(1)).await.expect("a tick")
    }

    /// The kinds of all events so far, in order.
    pub async fn announced(&self) -> Vec<String> {
        let rows = self.app.mongo.coll::<EventRow>("outbox");
        let rows = rows.find_many("test.events", Document::new(), doc! { "_id": 1 }, 1_000).await;
        rows.expect("the outbox").into_iter().map(|row| row.kind).collect()
    }
}
