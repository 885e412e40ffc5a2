#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::model::{
    Commission, CommissionStatus, CostBearer, EarningKind, LedgerAccount, Payee, PaymentMethod,
    RefundLiability, RefundPosting, Settlement,
};
use super::rules::{balanced, charge_refund, commission_status, divide};
use crate::ids::{AccountId, CourierId, OrderId, StoreId};

fn id<I: From<ObjectId>>(n: u8) -> I {
    I::from(ObjectId::from_bytes([n; 12]))
}

fn currencies() -> impl Strategy<Value = Currency> {
    // 0, 2 and 3 digits.
    prop_oneof![
        Just(Currency::Jpy),
        Just(Currency::Syp),
        Just(Currency::Usd),
        Just(Currency::Kwd),
        Just(Currency::Jod)
    ]
}

prop_compose! {
    fn settlements()(
        currency in currencies(),
        items in 0_i64..1_000_000_000,
        discount_bps in 0_i64..=10_000,
        fee in 0_i64..10_000_000,
        cash_fee in 0_i64..1_000_000,
        tips in (0_i64..1_000_000, 0_i64..1_000_000),
        tax_bps in 0_i64..3_000,
        by_store in any::<bool>(),
        courier in any::<bool>(),
        method in prop_oneof![Just(PaymentMethod::Cash), Just(PaymentMethod::Wallet), Just(PaymentMethod::Card)],
        commission_bps in 0_i64..=10_000,
        courier_share_bps in 0_i64..=10_000,
    ) -> Settlement {
        let m = |minor| Money::new(minor, currency);
        let discount = m(items).percent(discount_bps).unwrap();
        let (courier_tip, delivery_fee) = if courier { (m(tips.0), m(fee)) } else { (m(0), m(0)) };
        let after = m(items).sub(discount).unwrap();
        let tax = after.percent(tax_bps).unwrap();
        let total = Money::sum(currency, [after, delivery_fee, m(cash_fee), courier_tip, m(tips.1)]).unwrap();
        Settlement {
            order_id: id(1),
            store_id: id(2),
            courier_id: courier.then(|| id(3)),
            method,
            items: m(items),
            discount,
            discount_bearer: Some(if by_store { CostBearer::Store } else { CostBearer::Platform }),
            delivery_fee,
            cash_fee: m(cash_fee),
            courier_tip,
            store_tip: m(tips.1),
            tax,
            total,
            commission_bps,
            courier_share_bps,
        }
    }
}

fn sum_of(entries: &[(LedgerAccount, Money)], account: LedgerAccount) -> i64 {
    entries.iter().filter(|(a, _)| *a == account).map(|(_, m)| m.amount_minor).sum()
}

fn commission(currency: Currency, base_minor: i64, amount_minor: i64) -> Commission {
    Commission {
        id: id(9),
        order_id: id(1),
        store_account_id: id(2),
        courier_account_id: None,
        base_minor,
        bps: 1_500,
        amount_minor,
        refunded_base_minor: 0,
        refunded_items_minor: 0,
        reversed_minor: 0,
        currency,
        status: CommissionStatus::Final,
        created_at: Timestamp::from_millis(0),
    }
}

proptest! {
    #[test]
    fn a_settlement_sums_to_zero_and_its_parts_to_the_total(s in settlements()) {
        let division = divide(&s).unwrap();
        let total: i64 = division.entries.iter().map(|(_, m)| m.amount_minor).sum();
        prop_assert_eq!(total, 0);
        // Earnings are exactly what the payable accounts get, before the store owes what it has in its till.
        let store = LedgerAccount::StorePayable(s.store_id);
        let store_earned: i64 = division.earnings.iter()
            .filter(|(p, _, _)| *p == Payee::Store(s.store_id)).map(|(_, _, m)| m.amount_minor).sum();
        let in_till = s.method == PaymentMethod::Cash && s.courier_id.is_none();
        let owed = if in_till { s.total.amount_minor } else { 0 };
        prop_assert_eq!(sum_of(&division.entries, store), store_earned - owed);
        let courier_earned: i64 = division.earnings.iter()
            .filter(|(p, _, _)| matches!(p, Payee::Courier(_))).map(|(_, _, m)| m.amount_minor).sum();
        if let Some(courier) = s.courier_id {
            prop_assert_eq!(sum_of(&division.entries, LedgerAccount::CourierPayable(courier)), courier_earned);
        } else {
            prop_assert_eq!(courier_earned, 0);
        }
        // What was paid is what the parties get, less what we put in for the discount.
        let revenue = sum_of(&division.entries, LedgerAccount::PlatformRevenue);
        let tax = sum_of(&division.entries, LedgerAccount::Tax);
        let promotion = sum_of(&division.entries, LedgerAccount::PromotionFunding);
        prop_assert_eq!(store_earned + courier_earned + revenue + tax + promotion, s.total.amount_minor);
        prop_assert!(division.commission.amount_minor <= division.commission_base.amount_minor);
        prop_assert_eq!(tax, s.tax.amount_minor);
    }

    #[test]
    fn refunds_in_any_steps_give_the_whole_commission_back_and_sum_to_zero(
        currency in currencies(),
        base in 1_i64..1_000_000_000,
        by_us_bps in 0_i64..10_000,
        bps in 0_i64..=10_000,
        cuts in prop::collection::vec(1_i64..1_000, 1..8),
    ) {
        let charged = Money::new(base, currency).percent(bps).unwrap();
        let mut c = commission(currency, base, charged.amount_minor);
        // What we paid of the items as a discount is part of the base and was not paid by the customer.
        let by_us = Money::new(base - 1, currency).percent(by_us_bps).unwrap();
        let paid = Money::new(base, currency).sub(by_us).unwrap();
        let steps = paid.split(&cuts).unwrap();
        for step in steps {
            if step.is_zero() { continue; }
            let refund = RefundPosting {
                refund_id: id(7), order_id: id(1), store_id: id(2), courier_id: None,
                amount: step, of_items: step, of_tax: Money::zero(currency), items_paid: paid,
                liability: RefundLiability::Store,
            };
            let charge = charge_refund(&refund, &c).unwrap();
            let sum: i64 = charge.entries.iter().map(|(_, m)| m.amount_minor).sum();
            prop_assert_eq!(sum, 0);
            prop_assert!(charge.commission_back.amount_minor >= 0, "never takes commission again");
            prop_assert_eq!(
                sum_of(&charge.entries, LedgerAccount::StorePayable(id(2))),
                charge.commission_back.amount_minor - step.amount_minor
            );
            c.refunded_base_minor = charge.refunded_base_minor;
            c.refunded_items_minor = charge.refunded_items_minor;
            c.reversed_minor += charge.commission_back.amount_minor;
        }
        prop_assert_eq!(c.refunded_base_minor, base);
        prop_assert_eq!(c.reversed_minor, charged.amount_minor);
        if charged.amount_minor > 0 {
            prop_assert_eq!(commission_status(c.amount_minor, c.reversed_minor), CommissionStatus::Reversed);
        }
    }

    #[test]
    fn every_liability_sums_to_zero(
        currency in currencies(),
        items in 0_i64..1_000_000,
        tax in 0_i64..1_000_000,
        rest in 1_i64..1_000_000,
        liability in prop_oneof![
            Just(RefundLiability::Platform), Just(RefundLiability::Store), Just(RefundLiability::Courier)
        ],
    ) {
        let refund = RefundPosting {
            refund_id: id(7), order_id: id(1), store_id: id(2), courier_id: Some(id(3)),
            amount: Money::new(items + tax + rest, currency),
            of_items: Money::new(items, currency),
            of_tax: Money::new(tax, currency),
            items_paid: Money::new(2_000_000, currency),
            liability,
        };
        let charge = charge_refund(&refund, &commission(currency, 2_000_000, 300_000)).unwrap();
        let sum: i64 = charge.entries.iter().map(|(_, m)| m.amount_minor).sum();
        prop_assert_eq!(sum, 0);
        prop_assert_eq!(sum_of(&charge.entries, LedgerAccount::OrderFunds), items + tax + rest);
    }
}

#[test]
fn unbalanced_mixed_and_empty_transactions_are_refused() {
    let syp = |minor| Money::new(minor, Currency::Syp);
    let usd = |minor| Money::new(minor, Currency::Usd);
    let (a, b) = (LedgerAccount::Tax, LedgerAccount::PlatformRevenue);
    assert!(balanced(&[(a, syp(5)), (b, syp(-4))]).is_err());
    assert!(balanced(&[(a, syp(5)), (b, usd(-5))]).is_err(), "each currency for itself");
    assert!(balanced(&[]).is_err());
    assert!(balanced(&[(a, syp(0)), (b, syp(0))]).is_err());
    assert!(balanced(&[(a, syp(i64::MAX)), (a, syp(1)), (b, syp(0))]).is_err(), "overflow");
    let merged = balanced(&[(a, syp(2)), (b, syp(-5)), (a, syp(3))]).unwrap();
    assert_eq!(merged.len(), 2);
}

#[test]
fn a_settlement_that_does_not_add_up_is_refused() {
    let syp = |minor| Money::new(minor, Currency::Syp);
    let zero = syp(0);
    let fine = Settlement {
        order_id: id(1),
        store_id: id(2),
        courier_id: None,
        method: PaymentMethod::Card,
        items: syp(1_000),
        discount: zero,
        discount_bearer: None,
        delivery_fee: zero,
        cash_fee: zero,
        courier_tip: zero,
        store_tip: zero,
        tax: zero,
        total: syp(1_000),
        commission_bps: 1_500,
        courier_share_bps: 8_000,
    };
    assert_eq!(divide(&fine).unwrap().commission, syp(150));
    assert!(divide(&Settlement { total: syp(999), ..fine.clone() }).is_err());
    assert!(divide(&Settlement { commission_bps: 10_001, ..fine.clone() }).is_err());
    assert!(divide(&Settlement { items: syp(-1), total: syp(-1), ..fine.clone() }).is_err());
    let tip_without_courier = Settlement { courier_tip: syp(5), total: syp(1_005), ..fine.clone() };
    assert!(divide(&tip_without_courier).is_err());
    let discount_of_nobody = Settlement { discount: syp(5), total: syp(995), ..fine };
    assert!(divide(&discount_of_nobody).is_err());
}

#[test]
fn takeaway_in_cash_from_a_store_without_commission_has_nothing_to_book() {
    let syp = |minor| Money::new(minor, Currency::Syp);
    let zero = syp(0);
    let order = Settlement {
        order_id: id(1),
        store_id: id(2),
        courier_id: None,
        method: PaymentMethod::Cash,
        items: syp(1_000),
        discount: zero,
        discount_bearer: None,
        delivery_fee: zero,
        cash_fee: zero,
        courier_tip: zero,
        store_tip: zero,
        tax: zero,
        total: syp(1_000),
        commission_bps: 0,
        courier_share_bps: 8_000,
    };
    let division = divide(&order).unwrap();
    assert_eq!(division.entries, [], "the store has its money and owes nothing");
    assert_eq!(division.earnings, [(Payee::Store(id(2)), EarningKind::Sale, syp(1_000))]);
    let tipped = divide(&Settlement { store_tip: syp(5), total: syp(1_005), ..order.clone() }).unwrap();
    assert_eq!((tipped.entries.len(), tipped.earnings.len()), (0, 2));
    let by_card = divide(&Settlement { method: PaymentMethod::Card, ..order }).unwrap();
    assert_eq!(by_card.entries.len(), 2);
}

#[test]
fn a_refund_of_all_items_gives_the_whole_commission_back_whoever_paid_the_discount() {
    let syp = |minor| Money::new(minor, Currency::Syp);
    let refund = |of_items, of_tax, items_paid| RefundPosting {
        refund_id: id(7),
        order_id: id(1),
        store_id: id(2),
        courier_id: None,
        amount: syp(of_items + of_tax),
        of_items: syp(of_items),
        of_tax: syp(of_tax),
        items_paid: syp(items_paid),
        liability: RefundLiability::Store,
    };
    // Items for 10,000, of which a coupon of ours paid 5,000; 15 %.
    let mut c = commission(Currency::Syp, 10_000, 1_500);
    let whole = charge_refund(&refund(4_500, 500, 5_000), &c).unwrap();
    assert_eq!((whole.commission_back, whole.refunded_base_minor), (syp(1_500), 10_000));
    let half = charge_refund(&refund(2_250, 250, 5_000), &c).unwrap();
    assert_eq!((half.commission_back, half.refunded_base_minor), (syp(750), 5_000));
    c.refunded_base_minor = half.refunded_base_minor;
    c.refunded_items_minor = half.refunded_items_minor;
    c.reversed_minor = 750;
    let rest = charge_refund(&refund(2_250, 250, 5_000), &c).unwrap();
    assert_eq!((rest.commission_back, rest.refunded_base_minor), (syp(750), 10_000));
    // Fees alone give no commission back, nor does an order whose items cost the customer nothing.
    let fees = RefundPosting { amount: syp(300), ..refund(0, 0, 5_000) };
    assert!(charge_refund(&fees, &c).unwrap().commission_back.is_zero());
    let free = RefundPosting { amount: syp(300), ..refund(0, 0, 0) };
    assert!(charge_refund(&free, &c).unwrap().commission_back.is_zero());
}

#[test]
fn accounts_are_read_as_they_are_written() {
    let accounts = [
        LedgerAccount::CustomerWallet(id::<AccountId>(1)),
        LedgerAccount::StorePayable(id::<StoreId>(2)),
        LedgerAccount::CourierPayable(id::<CourierId>(3)),
        LedgerAccount::CourierFloat(id::<CourierId>(3)),
        LedgerAccount::OrderFunds,
        LedgerAccount::PlatformRevenue,
        LedgerAccount::Tax,
        LedgerAccount::PromotionFunding,
        LedgerAccount::ProviderClearing,
        LedgerAccount::BankClearing,
    ];
    for account in accounts {
        assert_eq!(account.to_string().parse(), Ok(account));
    }
    assert!("store_payable:acc_0".parse::<LedgerAccount>().is_err());
    assert!("nobody".parse::<LedgerAccount>().is_err());
    let _: OrderId = id(1);
}
