#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{deserialize_from_document, serialize_to_document};
use proptest::prelude::*;

use super::model::Refund;
use super::rules::{self, Parts, RefundStatus};
use crate::ids::OrderLineId;
use crate::order::error::OrderError;
use crate::order::model::{ItemClaims, Order};
use crate::order::rules::OrderStatus;

fn id<T: From<ObjectId>>(n: u8) -> T {
    T::from(ObjectId::from_bytes([n; 12]))
}

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

/// Two lines, 10 and 11, of which 9,000 and 4,500 were paid, 900 and 450 of it tax; 15,800 in all.
fn completed() -> Order {
    crate::order::tests::order(OrderStatus::Completed)
}

fn refund(order: &Order, parts: Parts) -> Refund {
    Refund {
        id: id(7),
        order_id: order.id,
        account_id: order.account_id,
        store_id: order.store_id,
        lines: parts.lines,
        amount: parts.amount,
        of_items: parts.of_items,
        of_tax: parts.of_tax,
        reason: "x".to_owned(),
        status: RefundStatus::Requested,
        liability: None,
        history: Vec::new(),
        version: 1,
        created_at: Timestamp::from_millis(0),
    }
}

/// Asks for a refund and claims it.
fn ask(order: &mut Order, lines: &[u8], amount: Option<i64>) -> Result<Refund, OrderError> {
    let lines: Vec<OrderLineId> = lines.iter().map(|n| id(*n)).collect();
    let asked = refund(order, rules::parts(order, &lines, amount)?);
    (order.refund_claimed_minor, order.claimed_items) = rules::claim(order, &asked);
    Ok(asked)
}

fn give_up(order: &mut Order, asked: &Refund) {
    (order.refund_claimed_minor, order.claimed_items) = rules::unclaim(order, asked);
}

fn left(outcome: Result<Refund, OrderError>) -> i64 {
    match outcome {
        Err(OrderError::RefundTooLarge { left }) => left.amount_minor,
        other => panic!("{other:?}"),
    }
}

fn split(refund: &Refund) -> (i64, i64, i64) {
    (refund.amount.amount_minor, refund.of_items.amount_minor, refund.of_tax.amount_minor)
}

#[test]
fn a_line_is_given_back_once() {
    let mut order = completed();
    assert_eq!(split(&ask(&mut order, &[11], None).unwrap()), (4_500, 4_050, 450));
    assert_eq!(left(ask(&mut order, &[11], None)), 0);
    assert_eq!(left(ask(&mut order, &[11], Some(1))), 0);
    let both = ask(&mut order, &[10, 11], None).unwrap();
    assert_eq!(split(&both), (9_000, 8_100, 900), "the other line is left");
    assert_eq!(both.lines.len(), 1);
    assert_eq!(split(&ask(&mut order, &[], None).unwrap()), (2_300, 0, 0), "fee and tip are left");
}

#[test]
fn a_line_in_two_parts_is_the_line() {
    let mut order = completed();
    let first = ask(&mut order, &[11], Some(1_501)).unwrap();
    assert_eq!(left(ask(&mut order, &[11], Some(3_000))), 2_999);
    let second = ask(&mut order, &[11], None).unwrap();
    assert_eq!(first.of_tax.add(second.of_tax).unwrap(), syp(450));
    assert_eq!(first.amount.add(second.amount).unwrap(), syp(4_500));
}

#[test]
fn amounts_take_the_items_and_their_tax_once() {
    let mut order = completed();
    let parts: Vec<_> = (0..3).map(|_| split(&ask(&mut order, &[], Some(5_000)).unwrap())).collect();
    assert_eq!(parts, [(5_000, 4_500, 500), (5_000, 4_500, 500), (5_000, 3_150, 350)]);
    assert_eq!(left(ask(&mut order, &[10], None)), 0, "all items are given back");
    assert_eq!(left(ask(&mut order, &[], Some(801))), 800);
}

#[test]
fn what_came_to_nothing_can_be_asked_for_again() {
    let mut order = completed();
    let line = ask(&mut order, &[10], None).unwrap();
    let amount = ask(&mut order, &[], Some(3_000)).unwrap();
    give_up(&mut order, &line);
    assert_eq!(split(&ask(&mut order, &[10], None).unwrap()), split(&line));
    give_up(&mut order, &amount);
    give_up(&mut order, &line);
    assert_eq!((order.refund_claimed_minor, order.claimed_items), (0, ItemClaims::default()));
}

#[test]
fn a_discount_on_the_delivery_fee_is_none_on_the_items() {
    let mut order = completed();
    for line in &mut order.lines {
        line.discount = syp(0);
    }
    assert_eq!(rules::items_paid(&order).unwrap(), syp(15_000));
    order.money.total = syp(15_800);
    assert_eq!(split(&ask(&mut order, &[], None).unwrap()), (15_800, 13_650, 1_350));
}

#[test]
fn an_order_written_before_claims_were_kept_is_read() {
    let mut old = serialize_to_document(&completed()).unwrap();
    old.remove("claimed_items");
    let order: Order = deserialize_from_document(old).unwrap();
    assert_eq!(order.claimed_items, ItemClaims::default());
}

#[derive(Debug, Clone)]
enum Act {
    Ask(Vec<u8>, Option<i64>),
    GiveUp(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let lines = prop_oneof![Just(vec![]), Just(vec![10]), Just(vec![11]), Just(vec![10, 11])];
    let act = prop_oneof![
        3 => (lines, prop::option::of(1..6_000_i64)).prop_map(|(lines, amount)| Act::Ask(lines, amount)),
        1 => (0..8_usize).prop_map(Act::GiveUp),
    ];
    prop::collection::vec(act, 0..20)
}

proptest! {
    /// Whatever is asked for and given up: never more than was paid, of the total, the items, the tax and each line;
    /// and when everything is asked for, exactly that.
    #[test]
    fn refunds_never_give_back_twice_and_in_the_end_all(
        acts in acts(),
        taxes in (0..4_000_i64, 0..2_000_i64),
    ) {
        let mut order = completed();
        order.lines[0].tax = syp(taxes.0);
        order.lines[1].tax = syp(taxes.1);
        order.money.tax = syp(taxes.0 + taxes.1);
        let mut living: Vec<Refund> = Vec::new();
        for act in acts.into_iter().chain([Act::Ask(vec![], None)]) {
            match act {
                Act::Ask(lines, amount) => {
                    if let Ok(asked) = ask(&mut order, &lines, amount) {
                        prop_assert!(asked.amount.amount_minor > 0);
                        prop_assert!(asked.of_items.amount_minor >= 0 && asked.of_tax.amount_minor >= 0);
                        living.push(asked);
                    }
                }
                Act::GiveUp(n) if n < living.len() => give_up(&mut order, &living.remove(n)),
                Act::GiveUp(_) => {}
            }
            let of_line = |n: u8| -> i64 {
                let named = living.iter().flat_map(|r| &r.lines).filter(|line| line.line_id == id(n));
                named.map(|line| line.amount.amount_minor).sum()
            };
            prop_assert!(of_line(10) <= 9_000 && of_line(11) <= 4_500);
            let sum = |of: fn(&Refund) -> i64| living.iter().map(of).sum::<i64>();
            let tax = sum(|r| r.of_tax.amount_minor);
            let items = sum(|r| r.of_items.amount_minor) + tax;
            prop_assert!(items <= 13_500 && tax <= taxes.0 + taxes.1);
            let all = sum(|r| r.amount.amount_minor);
            prop_assert!(all <= 15_800 && all - items <= 2_300);
            let claims = &order.claimed_items;
            let kept = (order.refund_claimed_minor, claims.items_minor, claims.tax_minor);
            prop_assert_eq!(kept, (all, items, tax));
            prop_assert_eq!((claims.of_line(id(10)), claims.of_line(id(11))), (of_line(10), of_line(11)));
        }
        let sum = |of: fn(&Refund) -> i64| living.iter().map(of).sum::<i64>();
        prop_assert_eq!(sum(|r| r.amount.amount_minor), 15_800);
        prop_assert_eq!(sum(|r| r.of_items.amount_minor + r.of_tax.amount_minor), 13_500);
        prop_assert_eq!(sum(|r| r.of_tax.amount_minor), taxes.0 + taxes.1);
    }
}
