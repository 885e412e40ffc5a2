#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, serialize_to_bson};
use proptest::prelude::*;

use super::error::OrderError;
use super::model::{ItemClaims, Order, OrderDeadlines, OrderLine};
use super::refund::rules::{self as refunds, RefundAction, RefundDecision, RefundStatus};
use super::rules::{
    Decision, Guarded, OrderAction, OrderStatus as S, Party, Refusal, TRANSITIONS, available_actions,
    customer_cancel_rule, decide, group_status,
};
use crate::ledger::PaymentMethod;
use crate::place::Point;
use crate::pricing::{FulfillmentMethod, OrderMoney};
use crate::text::LocalText;

const PARTIES: [Party; 6] =
    [Party::Customer, Party::Staff, Party::Courier, Party::Ops, Party::System, Party::Provider];
const METHODS: [PaymentMethod; 3] = [PaymentMethod::Cash, PaymentMethod::Wallet, PaymentMethod::Card];
const WAYS: [FulfillmentMethod; 2] = [FulfillmentMethod::Delivery, FulfillmentMethod::Pickup];

fn id<T: From<ObjectId>>(n: u8) -> T {
    T::from(ObjectId::from_bytes([n; 12]))
}

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

fn line(n: u8, total: i64, discount: i64, tax: i64) -> OrderLine {
    OrderLine {
        id: id(n),
        product_id: id(n),
        variant_id: id(n),
        name: LocalText::new("", "x"),
        variant_name: LocalText::new("", ""),
        quantity: 1,
        modifiers: Vec::new(),
        unit_price: syp(total),
        total: syp(total),
        discount: syp(discount),
        tax: syp(tax),
        note: None,
    }
}

pub(super) fn order(status: S) -> Order {
    let now = Timestamp::from_millis(0);
    Order {
        id: id(1),
        number: "AAAA-BBBB-1".to_owned(),
        group_id: id(2),
        account_id: id(3),
        customer_name: "Somebody".to_owned(),
        store_id: id(4),
        store_name: LocalText::new("", "Store"),
        store_point: Point::new(36.1, 32.6).unwrap(),
        status,
        version: 1,
        lines: vec![line(10, 10_000, 1_000, 900), line(11, 5_000, 500, 450)],
        money: OrderMoney {
            items: syp(15_000),
            discount: syp(1_500),
            discount_bearer: Some(crate::ledger::CostBearer::Platform),
            delivery_fee: syp(2_000),
            cash_fee: syp(0),
            courier_tip: syp(300),
            store_tip: syp(0),
            tax: syp(1_350),
            total: syp(15_800),
        },
        payment_id: id(5),
        payment_method: PaymentMethod::Card,
        fulfillment: FulfillmentMethod::Delivery,
        address: None,
        distance_m: Some(1_000),
        store_code: "1234".to_owned(),
        dropoff_pin: "5678".to_owned(),
        commission_bps: 1_500,
        courier_share_bps: 8_000,
        placed_at: now,
        promised_at: None,
        ready_by: None,
        deadlines: OrderDeadlines::default(),
        history: Vec::new(),
        delivery_id: None,
        courier_id: None,
        cancellation: None,
        wrong_codes: 0,
        refund_claimed_minor: 0,
        claimed_items: ItemClaims::default(),
        refunded: syp(0),
    }
}

#[test]
fn codes_are_what_is_stored() {
    for status in S::ALL {
        assert_eq!(serialize_to_bson(status).unwrap(), Bson::from(*status));
    }
    for action in OrderAction::ALL {
        assert_eq!(serialize_to_bson(action).unwrap(), Bson::from(*action));
    }
    for status in RefundStatus::ALL {
        assert_eq!(serialize_to_bson(status).unwrap(), Bson::from(*status));
    }
}

#[test]
fn an_order_survives_its_way_through_the_database() {
    let before = order(S::Ready);
    let after: Order = mongodb::bson::deserialize_from_bson(serialize_to_bson(&before).unwrap()).unwrap();
    assert_eq!(before, after);
}

#[test]
fn every_state_can_be_reached_and_final_ones_are_final() {
    for status in S::ALL {
        assert!(TRANSITIONS.iter().any(|row| row.to == *status), "{status:?} cannot be reached");
        let leaves = TRANSITIONS.iter().any(|row| row.from == Some(*status));
        assert_eq!(status.is_final(), !leaves, "{status:?}");
    }
}

#[test]
fn a_store_alone_never_hands_over_what_a_courier_fetches() {
    let at = |fulfillment| Guarded { status: S::Ready, fulfillment, payment_method: PaymentMethod::Cash };
    let hand_over = |way, party| decide(at(way), OrderAction::HandOver, &[party]);
    assert_eq!(hand_over(FulfillmentMethod::Delivery, Party::Staff), Err(Refusal::NotAllowed));
    assert_eq!(hand_over(FulfillmentMethod::Delivery, Party::Courier), Err(Refusal::NotAllowed));
    assert_eq!(hand_over(FulfillmentMethod::Delivery, Party::System), Ok(Decision::Move(S::HandedOver)));
    assert_eq!(hand_over(FulfillmentMethod::Pickup, Party::Customer), Ok(Decision::Move(S::HandedOver)));
}

#[test]
fn a_customer_cancels_by_policy() {
    let at =
        |status, payment_method| Guarded { status, fulfillment: FulfillmentMethod::Delivery, payment_method };
    let fee = |status, method| customer_cancel_rule(at(status, method)).map(|rule| rule.fee_bps);
    assert_eq!(fee(S::Placed, PaymentMethod::Cash), Some(0));
    assert_eq!(fee(S::Accepted, PaymentMethod::Card), Some(2_000));
    assert_eq!(fee(S::Preparing, PaymentMethod::Wallet), Some(5_000));
    assert_eq!(fee(S::Accepted, PaymentMethod::Cash), None, "a fee cannot be kept of cash nobody has");
    assert_eq!(fee(S::Ready, PaymentMethod::Card), None);
    let cancel = |status| decide(at(status, PaymentMethod::Cash), OrderAction::Cancel, &[Party::Staff]);
    assert_eq!(cancel(S::Ready), Ok(Decision::Move(S::Cancelled)));
    assert_eq!(cancel(S::HandedOver), Err(Refusal::InvalidTransition));
    assert_eq!(cancel(S::Cancelled), Ok(Decision::Already));
}

#[test]
fn the_group_says_what_its_orders_say() {
    assert_eq!(group_status([]), None);
    assert_eq!(group_status([S::Ready, S::Placed, S::Completed]), Some(S::Placed));
    assert_eq!(group_status([S::Rejected, S::Completed]), Some(S::Completed));
    assert_eq!(group_status([S::Rejected, S::Cancelled]), Some(S::Cancelled));
}

fn guarded() -> impl Strategy<Value = (Guarded, Vec<(usize, Vec<usize>)>)> {
    let walk = prop::collection::vec(
        (0..OrderAction::ALL.len(), prop::collection::vec(0..PARTIES.len(), 1..3)),
        0..60,
    );
    (0..WAYS.len(), 0..METHODS.len(), walk).prop_map(|(way, method, walk)| {
        let start =
            Guarded { status: S::PendingPayment, fulfillment: WAYS[way], payment_method: METHODS[method] };
        (start, walk)
    })
}

proptest! {
    /// Random walks never leave the table, never leave a final state, and "already" never moves.
    #[test]
    fn random_walks_stay_in_the_table((start, walk) in guarded()) {
        let mut now = start;
        for (action, parties) in walk {
            let action = OrderAction::ALL[action];
            let parties: Vec<Party> = parties.into_iter().map(|p| PARTIES[p]).collect();
            let offered = available_actions(now, &parties);
            match decide(now, action, &parties) {
                Ok(Decision::Move(to)) => {
                    prop_assert!(offered.contains(&action));
                    prop_assert!(!now.status.is_final());
                    let row = TRANSITIONS
                        .iter()
                        .find(|row| row.from == Some(now.status) && row.to == to && row.action == action);
                    prop_assert!(row.is_some_and(|row| row.who.iter().any(|party| parties.contains(party))));
                    now.status = to;
                }
                Ok(Decision::Already) => {
                    prop_assert!(!offered.contains(&action));
                    prop_assert!(TRANSITIONS.iter().any(|row| row.action == action && row.to == now.status));
                }
                Err(_) => prop_assert!(!offered.contains(&action)),
            }
        }
    }

    /// A refund is never more than is left, and its parts sum to it.
    #[test]
    fn refunds_fit_and_sum(claimed in 0..15_800_i64, amount in prop::option::of(-10..20_000_i64), pick in 0..4_u8) {
        let order = Order { refund_claimed_minor: claimed, ..order(S::Completed) };
        let lines: Vec<_> = match pick { 0 => vec![], 1 => vec![id(10)], 2 => vec![id(11)], _ => vec![id(10), id(11)] };
        match refunds::parts(&order, &lines, amount) {
            Ok(parts) => {
                prop_assert!(parts.amount.amount_minor > 0);
                prop_assert!(parts.amount.amount_minor + claimed <= order.money.total.amount_minor);
                prop_assert!(parts.of_items.amount_minor >= 0 && parts.of_tax.amount_minor >= 0);
                let of_both = parts.of_items.amount_minor + parts.of_tax.amount_minor;
                prop_assert!(of_both <= parts.amount.amount_minor);
                if !lines.is_empty() {
                    let sum: i64 = parts.lines.iter().map(|line| line.amount.amount_minor).sum();
                    prop_assert_eq!(sum, parts.amount.amount_minor);
                    prop_assert_eq!(of_both, parts.amount.amount_minor);
                }
            }
            Err(e) => {
                let expected = matches!(e, OrderError::BadAmount | OrderError::RefundTooLarge { .. });
                prop_assert!(expected, "{e}");
            }
        }
    }
}

#[test]
fn a_refund_for_a_line_of_another_order_is_refused() {
    let refused = refunds::parts(&order(S::Completed), &[id(99)], None);
    assert!(matches!(refused, Err(OrderError::LineNotFound)));
}

#[test]
fn the_refund_machine_decides_by_its_table() {
    use RefundStatus as R;
    assert_eq!(refunds::decide(R::Requested, RefundAction::Approve), RefundDecision::Move(R::Approved));
    assert_eq!(refunds::decide(R::Approved, RefundAction::Approve), RefundDecision::Already);
    assert_eq!(refunds::decide(R::Rejected, RefundAction::Approve), RefundDecision::Never);
    assert_eq!(refunds::decide(R::Processing, RefundAction::Fail), RefundDecision::Move(R::Failed));
    assert_eq!(refunds::decide(R::Succeeded, RefundAction::Fail), RefundDecision::Never);
    for action in RefundAction::ALL {
        assert!(refunds::TRANSITIONS.iter().any(|(_, _, by, _)| by == action));
    }
}
