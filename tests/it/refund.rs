//! Refunds, and what an order keeps or gives back: nothing twice, nothing left behind.

use std::time::Duration;

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::app::App;
use daraa_domain::check;
use daraa_domain::ids::{AccountId, OrderGroupId, VariantId};
use daraa_domain::ledger::{self, CommissionStatus, LedgerAccount, PaymentMethod, RefundLiability};
use daraa_domain::order::refund::{
    self, ApproveRefund, MAX_REFUNDS_PER_ORDER, Refund, RefundStatus, RejectRefund, RequestRefund,
};
use daraa_domain::order::{
    self, AcceptOrder, HandOverOrder, HistoryEntry, Order, OrderAction, OrderError, OrderErrorCode as Code,
    OrderStatus as S, RejectOrder, TouchOrder,
};
use daraa_domain::outbox::{EventRow, EventState};
use daraa_domain::payment;
use daraa_domain::pricing::{self, CreateQuote, FulfillmentMethod};
use daraa_domain::promotion::{
    self, CostBearer, Coupon, CouponKind, NewCoupon, PromotionErrorCode as CouponCode,
};
use daraa_domain::settings::{self, SettingsPatch, UpdateSettings};
use daraa_platform::fault::Fault as _;
use daraa_platform::money::Currency;
use daraa_platform::paging::PageRequest;
use daraa_platform::transact;
use daraa_tests::{Buyer, Shop, World};
use mongodb::bson::{Document, doc, serialize_to_bson};

const HOUR: Duration = Duration::from_secs(3_600);

async fn shop(world: &World) -> (Shop, Actor) {
    let shop = world.open_store().await;
    let staff = world.actor(&shop.owner).await;
    (shop, staff)
}

/// A buyer with a full wallet.
async fn rich(world: &World) -> Buyer {
    let buyer = world.buyer().await;
    world.fund(&buyer, 10_000_000).await;
    buyer
}

/// So much off, paid by the platform.
async fn coupon(world: &World, minor: i64) -> Coupon {
    let new = NewCoupon {
        code: "EID".to_owned(),
        kind: CouponKind::Fixed,
        value: minor,
        currency: Currency::Syp,
        max_discount_minor: None,
        min_order_minor: 0,
        store_id: None,
        valid_from: world.now(),
        valid_to: world.now().plus(HOUR * 24),
        limit_total: None,
        limit_per_customer: 1,
        bearer: CostBearer::Platform,
    };
    promotion::create(&world.app, &Actor::System("test"), new).await.unwrap()
}

/// How often a coupon was used, as a stranger sees it.
async fn used(world: &World, coupon: &Coupon) -> i64 {
    let stranger: AccountId = world.app.ids.next();
    promotion::preview(&world.app, &coupon.code, stranger, world.now()).await.unwrap().used
}

#[derive(Clone, Copy)]
struct Wish {
    by: PaymentMethod,
    how: FulfillmentMethod,
    with_coupon: bool,
}

const BY_WALLET: Wish =
    Wish { by: PaymentMethod::Wallet, how: FulfillmentMethod::Delivery, with_coupon: false };
const TAKEAWAY: Wish = Wish { by: PaymentMethod::Cash, how: FulfillmentMethod::Pickup, with_coupon: false };

/// Places an order; its events wait.
async fn placed(world: &World, buyer: &Buyer, wanted: &[(VariantId, i64)], wish: Wish) -> Order {
    world.fill(buyer, wanted).await;
    let command = CreateQuote {
        address_id: (wish.how == FulfillmentMethod::Delivery).then_some(buyer.home),
        fulfillment: wish.how,
        payment_method: wish.by,
        coupon_code: wish.with_coupon.then(|| "EID".to_owned()),
        courier_tip_minor: 0,
        store_tip_minor: 0,
    };
    let quote = pricing::create(&world.app, &buyer.actor, command).await.unwrap();
    let group = world.place(buyer, &quote, &quote.id.to_string()).await.unwrap();
    world.order(group.order_ids[0]).await
}

/// From PLACED to COMPLETED; the events wait.
async fn complete(world: &World, staff: &Actor, order: &Order) -> Order {
    let (app, touch) = (&world.app, TouchOrder { order_id: order.id });
    let accept = AcceptOrder { order_id: order.id, prep_minutes: 10, expected_version: None };
    order::accept(app, staff, accept).await.unwrap();
    order::start_preparing(app, staff, touch).await.unwrap();
    order::mark_ready(app, staff, touch).await.unwrap();
    if order.fulfillment == FulfillmentMethod::Pickup {
        let hand_over = HandOverOrder { order_id: order.id, code: order.dropoff_pin.clone() };
        return order::hand_over_pickup(app, staff, hand_over).await.unwrap();
    }
    let (actor, courier, id) = (Actor::System("test"), app.ids.next(), order.id);
    transact!(&app.mongo, "test.deliver", OrderError, |tx| {
        order::set_courier_in_tx(app, tx, id, Some(courier)).await?;
        order::hand_over_in_tx(app, tx, id, &actor).await?;
        let done = order::complete_in_tx(app, tx, id, &actor).await?;
        payment::collect_cash_in_tx(app, tx, id, courier, done.money.total).await?;
        Ok(())
    })
    .unwrap();
    world.order(order.id).await
}

fn request(order: &Order, lines: &[usize], amount_minor: Option<i64>, key: &str) -> RequestRefund {
    RequestRefund {
        order_id: order.id,
        line_ids: lines.iter().map(|n| order.lines[*n].id).collect(),
        amount_minor,
        reason: "DAMAGED".to_owned(),
        idempotency_key: key.to_owned(),
    }
}

async fn decider(world: &World) -> Actor {
    world.actor(&world.ops(OpsRole::Finance).await).await
}

/// Approves a refund at the store's expense and lets it happen.
async fn paid_back(world: &World, finance: &Actor, asked: &Refund) {
    let approve = ApproveRefund { refund_id: asked.id, liability: RefundLiability::Store };
    refund::approve(&world.app, finance, approve).await.unwrap();
    settle_down(world).await;
    let after = refund::of_order(&world.app, asked.order_id).await.unwrap();
    let after = after.into_iter().find(|refund| refund.id == asked.id).unwrap();
    assert_eq!(after.status, RefundStatus::Succeeded, "{after:?}");
}

/// Delivers events until those that had to wait for others have come, too.
async fn settle_down(world: &World) {
    for _ in 0..4 {
        world.drain().await;
        world.pass(Duration::from_secs(2));
    }
    world.drain().await;
}

fn code<T: std::fmt::Debug>(outcome: Result<T, OrderError>) -> Code {
    let e = outcome.unwrap_err();
    e.user_code().unwrap_or_else(|| panic!("{}: {e}", e.code()))
}

async fn owed(world: &World, shop: &Shop) -> i64 {
    let account = LedgerAccount::StorePayable(shop.store_id);
    ledger::balance_of(&world.app, account, Currency::Syp).await.unwrap().amount_minor
}

/// The books are in order and nothing is left undivided.
async fn in_order(app: &App) {
    assert_eq!(ledger::check(app).await.unwrap(), Vec::new());
    let funds = ledger::balance_of(app, LedgerAccount::OrderFunds, Currency::Syp).await.unwrap();
    assert_eq!(funds.amount_minor, 0, "money of finished orders is divided");
}

#[tokio::test]
async fn a_line_is_refunded_once_and_again_only_when_the_first_refund_came_to_nothing() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = rich(&world).await;
    let wanted = [(shop.variants[0], 1), (shop.variants[1], 5)];
    let order = placed(&world, &buyer, &wanted, BY_WALLET).await;
    let order = complete(&world, &staff, &order).await;
    world.drain().await;
    assert_eq!(owed(&world, &shop).await, 25_500, "30,000 less fifteen percent");
    let app = &world.app;
    let ask = |lines: &[usize], key: &str| {
        let command = request(&order, lines, None, key);
        let actor = buyer.actor.clone();
        async move { refund::request(app, &actor, command).await }
    };
    let dear = order.lines.iter().position(|line| line.total.amount_minor == 25_000).unwrap();
    let first = ask(&[dear], "1").await.unwrap();
    assert_eq!(code(ask(&[dear], "2").await), Code::RefundTooLarge);
    let finance = decider(&world).await;
    let reject = RejectRefund { refund_id: first.id, reason: "NO".to_owned() };
    refund::reject(app, &finance, reject.clone()).await.unwrap();
    refund::reject(app, &finance, reject).await.unwrap();
    let claimed = world.order(order.id).await;
    assert_eq!((claimed.refund_claimed_minor, claimed.claimed_items.items_minor), (0, 0), "given up once");
    let second = ask(&[dear], "3").await.unwrap();
    assert_eq!(second.amount.amount_minor, 25_000);
    paid_back(&world, &finance, &second).await;
    let rest = ask(&[], "4").await.unwrap();
    assert_eq!(rest.of_items.amount_minor, 5_000, "only the other line is left of the items");
    assert_eq!(rest.amount.amount_minor, order.money.total.amount_minor - 25_000);
    assert_eq!(code(ask(&[1 - dear], "5").await), Code::RefundTooLarge);
    paid_back(&world, &finance, &rest).await;
    let of_fees = order.money.total.amount_minor - 30_000;
    assert_eq!(owed(&world, &shop).await, -of_fees, "it pays what it earned, and the fees on top");
    in_order(app).await;
}

#[tokio::test]
async fn the_whole_commission_comes_back_when_a_coupon_of_ours_paid_a_part() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = rich(&world).await;
    coupon(&world, 10_000).await;
    let wish = Wish { with_coupon: true, ..BY_WALLET };
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], wish).await;
    let order = complete(&world, &staff, &order).await;
    world.drain().await;
    assert_eq!(owed(&world, &shop).await, 21_250, "25,000 less fifteen percent");
    let asked = refund::request(&world.app, &buyer.actor, request(&order, &[0], None, "1")).await.unwrap();
    assert_eq!(asked.amount.amount_minor, 15_000, "what the customer paid");
    let finance = decider(&world).await;
    paid_back(&world, &finance, &asked).await;
    assert_eq!(owed(&world, &shop).await, 21_250 - 15_000 + 3_750);
    let page = PageRequest::default();
    let reversed = CommissionStatus::Reversed;
    let rows = ledger::commissions(&world.app, &finance, Some(shop.store_id), reversed, &page).await.unwrap();
    assert_eq!(rows.rows.len(), 1);
    in_order(&world.app).await;
}

#[tokio::test]
async fn an_order_has_a_bounded_number_of_refunds() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = rich(&world).await;
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], BY_WALLET).await;
    let order = complete(&world, &staff, &order).await;
    for n in 0..MAX_REFUNDS_PER_ORDER {
        let one = request(&order, &[], Some(1), &n.to_string());
        refund::request(&world.app, &buyer.actor, one).await.unwrap();
    }
    let again = refund::request(&world.app, &buyer.actor, request(&order, &[], Some(1), "0")).await;
    assert!(again.is_ok(), "the same request is answered");
    let more = refund::request(&world.app, &buyer.actor, request(&order, &[], Some(1), "more")).await;
    assert_eq!(code(more), Code::TooManyRefunds);
}

#[tokio::test]
async fn a_refund_approved_before_the_money_is_taken_waits_for_it() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = rich(&world).await;
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], BY_WALLET).await;
    let order = complete(&world, &staff, &order).await;
    let app = &world.app;
    let asked = refund::request(app, &buyer.actor, request(&order, &[], Some(1_000), "1")).await.unwrap();
    let finance = decider(&world).await;
    let approve = ApproveRefund { refund_id: asked.id, liability: RefundLiability::Store };
    refund::approve(app, &finance, approve).await.unwrap();
    let event = event_of(&world, "refund.approved", asked.id.to_string(), &order);
    let early = refund::on_refund_approved(app, &event).await.unwrap_err();
    assert!(early.retryable(), "{early}");
    assert_eq!(refund::of_order(app, order.id).await.unwrap()[0].status, RefundStatus::Processing);
    settle_down(&world).await;
    assert_eq!(refund::of_order(app, order.id).await.unwrap()[0].status, RefundStatus::Succeeded);
    assert_eq!(world.balance(&buyer).await, 10_000_000 - order.money.total.amount_minor + 1_000);
    in_order(app).await;
}

/// An event as the relay hands it to consumers.
fn event_of(world: &World, kind: &str, subject: String, order: &Order) -> EventRow {
    let now = world.now();
    EventRow {
        id: world.app.ids.next(),
        kind: kind.to_owned(),
        subject,
        topics: Vec::new(),
        data: doc! {
            "order_id": order.id.to_string(),
            "group_id": order.group_id.to_string(),
            "account_id": order.account_id.to_string(),
            "store_id": order.store_id.to_string(),
        },
        at: now,
        state: EventState::Pending,
        done: Vec::new(),
        attempts: 0,
        next_at: now,
        done_at: None,
        fence: 0,
        last_error: None,
    }
}

#[tokio::test]
async fn takeaway_in_cash_without_commission_is_settled_and_can_be_refunded() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    let patch = SettingsPatch { commission_bps: Some(0), ..SettingsPatch::default() };
    let free = UpdateSettings { patch, expected_version: None };
    settings::update(app, &Actor::System("test"), free).await.unwrap();
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], TAKEAWAY).await;
    let order = complete(&world, &staff, &order).await;
    assert_eq!((order.status, order.commission_bps), (S::Completed, 0));
    world.drain().await;
    for _ in 0..2 {
        let event = event_of(&world, "order.completed", order.id.to_string(), &order);
        order::settle(app, &event).await.unwrap();
    }
    assert_eq!(owed(&world, &shop).await, 0, "it has its money and owes nothing");
    let finance = decider(&world).await;
    let page = PageRequest::default();
    let charged = CommissionStatus::Final;
    let rows = ledger::commissions(app, &finance, Some(shop.store_id), charged, &page).await.unwrap();
    assert_eq!((rows.rows.len(), rows.rows[0].1.amount_minor), (1, 0));
    let earned = ledger::store_earnings(app, &finance, shop.store_id, &page).await.unwrap();
    assert_eq!(earned.rows[0].1.amount_minor, 25_000);
    let asked = refund::request(app, &buyer.actor, request(&order, &[], None, "1")).await.unwrap();
    paid_back(&world, &finance, &asked).await;
    assert_eq!(owed(&world, &shop).await, -25_000);
    assert_eq!(world.balance(&buyer).await, 25_000);
    in_order(app).await;
}

#[tokio::test]
async fn takeaway_collected_before_its_placing_is_known_has_used_its_coupon() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let coupon = coupon(&world, 1_000).await;
    let wish = Wish { with_coupon: true, ..TAKEAWAY };
    let order = placed(&world, &buyer, &[(shop.variants[0], 2)], wish).await;
    complete(&world, &staff, &order).await;
    world.drain().await;
    assert_eq!(used(&world, &coupon).await, 1);
    let again = event_of(&world, "order.placed", order.id.to_string(), &order);
    order::on_order_placed(&world.app, &again).await.unwrap();
    assert_eq!(used(&world, &coupon).await, 1);
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved, stock.sold), (48, 0, 2), "sold goods are not held again");
    in_order(&world.app).await;
}

#[tokio::test]
async fn a_coupon_whose_promise_was_lost_on_the_way_is_used_all_the_same() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    let coupon = coupon(&world, 1_000).await;
    let wish = Wish { with_coupon: true, ..TAKEAWAY };
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], wish).await;
    world.pass(Duration::from_secs(1_801));
    // Whoever comes next sweeps dead promises away.
    let app = &world.app;
    let (group, stranger): (OrderGroupId, AccountId) = (app.ids.next(), app.ids.next());
    promotion::reserve(app, coupon.id, group, stranger, world.now().plus(HOUR)).await.unwrap();
    for _ in 0..2 {
        world.drain().await;
        let again = event_of(&world, "order.placed", order.id.to_string(), &order);
        order::on_order_placed(app, &again).await.unwrap();
        assert_eq!(used(&world, &coupon).await, 1);
    }
    let twice = promotion::preview(app, &coupon.code, buyer.who.account_id, world.now()).await.unwrap_err();
    assert_eq!(twice.user_code(), Some(CouponCode::CouponAlreadyUsed));
}

#[tokio::test]
async fn an_order_that_ends_while_its_goods_are_kept_keeps_nothing() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    let coupon = coupon(&world, 1_000).await;
    let wish = Wish { with_coupon: true, ..TAKEAWAY };
    for _ in 0..5 {
        let order = placed(&world, &buyer, &[(shop.variants[0], 1)], wish).await;
        let event = event_of(&world, "order.placed", order.id.to_string(), &order);
        let reject = RejectOrder { order_id: order.id, reason: "NO".to_owned() };
        let end = async {
            order::reject(app, &staff, reject).await.unwrap();
            let rejected = event_of(&world, "order.rejected", order.id.to_string(), &order);
            order::unwind(app, &rejected).await.unwrap();
        };
        let (kept, ()) = tokio::join!(order::on_order_placed(app, &event), end);
        kept.unwrap();
        settle_down(&world).await;
        let stock = world.stock(shop.variants[0]).await;
        assert_eq!((stock.on_hand, stock.reserved), (50, 0));
        assert_eq!(used(&world, &coupon).await, 0);
        promotion::preview(app, &coupon.code, buyer.who.account_id, world.now()).await.unwrap();
    }
}

#[tokio::test]
async fn the_check_sees_what_an_ended_order_still_holds() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    let order = placed(&world, &buyer, &[(shop.variants[0], 1)], TAKEAWAY).await;
    settle_down(&world).await;
    // Ended without the event that gives back what it holds.
    let entry = HistoryEntry {
        at: world.now(),
        actor: "test".to_owned(),
        action: OrderAction::Reject,
        from: Some(S::Placed),
        to: S::Rejected,
        reason: None,
        version: order.version + 1,
    };
    let update = doc! {
        "$set": { "status": "REJECTED", "version": entry.version },
        "$push": { "history": serialize_to_bson(&entry).unwrap() },
    };
    let orders = app.mongo.db().collection::<Document>("orders");
    orders.update_one(doc! { "_id": order.id }, update).await.unwrap();
    let report = check::run(app).await.unwrap();
    assert!(report.sound(), "it may still be given back: {:?}", report.findings);
    world.pass(HOUR * 2);
    let found = check::run(app).await.unwrap().findings;
    let found: Vec<(&str, &str)> = found.iter().map(|f| (f.rule.as_str(), f.subject.as_str())).collect();
    let (variant, id) = (shop.variants[0].to_string(), order.id.to_string());
    assert_eq!(found, [("I4", variant.as_str()), ("I5", id.as_str())]);
}
