//! Orders: one effect per key, nothing sold twice, every ending complete however often its reactions run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use daraa_bench::paysim::{Config, Running, start};
use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::app::App;
use daraa_domain::cart::{self, CartOwner};
use daraa_domain::ids::OrderId;
use daraa_domain::ledger::{self, LedgerAccount, PaymentMethod, RefundLiability};
use daraa_domain::order::refund::{
    self, ApproveRefund, RefundStatus, RejectRefund, RequestRefund, rules as refund_rules,
};
use daraa_domain::order::{
    self, AcceptOrder, CancelOrder, DelayOrder, DisplayStatus, HandOverOrder, Order, OrderError,
    OrderErrorCode as Code, OrderFilter, OrderStatus as S, RejectOrder, TouchOrder, rules,
};
use daraa_domain::outbox::{EventRow, EventState};
use daraa_domain::payment::{self, PaymentStatus};
use daraa_domain::pricing::{self, CreateQuote, FulfillmentMethod};
use daraa_domain::store;
use daraa_platform::fault::Fault as _;
use daraa_platform::money::Currency;
use daraa_platform::paging::PageRequest;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use daraa_tests::{Buyer, Shop, World, env};
use futures_util::future::join_all;
use mongodb::bson::doc;
use serde_json::json;

fn code<T: std::fmt::Debug>(outcome: Result<T, OrderError>) -> Code {
    let e = outcome.unwrap_err();
    e.user_code().unwrap_or_else(|| panic!("{}: {e}", e.code()))
}

fn touch(order: &Order) -> TouchOrder {
    TouchOrder { order_id: order.id }
}

async fn accept(world: &World, staff: &Actor, order: &Order) -> Result<Order, OrderError> {
    let command = AcceptOrder { order_id: order.id, prep_minutes: 10, expected_version: None };
    order::accept(&world.app, staff, command).await
}

/// The event of an order's newest change, as the relay hands it to consumers.
fn event_of(world: &World, kind: &str, order: &Order) -> EventRow {
    let now = world.now();
    EventRow {
        id: world.app.ids.next(),
        kind: kind.to_owned(),
        subject: order.id.to_string(),
        topics: Vec::new(),
        data: doc! {
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

/// From PLACED to COMPLETED without a courier's app: the doors the delivery room uses.
async fn complete(world: &World, staff: &Actor, order: &Order) -> Order {
    let app = &world.app;
    accept(world, staff, order).await.unwrap();
    order::start_preparing(app, staff, touch(order)).await.unwrap();
    order::mark_ready(app, staff, touch(order)).await.unwrap();
    let actor = Actor::System("test");
    let (courier, id) = (app.ids.next(), order.id);
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

async fn shop(world: &World) -> (Shop, Actor) {
    let shop = world.open_store().await;
    let staff = world.actor(&shop.owner).await;
    (shop, staff)
}

/// The books are in order and nothing is left undivided.
async fn in_order(app: &App) {
    assert_eq!(ledger::check(app).await.unwrap(), Vec::new());
    let funds = ledger::balance_of(app, LedgerAccount::OrderFunds, Currency::Syp).await.unwrap();
    assert_eq!(funds.amount_minor, 0, "money of finished orders is divided");
}

#[test]
fn the_machines_are_what_the_domain_document_says() {
    let mut text = String::new();
    for row in rules::TRANSITIONS {
        let from = row.from.map_or("—", S::code);
        let who: Vec<String> = row.who.iter().map(|party| party.letter().to_string()).collect();
        writeln!(text, "{from} → {} | {} | {}", row.to.code(), row.action.code(), who.join(" ")).unwrap();
    }
    text.push_str("--- refund\n");
    for (from, to, action, who) in refund_rules::TRANSITIONS {
        let from = from.map_or("—", RefundStatus::code);
        writeln!(text, "{from} → {} | {action:?} | {who}", to.code()).unwrap();
    }
    text.push_str("--- cancelled by customers\n");
    for rule in rules::CUSTOMER_CANCEL_POLICY {
        writeln!(text, "{} | {} | {} bps", rule.id, rule.status.code(), rule.fee_bps).unwrap();
    }
    insta::assert_snapshot!(text, @r"
    — → PENDING_PAYMENT | PLACE | C
    PENDING_PAYMENT → PLACED | AUTHORISE | P Y
    PENDING_PAYMENT → EXPIRED | EXPIRE | Y
    PENDING_PAYMENT → CANCELLED | CANCEL | C O
    PLACED → SCHEDULED | SCHEDULE | Y
    SCHEDULED → PLACED | WAKE | Y
    PLACED → ACCEPTED | ACCEPT | S O Y
    PLACED → REJECTED | REJECT | S O Y
    ACCEPTED → PREPARING | PREPARE | S Y
    PREPARING → READY | READY | S Y
    ACCEPTED → ACCEPTED | DELAY | S O
    PREPARING → PREPARING | DELAY | S O
    READY → HANDED_OVER | HAND_OVER | K S C Y
    HANDED_OVER → COMPLETED | COMPLETE | Y
    PLACED → CANCELLED | CANCEL | C S O
    SCHEDULED → CANCELLED | CANCEL | C S O
    ACCEPTED → CANCELLED | CANCEL | C S O
    PREPARING → CANCELLED | CANCEL | C S O
    READY → CANCELLED | CANCEL | C S O
    HANDED_OVER → RETURNED | RETURN | Y O
    HANDED_OVER → FAILED | FAIL | Y O
    --- refund
    — → REQUESTED | Request | C O
    REQUESTED → APPROVED | Approve | O
    REQUESTED → REJECTED | Reject | O
    APPROVED → PROCESSING | Process | Y
    PROCESSING → SUCCEEDED | Succeed | Y
    PROCESSING → FAILED | Fail | Y
    --- cancelled by customers
    cancel.customer.unpaid | PENDING_PAYMENT | 0 bps
    cancel.customer.placed | PLACED | 0 bps
    cancel.customer.scheduled | SCHEDULED | 0 bps
    cancel.customer.accepted | ACCEPTED | 2000 bps
    cancel.customer.preparing | PREPARING | 5000 bps
    ");
}

#[tokio::test]
async fn a_cart_across_two_stores_becomes_one_purchase() {
    let world = World::new().await;
    let ((first, _), (second, _)) = (shop(&world).await, shop(&world).await);
    let buyer = world.buyer().await;
    world.fill(&buyer, &[(first.variants[0], 2), (second.variants[1], 3)]).await;
    let quote = world.quote(&buyer, PaymentMethod::Cash).await;
    let input = json!({ "quoteId": quote.id.to_string(), "idempotencyKey": "k" });
    let selection = "orderGroup { id number status total { amountMinor } orders { id number status displayStatus \
        dropoffPin storeCode availableActions store { id } money { total { amountMinor } } } }";
    let without_code = selection.replace(" storeCode", "");
    let placed = world.mutate(&buyer.who.token, "orderPlace", &without_code, input).await;
    let group = &placed["orderGroup"];
    assert_eq!(
        (group["status"].as_str(), group["total"]["amountMinor"].as_i64()),
        (Some("PLACED"), Some(quote.total.amount_minor))
    );
    let orders = group["orders"].as_array().unwrap();
    let totals: i64 = orders.iter().map(|o| o["money"]["total"]["amountMinor"].as_i64().unwrap()).sum();
    assert_eq!((orders.len(), totals), (2, quote.total.amount_minor));
    assert_eq!(orders[0]["dropoffPin"].as_str().unwrap().len(), 4);
    assert_eq!(orders[0]["availableActions"], json!(["CANCEL"]));
    assert_eq!(world.stock(first.variants[0]).await.reserved, 2);
    let left = cart::get(&world.app, &CartOwner::Account(buyer.who.account_id)).await.unwrap();
    assert_eq!(left.lines, []);

    let document = "query($id: ID!) { order(id: $id) { id storeCode payment { id } } }";
    let id = json!({ "id": orders[0]["id"] });
    let of_staff = world.gql(&first.owner.token, document, id.clone()).await;
    assert_eq!(of_staff["order"]["storeCode"].as_str().unwrap().len(), 4);
    assert!(of_staff["order"]["payment"].is_null(), "a store does not see what was bought elsewhere");
    for stranger in [&second.owner, &world.customer().await] {
        let seen = world.gql(&stranger.token, "query($id: ID!) { order(id: $id) { id } }", id.clone()).await;
        assert!(seen["order"].is_null());
    }
}

#[tokio::test]
async fn twenty_times_the_same_key_is_one_purchase() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fill(&buyer, &[(shop.variants[0], 50)]).await;
    let quote = world.quote(&buyer, PaymentMethod::Cash).await;
    let asked = join_all((0..20).map(|_| world.place(&buyer, &quote, "same"))).await;
    let groups: BTreeSet<_> = asked.into_iter().map(|answer| answer.unwrap().id).collect();
    assert_eq!(groups.len(), 1);
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved, stock.reservations.len()), (0, 50, 1));
    let group = *groups.first().unwrap();
    assert_eq!(order::of_group_system(&world.app, group).await.unwrap().len(), 1);

    assert_eq!(code(world.place(&buyer, &quote, "other").await), Code::QuoteUsed);
    assert_eq!(
        code(world.place_by(&buyer, &quote, "same", Some("tok_ok")).await),
        Code::IdempotencyKeyReused
    );
    assert_eq!(code(world.place(&buyer, &quote, "").await), Code::BadIdempotencyKey);
    let stranger = world.buyer().await;
    assert_eq!(code(world.place(&stranger, &quote, "same").await), Code::QuoteNotFound);
}

#[tokio::test]
async fn eight_buyers_of_one_unit_are_one_order() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let last = world.product(&shop.owner, &shop.store_id.to_string(), ("كنز", "Treasure"), 9_000, 1).await;
    let mut buyers = Vec::new();
    for _ in 0..8 {
        let buyer = world.buyer().await;
        world.fill(&buyer, &[(last, 1)]).await;
        let quote = world.quote(&buyer, PaymentMethod::Cash).await;
        buyers.push((buyer, quote));
    }
    let asked = join_all(buyers.iter().map(|(buyer, quote)| world.place(buyer, quote, "k"))).await;
    let (won, lost): (Vec<_>, Vec<_>) = asked.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|answer| code(answer) == Code::SoldOut));
    let stock = world.stock(last).await;
    assert_eq!((stock.on_hand, stock.reserved), (0, 1));
}

#[tokio::test]
async fn a_basket_with_two_quotes_is_bought_once() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fund(&buyer, 10_000_000).await;
    world.fill(&buyer, &[(shop.variants[0], 1)]).await;
    let quotes = [
        world.quote(&buyer, PaymentMethod::Wallet).await,
        world.quote(&buyer, PaymentMethod::Wallet).await,
        world.quote(&buyer, PaymentMethod::Wallet).await,
    ];
    let keys = ["a", "b"];
    let asked = join_all(quotes.iter().zip(keys).map(|(quote, key)| world.place(&buyer, quote, key))).await;
    let (won, lost): (Vec<_>, Vec<_>) = asked.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    assert!(lost.into_iter().all(|answer| code(answer) == Code::QuoteChanged));
    assert_eq!(code(world.place(&buyer, &quotes[2], "c").await), Code::QuoteChanged);
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved), (49, 1));
    in_order(&world.app).await;
}

#[tokio::test]
async fn a_quote_that_no_longer_holds_is_refused_and_leaves_no_trace() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fill(&buyer, &[(shop.variants[0], 2)]).await;
    let quote = world.quote(&buyer, PaymentMethod::Wallet).await;
    assert_eq!(code(world.place(&buyer, &quote, "1").await), Code::InsufficientFunds);
    store::pause(&world.app, &staff, shop.store_id, 5).await.unwrap();
    assert_eq!(code(world.place(&buyer, &quote, "1").await), Code::StoreClosed);
    store::resume(&world.app, &staff, shop.store_id).await.unwrap();
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved), (50, 0));
    world.pass(Duration::from_secs(901));
    assert_eq!(code(world.place(&buyer, &quote, "1").await), Code::QuoteExpired);
    let card = world.quote(&buyer, PaymentMethod::Card).await;
    assert_eq!(code(world.place_by(&buyer, &card, "2", None).await), Code::CardRequired);
    world.fund(&buyer, 10_000_000).await;
    let quote = world.quote(&buyer, PaymentMethod::Wallet).await;
    world.place(&buyer, &quote, "1").await.unwrap();
}

#[tokio::test]
async fn a_store_works_its_queue() {
    let world = World::new().await;
    let ((shop, staff), (other, stranger)) = (shop(&world).await, shop(&world).await);
    let buyer = world.buyer().await;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    let app = &world.app;
    assert_eq!(code(accept(&world, &stranger, &order).await), Code::OrderNotFound);
    assert_eq!(code(accept(&world, &buyer.actor, &order).await), Code::ActionNotAllowed);
    let at =
        |prep_minutes, expected_version| AcceptOrder { order_id: order.id, prep_minutes, expected_version };
    for minutes in [0, -5, 241] {
        assert_eq!(code(order::accept(app, &staff, at(minutes, None)).await), Code::MinutesOutOfRange);
    }
    assert_eq!(code(order::accept(app, &staff, at(10, Some(1))).await), Code::StaleVersion);
    assert_eq!(code(order::mark_ready(app, &staff, touch(&order)).await), Code::InvalidTransition);
    let both =
        join_all([order::accept(app, &staff, at(10, Some(2))), order::accept(app, &staff, at(10, None))])
            .await;
    assert!(both.into_iter().all(|answer| answer.unwrap().version == 3), "twice at once is once");
    let again = order::accept(app, &staff, at(10, None)).await.unwrap();
    assert_eq!((again.version, again.ready_by), (3, Some(world.now().plus(Duration::from_secs(600)))));
    let more = DelayOrder { order_id: order.id, minutes: 5, expected_version: 3 };
    let delayed = order::delay(app, &staff, more).await.unwrap();
    assert_eq!(delayed.ready_by, Some(world.now().plus(Duration::from_secs(900))));
    assert_eq!(code(order::delay(app, &staff, more).await), Code::StaleVersion, "asked again adds nothing");
    order::start_preparing(app, &staff, touch(&order)).await.unwrap();
    let ready = order::mark_ready(app, &staff, touch(&order)).await.unwrap();
    assert_eq!(ready.status, S::Ready);
    for code_ in [&order.dropoff_pin, &order.store_code] {
        let hand_over = HandOverOrder { order_id: order.id, code: code_.clone() };
        for who in [&staff, &buyer.actor] {
            let outcome = order::hand_over_pickup(app, who, hand_over.clone()).await;
            assert_eq!(code(outcome), Code::ActionNotAllowed, "a courier fetches it");
        }
    }
    let versions: Vec<i64> = ready.history.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);

    let second = world.bought(&buyer, shop.variants[1], 1, PaymentMethod::Cash).await;
    let page = PageRequest { size: 1, ..PageRequest::default() };
    let all = OrderFilter::default();
    let newest = order::of_store(app, &staff, shop.store_id, &all, &page).await.unwrap();
    assert_eq!((newest.rows[0].1.id, newest.has_next), (second.id, true));
    let next = PageRequest { from: Some(newest.rows[0].0.clone()), ..page.clone() };
    let older = order::of_store(app, &staff, shop.store_id, &all, &next).await.unwrap();
    assert_eq!((older.rows[0].1.id, older.has_next), (order.id, false));
    let waiting = OrderFilter { statuses: vec![S::Placed, S::Accepted] };
    let queue = order::of_store(app, &staff, shop.store_id, &waiting, &PageRequest::default()).await.unwrap();
    assert_eq!(queue.rows.iter().map(|(_, o)| o.id).collect::<Vec<_>>(), [second.id]);
    let foreign = order::of_store(app, &stranger, shop.store_id, &all, &page).await;
    assert_eq!(code(foreign), Code::StoreNotFound);
    assert_eq!(order::of_store(app, &stranger, other.store_id, &all, &page).await.unwrap().rows.len(), 0);
    assert_eq!(
        order::of_customer(app, &buyer.actor, &all, &PageRequest::default()).await.unwrap().rows.len(),
        2
    );
}

#[tokio::test]
async fn a_rejected_order_gives_everything_back_once() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fund(&buyer, 10_000_000).await;
    let order = world.bought(&buyer, shop.variants[0], 2, PaymentMethod::Wallet).await;
    assert_eq!(world.stock(shop.variants[0]).await.reserved, 2);
    let reject = |reason: &str| RejectOrder { order_id: order.id, reason: reason.to_owned() };
    assert_eq!(code(order::reject(&world.app, &staff, reject(" ")).await), Code::BadReason);
    let rejected = order::reject(&world.app, &staff, reject("OUT_OF_STOCK")).await.unwrap();
    world.drain().await;
    for _ in 0..2 {
        order::unwind(&world.app, &event_of(&world, "order.rejected", &rejected)).await.unwrap();
    }
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved), (50, 0));
    assert_eq!(world.balance(&buyer).await, 10_000_000);
    assert_eq!(payment::of_order(&world.app, order.id).await.unwrap().status, PaymentStatus::Voided);
    in_order(&world.app).await;
    assert_eq!(code(accept(&world, &staff, &order).await), Code::InvalidTransition);
}

#[tokio::test]
async fn deadlines_end_what_nobody_answers() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    world.pass(Duration::from_secs(599));
    assert_eq!(order::expire_unaccepted(&world.app).await.unwrap(), 0);
    world.pass(Duration::from_secs(1));
    assert_eq!(order::expire_unaccepted(&world.app).await.unwrap(), 1);
    assert_eq!(order::expire_unaccepted(&world.app).await.unwrap(), 0);
    world.drain().await;
    let ended = world.order(order.id).await;
    let last = ended.history.last().unwrap();
    assert_eq!((ended.status, last.reason.as_deref()), (S::Rejected, Some("STORE_TIMEOUT")));
    assert_eq!(last.actor, "system:store-response");
    assert_eq!(world.stock(shop.variants[0]).await.on_hand, 50);
}

#[tokio::test]
async fn store_and_ops_are_told_once_of_an_order_that_is_not_ready_in_time() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    let accepted = accept(&world, &staff, &order).await.unwrap();
    let due = accepted.deadlines.ready_at.unwrap();
    world.drain().await;
    let grace = Duration::from_secs(600);
    assert_eq!(due, accepted.ready_by.unwrap().plus(grace));

    let until = |due: Timestamp| due.since(world.app.clock.now());
    world.pass(until(due).saturating_sub(Duration::from_secs(1)));
    assert_eq!(order::report_late(&world.app).await.unwrap(), 0);
    let more = DelayOrder { order_id: order.id, minutes: 10, expected_version: accepted.version };
    let later = order::delay(&world.app, &staff, more).await.unwrap();
    assert_eq!(later.deadlines.ready_at.unwrap(), later.ready_by.unwrap().plus(grace), "a new promise");
    world.pass(until(due));
    assert_eq!(order::report_late(&world.app).await.unwrap(), 0);

    world.pass(until(later.deadlines.ready_at.unwrap()));
    let (one, two) = tokio::join!(order::report_late(&world.app), order::report_late(&world.app));
    assert_eq!(one.unwrap() + two.unwrap(), 1, "told once");
    assert_eq!(order::report_late(&world.app).await.unwrap(), 0);
    assert_eq!(world.order(order.id).await.status, later.status, "nothing is decided for the store");

    let ready = TouchOrder { order_id: order.id };
    order::start_preparing(&world.app, &staff, ready).await.unwrap();
    assert_eq!(order::mark_ready(&world.app, &staff, ready).await.unwrap().deadlines.ready_at, None);
}

#[tokio::test]
async fn a_cancellation_costs_what_its_preview_says() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fund(&buyer, 10_000_000).await;
    let order = world.bought(&buyer, shop.variants[0], 2, PaymentMethod::Wallet).await;
    let app = &world.app;
    let free = order::preview_cancel(app, &buyer.actor, order.id).await.unwrap();
    assert_eq!((free.fee.amount_minor, free.refund), (0, order.money.total));
    accept(&world, &staff, &order).await.unwrap();
    let preview = order::preview_cancel(app, &buyer.actor, order.id).await.unwrap();
    assert_eq!((preview.fee.amount_minor, preview.rule_id.as_str()), (10_000, "cancel.customer.accepted"));
    let cancel = |reason: &str, key: &str| CancelOrder {
        order_id: order.id,
        reason: reason.to_owned(),
        expected_version: Some(preview.version),
        idempotency_key: key.to_owned(),
    };
    let unseen = CancelOrder { expected_version: None, ..cancel("CHANGED_MIND", "unseen") };
    assert_eq!(code(order::cancel(app, &buyer.actor, unseen).await), Code::CancelFeeUnconfirmed);
    let stale = CancelOrder { expected_version: Some(free.version), ..cancel("CHANGED_MIND", "stale") };
    assert_eq!(code(order::cancel(app, &buyer.actor, stale).await), Code::StaleVersion);
    let asked = join_all((0..5).map(|_| order::cancel(app, &buyer.actor, cancel("CHANGED_MIND", "c")))).await;
    assert!(asked.into_iter().all(|answer| answer.unwrap().status == S::Cancelled));
    let other = order::cancel(app, &buyer.actor, cancel("OTHER", "c")).await;
    assert_eq!(code(other), Code::IdempotencyKeyReused);
    // The reaction dies after taking the money, and runs again.
    payment::capture_split(app, order.id).await.unwrap();
    world.drain().await;
    order::unwind(app, &event_of(&world, "order.cancelled", &order)).await.unwrap();
    assert_eq!(world.balance(&buyer).await, 10_000_000 - 10_000);
    let owed =
        ledger::balance_of(app, LedgerAccount::StorePayable(shop.store_id), Currency::Syp).await.unwrap();
    assert_eq!(owed.amount_minor, 10_000);
    assert_eq!(world.stock(shop.variants[0]).await.on_hand, 50);
    in_order(app).await;

    let cash = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    accept(&world, &staff, &cash).await.unwrap();
    let command = CancelOrder { order_id: cash.id, expected_version: None, ..cancel("CHANGED_MIND", "d") };
    assert_eq!(code(order::cancel(app, &buyer.actor, command.clone()).await), Code::ActionNotAllowed);
    assert_eq!(order::cancel(app, &staff, command).await.unwrap().status, S::Cancelled);
}

#[tokio::test]
async fn a_completed_order_is_settled_once_and_refunded_by_liability() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    world.fund(&buyer, 10_000_000).await;
    let app = &world.app;
    let order = world.bought(&buyer, shop.variants[0], 2, PaymentMethod::Wallet).await;
    let early = RequestRefund {
        order_id: order.id,
        line_ids: Vec::new(),
        amount_minor: Some(5_000),
        reason: "DAMAGED".to_owned(),
        idempotency_key: "r1".to_owned(),
    };
    assert_eq!(code(refund::request(app, &buyer.actor, early.clone()).await), Code::InvalidTransition);
    let done = complete(&world, &staff, &order).await;
    // The reaction dies after taking the money, and runs again; then the event comes twice.
    payment::capture_split(app, order.id).await.unwrap();
    world.drain().await;
    order::settle(app, &event_of(&world, "order.completed", &done)).await.unwrap();
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!((stock.on_hand, stock.reserved, stock.sold), (48, 0, 2));
    assert_eq!(world.balance(&buyer).await, 10_000_000 - order.money.total.amount_minor);
    let store_balance = async || {
        ledger::balance_of(app, LedgerAccount::StorePayable(shop.store_id), Currency::Syp)
            .await
            .unwrap()
            .amount_minor
    };
    let earned = store_balance().await;
    assert_eq!(earned, 42_500, "items less fifteen percent");
    in_order(app).await;

    let asked = join_all((0..5).map(|_| refund::request(app, &buyer.actor, early.clone()))).await;
    let ids: BTreeSet<_> = asked.into_iter().map(|answer| answer.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
    let id = *ids.first().unwrap();
    let too_much = RequestRefund {
        amount_minor: Some(order.money.total.amount_minor),
        idempotency_key: "r2".to_owned(),
        ..early.clone()
    };
    assert_eq!(code(refund::request(app, &buyer.actor, too_much).await), Code::RefundTooLarge);
    let approve = ApproveRefund { refund_id: id, liability: RefundLiability::Store };
    assert!(refund::approve(app, &buyer.actor, approve).await.is_err());
    let finance = world.actor(&world.ops(OpsRole::Finance).await).await;
    for _ in 0..2 {
        assert_eq!(refund::approve(app, &finance, approve).await.unwrap().status, RefundStatus::Approved);
    }
    world.drain().await;
    let paid = refund::of_order(app, order.id).await.unwrap().remove(0);
    assert_eq!(paid.status, RefundStatus::Succeeded);
    assert_eq!(world.balance(&buyer).await, 10_000_000 - order.money.total.amount_minor + 5_000);
    assert_eq!(store_balance().await, earned - 5_000 + 750, "the store pays, its commission comes back");
    assert_eq!(world.order(order.id).await.refunded.amount_minor, 5_000);
    in_order(app).await;

    let rest = RequestRefund { amount_minor: None, idempotency_key: "r3".to_owned(), ..early };
    let rest = refund::request(app, &buyer.actor, rest).await.unwrap();
    assert_eq!(rest.amount.amount_minor, order.money.total.amount_minor - 5_000);
    let reject = RejectRefund { refund_id: rest.id, reason: "NO".to_owned() };
    assert_eq!(refund::reject(app, &finance, reject).await.unwrap().status, RefundStatus::Rejected);
    assert_eq!(world.order(order.id).await.refund_claimed_minor, 5_000);
}

#[tokio::test]
async fn goods_that_come_back_are_paid_by_us_to_store_and_courier() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    accept(&world, &staff, &order).await.unwrap();
    order::start_preparing(app, &staff, touch(&order)).await.unwrap();
    order::mark_ready(app, &staff, touch(&order)).await.unwrap();
    let (actor, courier) = (Actor::System("test"), app.ids.next());
    transact!(&app.mongo, "test.return", OrderError, |tx| {
        order::set_courier_in_tx(app, tx, order.id, Some(courier)).await?;
        order::hand_over_in_tx(app, tx, order.id, &actor).await?;
        order::return_in_tx(app, tx, order.id, &actor, "CUSTOMER_NO_SHOW").await?;
        Ok(())
    })
    .unwrap();
    world.drain().await;
    let returned = world.order(order.id).await;
    order::unwind(app, &event_of(&world, "order.returned", &returned)).await.unwrap();
    let balance = async |account| ledger::balance_of(app, account, Currency::Syp).await.unwrap().amount_minor;
    assert_eq!(balance(LedgerAccount::StorePayable(shop.store_id)).await, 21_250);
    let share = order.money.delivery_fee.percent(8_000).unwrap().amount_minor;
    assert_eq!(balance(LedgerAccount::CourierPayable(courier)).await, share);
    assert_eq!(world.stock(shop.variants[0]).await.sold, 1);
    in_order(app).await;
}

#[tokio::test]
async fn takeaway_changes_hands_by_code() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    world.fill(&buyer, &[(shop.variants[0], 1)]).await;
    let wish = CreateQuote {
        address_id: None,
        fulfillment: FulfillmentMethod::Pickup,
        payment_method: PaymentMethod::Cash,
        coupon_code: None,
        courier_tip_minor: 0,
        store_tip_minor: 0,
    };
    let quote = pricing::create(app, &buyer.actor, wish).await.unwrap();
    assert_eq!(quote.total.amount_minor, 25_000, "no courier, no fees");
    let group = world.place(&buyer, &quote, "k").await.unwrap();
    let order = world.order(group.order_ids[0]).await;
    accept(&world, &staff, &order).await.unwrap();
    order::start_preparing(app, &staff, touch(&order)).await.unwrap();
    order::mark_ready(app, &staff, touch(&order)).await.unwrap();
    let hand_over = |code: &str| HandOverOrder { order_id: order.id, code: code.to_owned() };
    let wrong = if order.dropoff_pin == "0000" { "0001" } else { "0000" };
    let guesses = join_all((0..15).map(|_| order::hand_over_pickup(app, &staff, hand_over(wrong)))).await;
    let wrong_codes = guesses.into_iter().filter(|g| matches!(g, Err(OrderError::WrongCode))).count();
    assert_eq!(wrong_codes, 10, "many at once are no more tries");
    let blocked = order::hand_over_pickup(app, &staff, hand_over(&order.dropoff_pin)).await;
    assert_eq!(code(blocked), Code::CodeBlocked);
    let support = world.actor(&world.ops(OpsRole::Support).await).await;
    let helped = order::hand_over_pickup(app, &support, hand_over(wrong)).await;
    assert_eq!(code(helped), Code::ActionNotAllowed, "support looks, the parties hand over");
}

#[tokio::test]
async fn takeaway_is_settled_when_it_is_collected() {
    let world = World::new().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    world.fill(&buyer, &[(shop.variants[0], 1)]).await;
    let wish = CreateQuote {
        address_id: None,
        fulfillment: FulfillmentMethod::Pickup,
        payment_method: PaymentMethod::Cash,
        coupon_code: None,
        courier_tip_minor: 0,
        store_tip_minor: 500,
    };
    let quote = pricing::create(app, &buyer.actor, wish).await.unwrap();
    let group = world.place(&buyer, &quote, "k").await.unwrap();
    let order = world.order(group.order_ids[0]).await;
    complete_pickup(&world, &staff, &order).await;
    world.drain().await;
    let owed =
        ledger::balance_of(app, LedgerAccount::StorePayable(shop.store_id), Currency::Syp).await.unwrap();
    assert_eq!(owed.amount_minor, -3_750, "the store has the cash and owes the commission");
    in_order(app).await;
}

async fn complete_pickup(world: &World, staff: &Actor, order: &Order) {
    accept(world, staff, order).await.unwrap();
    order::start_preparing(&world.app, staff, touch(order)).await.unwrap();
    order::mark_ready(&world.app, staff, touch(order)).await.unwrap();
    let command = HandOverOrder { order_id: order.id, code: order.dropoff_pin.clone() };
    let done = order::hand_over_pickup(&world.app, staff, command.clone()).await.unwrap();
    assert_eq!(done.status, S::Completed);
    assert_eq!(order::hand_over_pickup(&world.app, staff, command).await.unwrap().version, done.version);
}

#[tokio::test]
async fn reservations_of_orders_that_never_were_expire() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let buyer = world.buyer().await;
    let app = &world.app;
    let order = world.bought(&buyer, shop.variants[0], 1, PaymentMethod::Cash).await;
    let ghost: OrderId = app.ids.next();
    let until = world.now().plus(Duration::from_secs(1_800));
    daraa_domain::catalog::reserve(app, ghost, &[(shop.variants[0], 3)], until).await.unwrap();
    assert_eq!(world.stock(shop.variants[0]).await.reserved, 4);
    world.pass(Duration::from_secs(1_801));
    assert_eq!(order::release_expired(app).await.unwrap(), 1);
    let stock = world.stock(shop.variants[0]).await;
    assert_eq!(stock.reservations.iter().map(|r| r.id).collect::<Vec<_>>(), [order.id]);
}

/// A world with a card provider of its own.
async fn with_cards() -> (World, Running) {
    let key = std::fs::read_to_string(format!("{}/pay_webhook_key", env("DARAA_TEST_SECRETS_DIR"))).unwrap();
    let provider = start(Config::in_process(key.trim())).await.unwrap();
    let world = World::with(&[("DARAA_PAY_URL", provider.base_url())]).await;
    (world, provider)
}

async fn by_card(world: &World, buyer: &Buyer, shop: &Shop, token: &str) -> Order {
    world.fill(buyer, &[(shop.variants[0], 1)]).await;
    let quote = world.quote(buyer, PaymentMethod::Card).await;
    let group = world.place_by(buyer, &quote, token, Some(token)).await.unwrap();
    world.order(group.order_ids[0]).await
}

#[tokio::test]
async fn a_card_decides_whether_an_order_is_placed() {
    let (world, _provider) = with_cards().await;
    let (shop, staff) = shop(&world).await;
    let buyer = world.buyer().await;
    let placed = by_card(&world, &buyer, &shop, "tok_ok").await;
    assert_eq!(placed.status, S::Placed, "a card that is authorised at once places at once");
    let declined = by_card(&world, &buyer, &shop, "tok_declined").await;
    let reason = declined.history.last().unwrap().reason.as_deref();
    assert_eq!((declined.status, reason), (S::Expired, Some("PAYMENT_FAILED")), "known with the answer");
    assert_eq!(rules::display_status(&declined), DisplayStatus::PaymentFailed);
    world.drain().await;
    let basket = || async { cart::get(&world.app, &CartOwner::Account(buyer.who.account_id)).await.unwrap() };
    let kept: Vec<_> = basket().await.lines.iter().map(|line| (line.variant_id, line.quantity)).collect();
    assert_eq!(kept, [(shop.variants[0], 1)], "the basket is there for another try");
    cart::clear(&world.app, &CartOwner::Account(buyer.who.account_id)).await.unwrap();
    assert_eq!(world.stock(shop.variants[0]).await.reserved, 1);

    let waiting = by_card(&world, &buyer, &shop, "tok_requires_action").await;
    assert_eq!(waiting.status, S::PendingPayment);
    let all = OrderFilter::default();
    let page = PageRequest::default();
    let queue = order::of_store(&world.app, &staff, shop.store_id, &all, &page).await.unwrap();
    let seen: Vec<_> = queue.rows.into_iter().map(|(_, order)| order.id).collect();
    assert_eq!(seen, [placed.id], "what is not paid is no business of the store");
    assert_eq!(code(order::get_for(&world.app, &staff, waiting.id).await), Code::OrderNotFound);
    world.pass(Duration::from_secs(900));
    assert_eq!(order::expire_unpaid(&world.app).await.unwrap(), 1);
    world.drain().await;
    assert_eq!(world.order(waiting.id).await.status, S::Expired);
    assert_eq!(world.stock(shop.variants[0]).await.reserved, 1);
}
