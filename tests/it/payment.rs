//! Payments against a real (simulated) provider: answers that get lost, news that comes late and twice, shares
//! that are taken once, and books that equal the provider's own log.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use daraa_bench::paysim::book::{Kind, Status};
use daraa_bench::paysim::{Config, Delivery, Running, start};
use daraa_domain::actor::{Actor, OpsRole, Person};
use daraa_domain::app::App;
use daraa_domain::ids::{AccountId, CourierId, OrderGroupId, OrderId, PaymentId, RefundId};
use daraa_domain::indexes;
use daraa_domain::ledger::{self, LedgerAccount, wallet};
use daraa_domain::payment::{
    self, NewPayment, PaymentError, PaymentErrorCode as Code, PaymentIntent, PaymentMethod, PaymentStatus,
    SettleCash, SignedWebhook, rules,
};
use daraa_platform::money::{Currency, Money};
use daraa_platform::transact;
use daraa_tests::{World, env};
use futures_util::future::{join_all, try_join};
use mongodb::bson::{Document, doc};

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

/// A world with a provider of its own, whose webhooks the test delivers itself.
async fn world() -> (World, Running) {
    let key = std::fs::read_to_string(format!("{}/pay_webhook_key", env("DARAA_TEST_SECRETS_DIR"))).unwrap();
    let provider = start(Config::in_process(key.trim())).await.unwrap();
    let world = World::with(&[("DARAA_PAY_URL", provider.base_url())]).await;
    (world, provider)
}

struct Purchase {
    id: PaymentId,
    account: AccountId,
    orders: Vec<OrderId>,
}

async fn try_purchase(
    app: &App,
    method: PaymentMethod,
    token: &str,
    shares: &[i64],
    account: AccountId,
) -> Result<Purchase, PaymentError> {
    let orders: Vec<OrderId> = shares.iter().map(|_| app.ids.next()).collect();
    let (id, group): (PaymentId, OrderGroupId) = (app.ids.next(), app.ids.next());
    let splits: Vec<_> = orders.iter().copied().zip(shares.iter().map(|s| syp(*s))).collect();
    transact!(&app.mongo, "test.create", PaymentError, |tx| {
        let new = NewPayment {
            id,
            group_id: group,
            account_id: account,
            method,
            splits: splits.clone(),
            card_token: Some(token.to_owned()),
        };
        payment::create_in_tx(app, tx, new).await?;
        Ok(())
    })?;
    Ok(Purchase { id, account, orders })
}

async fn purchase(app: &App, method: PaymentMethod, token: &str, shares: &[i64]) -> Purchase {
    try_purchase(app, method, token, shares, app.ids.next()).await.unwrap()
}

async fn deliver(app: &App, news: &Delivery) -> Result<(), PaymentError> {
    let webhook =
        SignedWebhook { timestamp: &news.timestamp, signature: &news.signature, body: news.body.as_bytes() };
    payment::receive_webhook(app, "card", webhook).await
}

fn buyer(app: &App, account_id: AccountId) -> Actor {
    Actor::Person(Person {
        account_id,
        session_id: app.ids.next(),
        ops: None,
        courier_id: None,
        staff: Vec::new(),
    })
}

/// The books are in order, and what they say about the provider is what the provider says itself.
async fn in_order(app: &App, provider: &Running) {
    assert_eq!(ledger::check(app).await.unwrap(), Vec::new());
    let moved: i64 = provider
        .log()
        .iter()
        .filter(|entry| entry.operation.status == Status::Succeeded)
        .map(|entry| match entry.operation.kind {
            Kind::Capture => -entry.operation.amount_minor,
            Kind::Refund => entry.operation.amount_minor,
            Kind::Authorise | Kind::Void => 0,
        })
        .sum();
    let clearing = ledger::balance_of(app, LedgerAccount::ProviderClearing, Currency::Syp).await.unwrap();
    assert_eq!(clearing.amount_minor, moved, "our books and the provider's log");
}

fn count(provider: &Running, kind: Kind) -> usize {
    provider.log().iter().filter(|entry| entry.operation.kind == kind).count()
}

/// Runs the job until nothing is unresolved.
async fn resolve(world: &World) {
    for _ in 0..20 {
        world.pass(Duration::from_secs(3_600));
        if payment::resolve_unknown(&world.app).await.unwrap() == 0 {
            return;
        }
    }
    panic!("payments stay unresolved");
}

#[tokio::test]
async fn a_card_is_authorised_captured_by_order_and_refunded() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_ok", &[700, 300]).await;
    assert_eq!(payment::authorise(app, p.id).await.unwrap().status, PaymentStatus::Authorized);
    let captured = payment::capture_split(app, p.orders[0]).await.unwrap();
    assert_eq!(captured.status, PaymentStatus::PartiallyCaptured);
    let released = payment::release_split(app, p.orders[1]).await.unwrap();
    assert_eq!(released.status, PaymentStatus::Captured);
    let refund: RefundId = app.ids.next();
    for _ in 0..2 {
        let after = payment::refund(app, p.orders[0], syp(200), refund).await.unwrap();
        assert_eq!(after.status, PaymentStatus::PartiallyRefunded);
    }
    let too_much = payment::refund(app, p.orders[0], syp(501), app.ids.next()).await.unwrap_err();
    assert_eq!(too_much.user_code(), Some(Code::RefundExceedsCaptured));
    let rest = payment::release_split(app, p.orders[0]).await.unwrap();
    assert_eq!(rest.status, PaymentStatus::Refunded);
    assert_eq!((count(&provider, Kind::Capture), count(&provider, Kind::Refund)), (1, 2));
    let funds = ledger::balance_of(app, LedgerAccount::OrderFunds, Currency::Syp).await.unwrap();
    assert!(funds.is_zero(), "everything came in and went back");
    in_order(app, &provider).await;
}

#[tokio::test]
async fn declined_cards_fail_with_their_reason() {
    let (world, provider) = world().await;
    let app = &*world.app;
    for token in ["tok_declined", "tok_insufficient", "tok_of_nobody"] {
        let p = purchase(app, PaymentMethod::Card, token, &[5]).await;
        let failed = payment::authorise(app, p.id).await.unwrap();
        assert_eq!((failed.status, failed.decline.is_some()), (PaymentStatus::Failed, true), "{token}");
        assert!(payment::capture_split(app, p.orders[0]).await.is_err());
    }
    in_order(app, &provider).await;
}

#[tokio::test]
async fn lost_answers_are_looked_up_and_nothing_happens_twice() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_lost_answer", &[900]).await;
    let unknown = payment::authorise(app, p.id).await.unwrap();
    assert_eq!((unknown.status, unknown.unresolved), (PaymentStatus::Created, true), "not guessed");
    resolve(&world).await;
    assert_eq!(payment::of_order(app, p.orders[0]).await.unwrap().status, PaymentStatus::Authorized);
    let lost = payment::capture_split(app, p.orders[0]).await.unwrap_err();
    assert_eq!(lost.user_code(), Some(Code::OutcomeUnknown));
    // Asked again by its key, it says "done" without doing it again.
    assert_eq!(payment::capture_split(app, p.orders[0]).await.unwrap().status, PaymentStatus::Captured);
    assert!(payment::refund(app, p.orders[0], syp(900), app.ids.next()).await.is_err());
    resolve(&world).await;
    assert_eq!(payment::of_order(app, p.orders[0]).await.unwrap().status, PaymentStatus::Refunded);
    let kinds = [Kind::Authorise, Kind::Capture, Kind::Refund].map(|kind| count(&provider, kind));
    assert_eq!(kinds, [1, 1, 1]);
    in_order(app, &provider).await;
}

#[tokio::test]
async fn webhook_and_confirm_at_once_authorise_and_capture_once() {
    let (world, provider) = world().await;
    let app = &*world.app;
    for _ in 0..5 {
        let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[50]).await;
        let waiting = payment::authorise(app, p.id).await.unwrap();
        assert_eq!(waiting.status, PaymentStatus::RequiresAction);
        assert!(waiting.action_url.is_some());
        let stranger = buyer(app, app.ids.next());
        let foreign = payment::confirm(app, &stranger, p.id).await.unwrap_err();
        assert_eq!(foreign.user_code(), Some(Code::PaymentNotFound));
        provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
        let news = provider.take_webhooks();
        let actor = buyer(app, p.account);
        // The answer to the customer, the newest webhook, and the older one last.
        let (_, _) = try_join(
            payment::confirm(app, &actor, p.id),
            join_all(news.iter().rev().map(|n| deliver(app, n))).then_all(),
        )
        .await
        .unwrap();
        let authorised = payment::of_order(app, p.orders[0]).await.unwrap();
        assert_eq!(authorised.status, PaymentStatus::Authorized);
        assert_eq!(authorised.history.iter().filter(|h| h.action == "authorise done").count(), 1);

        let outcomes = join_all((0..4).map(|_| payment::capture_split(app, p.orders[0]))).await;
        assert!(outcomes.iter().any(Result::is_ok));
        let news = provider.take_webhooks();
        join_all(news.iter().chain(&news).map(|n| deliver(app, n))).then_all().await.unwrap();
        let captured = payment::capture_split(app, p.orders[0]).await.unwrap();
        assert_eq!((captured.status, captured.splits[0].captured_minor), (PaymentStatus::Captured, 50));
    }
    assert_eq!(count(&provider, Kind::Capture), 5);
    in_order(app, &provider).await;
}

/// All outcomes or the first error.
trait ThenAll<T, E> {
    async fn then_all(self) -> Result<Vec<T>, E>;
}

impl<F: Future<Output = Vec<Result<T, E>>>, T, E> ThenAll<T, E> for F {
    async fn then_all(self) -> Result<Vec<T>, E> {
        self.await.into_iter().collect()
    }
}

#[tokio::test]
async fn webhooks_without_a_good_signature_change_nothing() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[50]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
    let news = provider.take_webhooks().pop().unwrap();
    let forged = [
        Delivery { body: news.body.replace("50", "51"), ..news.clone() },
        Delivery { signature: String::new(), ..news.clone() },
        Delivery { timestamp: "0".to_owned(), ..news.clone() },
    ];
    for delivery in &forged {
        let refused = deliver(app, delivery).await.unwrap_err();
        assert_eq!(refused.user_code(), Some(Code::WebhookRejected));
    }
    let unmoved = payment::of_order(app, p.orders[0]).await.unwrap();
    assert_eq!(unmoved.status, PaymentStatus::RequiresAction);
    deliver(app, &news).await.unwrap();
    assert_eq!(payment::process_webhooks(app).await.unwrap(), 0, "nothing is left over");
    let done = payment::of_order(app, p.orders[0]).await.unwrap();
    assert_eq!(done.status, PaymentStatus::Authorized);
}

/// What the payments' collection takes from now on.
async fn payments_take(world: &World, validator: Document) {
    let command = doc! { "collMod": "payments", "validator": validator };
    world.app.mongo.db().run_command(command).await.unwrap();
}

#[tokio::test]
async fn news_that_cannot_be_dealt_with_yet_are_tried_again_later() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[50]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
    let news = provider.take_webhooks().pop().unwrap();
    let declared = indexes::ALL.iter().find(|of| of.collection == "payments").unwrap();
    // The database takes no change of a payment for a while.
    payments_take(&world, doc! { "nobody": true }).await;
    assert!(deliver(app, &news).await.is_err());
    for _ in 0..3 {
        world.pass(Duration::from_secs(3_600));
        assert_eq!(payment::process_webhooks(app).await.unwrap(), 0);
        assert_eq!(payment::process_webhooks(app).await.unwrap(), 0, "not at once again");
    }
    payments_take(&world, declared.shape.validator()).await;
    world.pass(Duration::from_secs(86_400));
    assert_eq!(payment::process_webhooks(app).await.unwrap(), 1);
    let done = payment::of_order(app, p.orders[0]).await.unwrap();
    assert_eq!(done.status, PaymentStatus::Authorized);
    assert_eq!(payment::process_webhooks(app).await.unwrap(), 0, "nothing is left over");
}

#[tokio::test]
async fn webhooks_that_were_dealt_with_go_after_a_month_and_the_others_stay() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[50]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
    deliver(app, &provider.take_webhooks().pop().unwrap()).await.unwrap();
    let inbox = app.mongo.db().collection::<Document>("payment_webhooks");
    let mut pending = inbox.find_one(doc! {}).await.unwrap().unwrap();
    pending.insert("_id", "card:waits");
    pending.insert("state", "PENDING");
    inbox.insert_one(pending).await.unwrap();

    assert_eq!(payment::purge_webhooks(app).await.unwrap(), 0);
    world.pass(Duration::from_secs(31 * 86_400));
    assert_eq!(payment::purge_webhooks(app).await.unwrap(), 1);
    assert_eq!(payment::purge_webhooks(app).await.unwrap(), 0);
    assert_eq!(inbox.count_documents(doc! { "_id": "card:waits" }).await.unwrap(), 1);
}

#[tokio::test]
async fn orders_that_end_before_the_bank_answers_are_released_when_it_does() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[60, 40]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    for order in &p.orders {
        payment::release_split(app, *order).await.unwrap();
    }
    assert_eq!(payment::of_order(app, p.orders[0]).await.unwrap().status, PaymentStatus::Expired);
    provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
    resolve(&world).await;
    let voided = payment::of_order(app, p.orders[0]).await.unwrap();
    assert_eq!((voided.status, voided.unresolved), (PaymentStatus::Voided, false));
    assert_eq!(provider.log().last().unwrap().payment.voided_minor, 100, "nothing stays reserved");
    in_order(app, &provider).await;
}

#[tokio::test]
async fn twenty_refunds_at_once_never_exceed_what_was_taken() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_ok", &[1_000]).await;
    payment::authorise(app, p.id).await.unwrap();
    payment::capture_split(app, p.orders[0]).await.unwrap();
    let refunds: Vec<RefundId> = (0..20).map(|_| app.ids.next()).collect();
    join_all(refunds.iter().map(|id| payment::refund(app, p.orders[0], syp(300), *id))).await;
    // Those that only met each other may be asked for again; the bound holds whatever happens.
    for id in &refunds {
        payment::refund(app, p.orders[0], syp(300), *id).await.ok();
    }
    let after: PaymentIntent = payment::of_order(app, p.orders[0]).await.unwrap();
    assert_eq!(after.splits[0].refunded_minor, 900);
    assert_eq!(count(&provider, Kind::Refund), 3);
    in_order(app, &provider).await;
}

#[tokio::test]
async fn a_wallet_pays_by_order_and_gets_back_what_is_released_or_refunded() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let customer = world.customer().await;
    let finance = world.actor(&world.ops(OpsRole::Finance).await).await;
    let credit = wallet::CreditWallet {
        owner: wallet::WalletOwner::Account(customer.account_id),
        amount: syp(1_000),
        reason: "Deposit".to_owned(),
        idempotency_key: "k".to_owned(),
    };
    wallet::credit(app, &finance, credit).await.unwrap();
    let account = customer.account_id;
    let p = try_purchase(app, PaymentMethod::Wallet, "", &[600, 300], account).await.unwrap();
    let poor = try_purchase(app, PaymentMethod::Wallet, "", &[101], account).await.err().unwrap();
    assert_eq!(poor.user_code(), Some(Code::InsufficientFunds));
    payment::release_split(app, p.orders[1]).await.unwrap();
    for _ in 0..2 {
        let captured = payment::capture_split(app, p.orders[0]).await.unwrap();
        assert_eq!(captured.status, PaymentStatus::Captured);
    }
    payment::refund(app, p.orders[0], syp(100), app.ids.next()).await.unwrap();
    let after = wallet::of(app, account, Currency::Syp).await.unwrap().unwrap();
    assert_eq!((after.balance_minor, after.available_minor), (500, 500));
    in_order(app, &provider).await;
}

#[tokio::test]
async fn cash_goes_from_the_door_to_finance() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let courier: CourierId = app.ids.next();
    let mut orders = Vec::new();
    for minor in [1_000, 500] {
        let p = purchase(app, PaymentMethod::Cash, "", &[minor]).await;
        let collect = |amount: Money| {
            let order = p.orders[0];
            async move {
                transact!(&app.mongo, "test.collect", PaymentError, |tx| {
                    payment::collect_cash_in_tx(app, tx, order, courier, amount).await
                })
            }
        };
        let wrong = collect(syp(minor - 1)).await.unwrap_err();
        assert_eq!(wrong.user_code(), Some(Code::WrongCashAmount));
        collect(syp(minor)).await.unwrap();
        collect(syp(minor)).await.unwrap();
        payment::capture_split(app, p.orders[0]).await.unwrap();
        orders.push(p.orders[0]);
    }
    assert_eq!(ledger::float_of(app, courier, Currency::Syp).await.unwrap().owed, syp(1_500));
    let rider = Actor::Person(Person {
        account_id: app.ids.next(),
        session_id: app.ids.next(),
        ops: None,
        courier_id: Some(courier),
        staff: Vec::new(),
    });
    assert_eq!(payment::declare_cash(app, &rider).await.unwrap(), 2);
    let finance = world.actor(&world.ops(OpsRole::Finance).await).await;
    let settle = |minor: i64, key: &str| {
        let command = SettleCash { courier_id: courier, amount: syp(minor), idempotency_key: key.to_owned() };
        payment::settle_cash(app, &finance, command)
    };
    for _ in 0..2 {
        assert_eq!(settle(1_200, "k1").await.unwrap().owed, syp(300));
    }
    let reused = settle(1, "k1").await.unwrap_err();
    assert_eq!(reused.user_code(), Some(Code::IdempotencyKeyReused));
    assert_eq!(settle(301, "k2").await.unwrap_err().user_code(), Some(Code::InvalidAmount));
    assert_eq!(settle(300, "k3").await.unwrap().owed, syp(0));
    assert!(settle(0, "k4").await.is_err());
    let states: Vec<_> = join_all(orders.iter().map(|o| payment::of_order(app, *o)))
        .await
        .into_iter()
        .map(|p| p.unwrap().splits[0].cash.as_ref().unwrap().state)
        .collect();
    assert_eq!(states, [payment::CashState::Settled; 2]);
    in_order(app, &provider).await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_later() {
    let (world, provider) = world().await;
    let app = &*world.app;
    drop(provider);
    let p = purchase(app, PaymentMethod::Card, "tok_ok", &[5]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    assert_eq!((waiting.status, waiting.unresolved), (PaymentStatus::Created, true));
    world.pass(Duration::from_secs(60));
    assert_eq!(payment::resolve_unknown(app).await.unwrap(), 1, "looked after, not lost");
    assert!(payment::of_order(app, p.orders[0]).await.unwrap().unresolved);
}

fn render<S: Debug>(table: &[rules::Transition<S>]) -> String {
    let mut text = String::new();
    for t in table {
        match &t.from {
            Some(from) => writeln!(text, "{from:?} → {:?}: {} ({})", t.to, t.action, t.who).unwrap(),
            None => writeln!(text, "— → {:?}: {} ({})", t.to, t.action, t.who).unwrap(),
        }
    }
    text
}

#[test]
fn the_steps_of_a_payment() {
    insta::assert_snapshot!(render(rules::TRANSITIONS));
}

#[test]
fn the_steps_of_cash() {
    insta::assert_snapshot!(render(rules::CASH_TRANSITIONS));
}

#[tokio::test]
async fn cash_that_was_not_declared_is_declared_when_it_is_handed_in() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let courier: CourierId = app.ids.next();
    let p = purchase(app, PaymentMethod::Cash, "", &[1_000]).await;
    let order = p.orders[0];
    transact!(&app.mongo, "test.collect", PaymentError, |tx| {
        payment::collect_cash_in_tx(app, tx, order, courier, syp(1_000)).await
    })
    .unwrap();
    let finance = world.actor(&world.ops(OpsRole::Finance).await).await;
    for (minor, left) in [(400, 600), (600, 0)] {
        let command =
            SettleCash { courier_id: courier, amount: syp(minor), idempotency_key: format!("k{minor}") };
        assert_eq!(payment::settle_cash(app, &finance, command).await.unwrap().owed, syp(left));
    }
    let after = payment::of_order(app, order).await.unwrap();
    assert_eq!(after.splits[0].cash.as_ref().unwrap().state, payment::CashState::Settled);
    let steps: Vec<&str> = after.history.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(steps, ["create", "collect cash", "cash declared", "cash handed in", "cash handed in"]);
    in_order(app, &provider).await;
}

#[tokio::test]
async fn a_banks_page_nobody_needs_any_more_is_looked_at_once_a_day() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_requires_action", &[50]).await;
    let waiting = payment::authorise(app, p.id).await.unwrap();
    assert_eq!(payment::release_split(app, p.orders[0]).await.unwrap().status, PaymentStatus::Expired);
    let day = Duration::from_secs(24 * 3_600);
    world.pass(Duration::from_secs(10));
    for _ in 0..3 {
        assert_eq!(payment::resolve_unknown(app).await.unwrap(), 1);
        let next = payment::of_order(app, p.orders[0]).await.unwrap().next_try_at;
        assert_eq!(next, world.now().plus(day));
        world.pass(Duration::from_secs(3_600));
        assert_eq!(payment::resolve_unknown(app).await.unwrap(), 0);
        world.pass(day);
    }
    provider.confirm_action(waiting.provider_id.as_deref().unwrap(), true).unwrap();
    resolve(&world).await;
    assert_eq!(payment::of_order(app, p.orders[0]).await.unwrap().status, PaymentStatus::Voided);
    in_order(app, &provider).await;
}

#[tokio::test]
async fn a_refund_before_the_capture_is_asked_for_again() {
    let (world, provider) = world().await;
    let app = &*world.app;
    let p = purchase(app, PaymentMethod::Card, "tok_ok", &[700]).await;
    payment::authorise(app, p.id).await.unwrap();
    let refund: RefundId = app.ids.next();
    let early = payment::refund(app, p.orders[0], syp(200), refund).await.unwrap_err();
    assert_eq!(early.user_code(), Some(Code::OutcomeUnknown));
    payment::capture_split(app, p.orders[0]).await.unwrap();
    let after = payment::refund(app, p.orders[0], syp(200), refund).await.unwrap();
    assert_eq!(after.status, PaymentStatus::PartiallyRefunded);
    in_order(app, &provider).await;
}
