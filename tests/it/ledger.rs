//! The books: zero-sum, balances that follow their entries, wallets under a rush, settlements and refunds.

use std::fmt::Write as _;

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::app::App;
use daraa_domain::ids::{AccountId, OrderId, StoreId};
use daraa_domain::ledger::LedgerError;
use daraa_domain::ledger::wallet::{self, CreditWallet, WalletOwner};
use daraa_domain::ledger::{
    self, CommissionStatus, CostBearer, LedgerAccount, LedgerErrorCode, NewTransaction, PaymentMethod,
    RefundLiability, RefundPosting, Settlement, TransactionKind, rules,
};
use daraa_platform::money::{Currency, Money};
use daraa_platform::paging::PageRequest;
use daraa_platform::transact;
use daraa_tests::World;
use futures_util::future::join_all;
use serde_json::json;

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

/// Puts money into a wallet the way finance does, without people.
async fn fund(app: &App, account_id: AccountId, amount: Money) {
    transact!(&app.mongo, "test.fund", LedgerError, |tx| {
        let new = NewTransaction {
            reference: format!("fund:{account_id}:{}", amount.amount_minor),
            kind: TransactionKind::ManualCredit,
            order_id: None,
            actor: "test".to_owned(),
            entries: vec![
                (LedgerAccount::CustomerWallet(account_id), amount),
                (LedgerAccount::BankClearing, amount.negate()?),
            ],
        };
        ledger::post_in_tx(app, tx, new).await?;
        Ok(())
    })
    .unwrap();
}

async fn hold(app: &App, account_id: AccountId, order_id: OrderId, amount: Money) -> Result<(), LedgerError> {
    transact!(&app.mongo, "test.hold", LedgerError, |tx| {
        wallet::hold_in_tx(app, tx, account_id, order_id, amount).await
    })
}

async fn in_order(app: &App) {
    assert_eq!(ledger::check(app).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn fifty_parallel_withdrawals_take_what_is_there_and_no_more() {
    let world = World::new().await;
    let app = &*world.app;
    let account: AccountId = app.ids.next();
    fund(app, account, syp(1_000)).await;
    let orders: Vec<OrderId> = (0..50).map(|_| app.ids.next()).collect();
    let outcomes = join_all(orders.iter().map(|order| hold(app, account, *order, syp(100)))).await;
    let (won, lost): (Vec<_>, Vec<_>) = orders.iter().zip(outcomes).partition(|(_, o)| o.is_ok());
    assert_eq!(won.len(), 10, "exactly what the wallet pays for");
    for (_, refused) in lost {
        assert_eq!(refused.unwrap_err().user_code(), Some(LedgerErrorCode::InsufficientFunds));
    }
    let held = wallet::of(app, account, Currency::Syp).await.unwrap().unwrap();
    assert_eq!((held.balance_minor, held.available_minor, held.holds.len()), (1_000, 0, 10));
    let captures = join_all(won.iter().map(|(order, _)| async move {
        transact!(&app.mongo, "test.capture", LedgerError, |tx| {
            wallet::capture_in_tx(app, tx, **order, "test").await
        })
    }))
    .await;
    assert!(captures.into_iter().all(|c| c.unwrap() == Some(syp(100))));
    let empty = wallet::of(app, account, Currency::Syp).await.unwrap().unwrap();
    assert_eq!((empty.balance_minor, empty.available_minor, empty.holds.len()), (0, 0, 0));
    let page = PageRequest { size: 100, ..PageRequest::default() };
    let actor = Actor::Person(daraa_domain::actor::Person {
        account_id: account,
        session_id: app.ids.next(),
        ops: None,
        courier_id: None,
        staff: Vec::new(),
    });
    let rows = wallet::movements(app, &actor, empty.id, &page).await.unwrap().rows;
    let mut after: Vec<i64> = rows.iter().filter_map(|(_, row)| row.balance_after_minor).collect();
    after.sort_unstable();
    assert_eq!(after, (0..10).map(|n| n * 100).collect::<Vec<_>>(), "each capture left another balance");
    in_order(app).await;
}

#[tokio::test]
async fn a_hold_is_placed_released_and_captured_once() {
    let world = World::new().await;
    let app = &*world.app;
    let (account, order): (AccountId, OrderId) = (app.ids.next(), app.ids.next());
    fund(app, account, syp(300)).await;
    hold(app, account, order, syp(200)).await.unwrap();
    hold(app, account, order, syp(200)).await.unwrap();
    assert_eq!(wallet::of(app, account, Currency::Syp).await.unwrap().unwrap().available_minor, 100);
    for _ in 0..2 {
        transact!(&app.mongo, "test.release", LedgerError, |tx| wallet::release_in_tx(app, tx, order).await)
            .unwrap();
    }
    let free = wallet::of(app, account, Currency::Syp).await.unwrap().unwrap();
    assert_eq!((free.balance_minor, free.available_minor), (300, 300));
    let late = transact!(&app.mongo, "test.capture", LedgerError, |tx| {
        wallet::capture_in_tx(app, tx, order, "test").await
    });
    assert_eq!(late.unwrap(), None, "what was released is not taken");
    in_order(app).await;
}

#[tokio::test]
async fn one_cause_is_booked_once_and_unbalanced_entries_never() {
    let world = World::new().await;
    let app = &*world.app;
    let store: StoreId = app.ids.next();
    let post = |reference: &'static str, back: i64| async move {
        transact!(&app.mongo, "test.post", LedgerError, |tx| {
            let new = NewTransaction {
                reference: reference.to_owned(),
                kind: TransactionKind::Settlement,
                order_id: None,
                actor: "test".to_owned(),
                entries: vec![
                    (LedgerAccount::StorePayable(store), syp(10)),
                    (LedgerAccount::OrderFunds, syp(back)),
                ],
            };
            ledger::post_in_tx(app, tx, new).await
        })
    };
    let outcomes = join_all((0..10).map(|_| post("once", -10))).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.user_code(), Some(LedgerErrorCode::AlreadyPosted));
    }
    assert!(post("unbalanced", -9).await.is_err());
    let balance = ledger::balance_of(app, LedgerAccount::StorePayable(store), Currency::Syp).await.unwrap();
    assert_eq!(balance, syp(10));
    in_order(app).await;
}

fn settlement(app: &App, currency: Currency) -> Settlement {
    let m = |minor| Money::new(minor, currency);
    Settlement {
        order_id: app.ids.next(),
        store_id: app.ids.next(),
        courier_id: Some(app.ids.next()),
        method: PaymentMethod::Card,
        items: m(10_001),
        discount: m(1_001),
        discount_bearer: Some(CostBearer::Platform),
        delivery_fee: m(1_503),
        cash_fee: m(0),
        courier_tip: m(77),
        store_tip: m(33),
        tax: m(501),
        total: m(10_613),
        commission_bps: 1_500,
        courier_share_bps: 8_000,
    }
}

async fn settle(app: &App, order: &Settlement) {
    transact!(&app.mongo, "test.settle", LedgerError, |tx| ledger::settle_order_in_tx(app, tx, order).await)
        .unwrap();
}

#[tokio::test]
async fn an_order_is_settled_once_in_every_currency_and_refunds_take_it_apart_again() {
    let world = World::new().await;
    let app = &*world.app;
    for currency in [Currency::Syp, Currency::Usd, Currency::Kwd, Currency::Jpy] {
        let order = settlement(app, currency);
        join_all((0..5).map(|_| async {
            // Whoever loses the race finds it done.
            let outcome = transact!(&app.mongo, "test.settle", LedgerError, |tx| {
                ledger::settle_order_in_tx(app, tx, &order).await
            });
            if let Err(e) = outcome {
                assert_eq!(e.user_code(), Some(LedgerErrorCode::AlreadyPosted));
            }
        }))
        .await;
        settle(app, &order).await;
        let m = |minor| Money::new(minor, currency);
        let store = LedgerAccount::StorePayable(order.store_id);
        let courier = LedgerAccount::CourierPayable(order.courier_id.unwrap());
        // 10 001 − 15 % commission (1 500) − tax 501 + tip 33.
        assert_eq!(ledger::balance_of(app, store, currency).await.unwrap(), m(8_033));
        // 80 % of 1 503 (1 202) + tip 77.
        assert_eq!(ledger::balance_of(app, courier, currency).await.unwrap(), m(1_279));

        // The items go back in two refunds at the store's expense: exactly the commission comes back with them.
        for items in [3_333, 6_668] {
            let refund = RefundPosting {
                refund_id: app.ids.next(),
                order_id: order.order_id,
                store_id: order.store_id,
                courier_id: order.courier_id,
                amount: m(items),
                of_items: m(items),
                of_tax: m(0),
                items_paid: m(10_001),
                liability: RefundLiability::Store,
            };
            for _ in 0..2 {
                transact!(&app.mongo, "test.refund", LedgerError, |tx| {
                    ledger::reverse_for_refund_in_tx(app, tx, &refund).await
                })
                .unwrap();
            }
        }
        assert_eq!(ledger::balance_of(app, store, currency).await.unwrap(), m(33 - 501));
        let owner = Actor::Person(daraa_domain::actor::Person {
            account_id: app.ids.next(),
            session_id: app.ids.next(),
            ops: Some(OpsRole::Finance),
            courier_id: None,
            staff: Vec::new(),
        });
        let page = PageRequest::default();
        let commissions =
            ledger::commissions(app, &owner, Some(order.store_id), CommissionStatus::Reversed, &page)
                .await
                .unwrap();
        let commission = &commissions.rows[0].1;
        assert_eq!((commission.amount_minor, commission.reversed_minor), (1_500, 1_500));
        let earnings = ledger::store_earnings(app, &owner, order.store_id, &page).await.unwrap();
        assert_eq!(earnings.rows.len(), 2, "a sale and a tip, once");
        // The platform paid the discount and kept its part of the fee; with what came in the books are even.
        let funds = ledger::balance_of(app, LedgerAccount::OrderFunds, currency).await.unwrap();
        assert_eq!(
            funds,
            m(10_001 - 10_613),
            "the refunds are owed to the customer, the total was not taken"
        );
    }
    in_order(app).await;
}

#[tokio::test]
async fn takeaway_in_cash_leaves_the_store_owing() {
    let world = World::new().await;
    let app = &*world.app;
    let order = Settlement {
        courier_id: None,
        method: PaymentMethod::Cash,
        delivery_fee: syp(0),
        courier_tip: syp(0),
        total: syp(9_033),
        ..settlement(app, Currency::Syp)
    };
    settle(app, &order).await;
    let store = LedgerAccount::StorePayable(order.store_id);
    let balance = ledger::balance_of(app, store, Currency::Syp).await.unwrap();
    assert_eq!(balance, syp(8_033 - 9_033), "its till holds more than it earned");
    let funds = ledger::balance_of(app, LedgerAccount::OrderFunds, Currency::Syp).await.unwrap();
    assert!(funds.is_zero());
    in_order(app).await;
}

#[tokio::test]
async fn earnings_become_available_when_their_hold_is_over() {
    let world = World::new().await;
    let app = &*world.app;
    settle(app, &settlement(app, Currency::Syp)).await;
    assert_eq!(ledger::release_earnings(app).await.unwrap(), 0);
    world.pass(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(ledger::release_earnings(app).await.unwrap(), 4);
    assert_eq!(ledger::release_earnings(app).await.unwrap(), 0);
}

#[tokio::test]
async fn the_check_finds_what_was_altered_behind_our_back() {
    let world = World::new().await;
    let app = &*world.app;
    let order = settlement(app, Currency::Syp);
    settle(app, &order).await;
    fund(app, app.ids.next(), syp(5)).await;
    in_order(app).await;
    let db = app.mongo.db();
    let balances = db.collection::<mongodb::bson::Document>("ledger_balances");
    let wallets = db.collection::<mongodb::bson::Document>("wallets");
    for collection in [balances, wallets] {
        let more = mongodb::bson::doc! { "$inc": { "balance_minor": 1_i64 } };
        collection.update_one(mongodb::bson::doc! {}, more).await.unwrap();
    }
    assert_eq!(ledger::check(app).await.unwrap().len(), 2);
}

const CREDIT: &str = "mutation($i: WalletCreditInput!) { walletCredit(input: $i) {
    wallet { balance { amountMinor currency } available { amountMinor } transactions { nodes { type status note } } }
    userErrors { code field } } }";

#[tokio::test]
async fn finance_credits_a_wallet_once_and_nobody_else_does() {
    let world = World::new().await;
    let customer = world.customer().await;
    let finance = world.ops(OpsRole::Finance).await;
    let input = |key: &str, minor: i64| {
        json!({ "i": { "phone": customer.phone, "amountMinor": minor, "currency": "SYP",
            "reason": "Deposit at the desk", "idempotencyKey": key } })
    };
    for _ in 0..2 {
        let answer = world.gql(&finance.token, CREDIT, input("k1", 5_000)).await;
        let wallet = &answer["walletCredit"]["wallet"];
        assert_eq!(wallet["balance"], json!({ "amountMinor": 5_000, "currency": "SYP" }), "{answer}");
    }
    let code = |answer: &serde_json::Value| answer["walletCredit"]["userErrors"][0]["code"].clone();
    let reused = world.gql(&finance.token, CREDIT, input("k1", 6_000)).await;
    assert_eq!(code(&reused), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(&world.gql(&finance.token, CREDIT, input("k2", 0)).await), "INVALID_AMOUNT");
    assert_eq!(code(&world.gql(&finance.token, CREDIT, input("", 1)).await), "INVALID_IDEMPOTENCY_KEY");
    let raw = world.gql_raw(Some(&customer.token), CREDIT, input("k3", 1)).await;
    assert_eq!(raw["errors"][0]["extensions"]["code"], "FORBIDDEN", "{raw}");
    let mine = "{ myWallet { balance { amountMinor } held { amountMinor } } }";
    let answer = world.gql(&customer.token, mine, json!({})).await;
    assert_eq!(answer["myWallet"]["balance"]["amountMinor"], 5_000);
    in_order(&world.app).await;
}

#[tokio::test]
async fn the_same_credit_at_the_same_time_is_one() {
    let world = World::new().await;
    let customer = world.customer().await;
    let finance = world.actor(&world.ops(OpsRole::Finance).await).await;
    let command = CreditWallet {
        owner: WalletOwner::Account(customer.account_id),
        amount: syp(700),
        reason: "Goodwill".to_owned(),
        idempotency_key: "k".to_owned(),
    };
    let outcomes = join_all((0..10).map(|_| wallet::credit(&world.app, &finance, command.clone()))).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap().balance_minor, 700);
    }
    in_order(&world.app).await;
}

#[test]
fn the_steps_of_an_earning() {
    let mut table = String::new();
    for t in rules::EARNING_TRANSITIONS {
        writeln!(table, "{:?} → {:?}: {} ({})", t.from, t.to, t.action, t.who).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn what_leaves_nothing_to_book_is_settled_once_all_the_same() {
    let world = World::new().await;
    let app = &*world.app;
    let order = Settlement {
        courier_id: None,
        method: PaymentMethod::Cash,
        items: syp(5_000),
        discount: syp(0),
        discount_bearer: None,
        delivery_fee: syp(0),
        courier_tip: syp(0),
        store_tip: syp(0),
        tax: syp(0),
        total: syp(5_000),
        commission_bps: 0,
        ..settlement(app, Currency::Syp)
    };
    let refund = RefundPosting {
        refund_id: app.ids.next(),
        order_id: order.order_id,
        store_id: order.store_id,
        courier_id: None,
        amount: syp(5_000),
        of_items: syp(5_000),
        of_tax: syp(0),
        items_paid: syp(5_000),
        liability: RefundLiability::Store,
    };
    let charge = || async {
        transact!(&app.mongo, "test.refund", LedgerError, |tx| {
            ledger::reverse_for_refund_in_tx(app, tx, &refund).await
        })
    };
    assert_eq!(charge().await.unwrap_err().user_code(), Some(LedgerErrorCode::NotSettled));
    for _ in 0..2 {
        settle(app, &order).await;
    }
    join_all((0..5).map(|_| async {
        let outcome = transact!(&app.mongo, "test.settle", LedgerError, |tx| {
            ledger::settle_order_in_tx(app, tx, &order).await
        });
        outcome.unwrap();
    }))
    .await;
    let store = LedgerAccount::StorePayable(order.store_id);
    assert!(ledger::balance_of(app, store, Currency::Syp).await.unwrap().is_zero());
    let rows = async |collection: &str| {
        let filter = mongodb::bson::doc! { "order_id": order.order_id };
        let rows = app.mongo.db().collection::<mongodb::bson::Document>(collection);
        rows.count_documents(filter).await.unwrap()
    };
    assert_eq!(
        (rows("commissions").await, rows("earnings").await, rows("ledger_transactions").await),
        (1, 1, 0)
    );
    charge().await.unwrap();
    assert_eq!(ledger::balance_of(app, store, Currency::Syp).await.unwrap(), syp(-5_000));
    in_order(app).await;
}
