#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use daraa_platform::fault::Fault as _;
use daraa_platform::money::{Currency, Money};
use daraa_platform::ports::pay::DeclineCode;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::error::PaymentErrorCode as Code;
use super::model::{
    Authorisation, CashState, NewPayment, OperationState, PaymentIntent, PaymentMethod, PaymentStatus,
};
use super::rules::{
    self, CASH_TRANSITIONS, Plan, TRANSITIONS, Verdict, allowed, collect_cash, create, plan_capture,
    plan_refund, plan_release, record, settle_cash,
};
use crate::ids::{OrderId, PaymentId};

fn now() -> Timestamp {
    Timestamp::from_millis(0)
}

fn id<I: From<ObjectId>>(n: u8) -> I {
    I::from(ObjectId::from_bytes([n; 12]))
}

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

fn new(method: PaymentMethod, shares: &[i64]) -> PaymentIntent {
    let splits = (1_u8..).zip(shares).map(|(n, minor)| (id::<OrderId>(n), syp(*minor))).collect();
    let new = NewPayment {
        id: id(100),
        group_id: id(101),
        account_id: id(102),
        method,
        splits,
        card_token: Some("tok_ok".to_owned()),
    };
    create(new, "test", now()).unwrap()
}

fn done() -> Verdict {
    Verdict::Done { provider_id: "pay_1".to_owned() }
}

fn auth() -> String {
    format!("auth:{}", id::<PaymentId>(100))
}

fn granted(shares: &[i64]) -> PaymentIntent {
    record(&new(PaymentMethod::Card, shares), &auth(), &done(), "p", now()).unwrap().unwrap().payment
}

/// Carries a plan out as if the provider said yes at once.
fn carry_out(payment: &PaymentIntent, plan: Plan) -> PaymentIntent {
    match plan {
        Plan::Nothing => payment.clone(),
        Plan::Store(change) => change.payment,
        Plan::Send { store, reference } => {
            let asked = store.map_or_else(|| payment.clone(), |p| *p);
            record(&asked, &reference, &done(), "p", now()).unwrap().map_or(asked, |c| c.payment)
        }
    }
}

#[test]
fn cash_and_wallet_are_authorised_at_once_a_card_is_not_and_nothing_costs_nothing() {
    assert_eq!(new(PaymentMethod::Cash, &[5]).status, PaymentStatus::Authorized);
    assert_eq!(new(PaymentMethod::Wallet, &[5]).status, PaymentStatus::Authorized);
    let card = new(PaymentMethod::Card, &[5, 6]);
    assert_eq!((card.status, card.unresolved, card.amount_minor), (PaymentStatus::Created, true, 11));
    let free = new(PaymentMethod::Card, &[0]);
    assert_eq!((free.status, free.unresolved), (PaymentStatus::Authorized, false));
    let captured = carry_out(&free, plan_capture(&free, id(1), "t", now()).unwrap());
    assert_eq!(captured.status, PaymentStatus::Captured);
}

#[test]
fn news_in_any_order_and_number_has_one_effect() {
    let p = granted(&[10]);
    assert!(record(&p, &auth(), &done(), "p", now()).unwrap().is_none(), "again");
    let late = Verdict::RequiresAction { provider_id: "x".to_owned(), url: None };
    assert!(record(&p, &auth(), &late, "p", now()).unwrap().is_none(), "older news");
    assert!(record(&p, "auth:other", &done(), "p", now()).unwrap().is_none(), "unknown request");
    let refused = Verdict::Declined(DeclineCode::Declined);
    let failed = record(&new(PaymentMethod::Card, &[1]), &auth(), &refused, "p", now()).unwrap().unwrap();
    assert_eq!(failed.payment.status, PaymentStatus::Failed);
    assert!(record(&failed.payment, &auth(), &done(), "p", now()).unwrap().is_none());
}

#[test]
fn what_is_authorised_too_late_is_released_and_never_announced() {
    let p = new(PaymentMethod::Card, &[10, 20]);
    let p = carry_out(&p, plan_release(&p, id(1), "t", now()).unwrap());
    let p = carry_out(&p, plan_release(&p, id(2), "t", now()).unwrap());
    assert_eq!(p.status, PaymentStatus::Expired);
    let change = record(&p, &auth(), &done(), "p", now()).unwrap().unwrap();
    assert_eq!(change.event, None);
    assert_eq!(change.payment.status, PaymentStatus::Voided);
    let voids = change.payment.operations.iter().filter(|o| o.state == OperationState::Pending).count();
    assert_eq!((voids, change.payment.unresolved), (2, true));
}

#[test]
fn a_share_is_taken_or_released_never_both() {
    let p = granted(&[10, 20]);
    let taken = carry_out(&p, plan_capture(&p, id(1), "t", now()).unwrap());
    assert_eq!(taken.status, PaymentStatus::PartiallyCaptured);
    let both = carry_out(&taken, plan_release(&taken, id(2), "t", now()).unwrap());
    assert_eq!(both.status, PaymentStatus::Captured);
    assert_eq!(
        plan_capture(&both, id(2), "t", now()).unwrap_err().user_code(),
        Some(Code::InvalidTransition)
    );
    assert!(matches!(plan_capture(&both, id(1), "t", now()).unwrap(), Plan::Nothing));
    let refunded = carry_out(&both, plan_release(&both, id(1), "t", now()).unwrap());
    assert_eq!(refunded.status, PaymentStatus::Refunded);
    assert!(matches!(plan_release(&refunded, id(1), "t", now()).unwrap(), Plan::Nothing));
    // A release under way excludes a capture.
    let Plan::Send { store: Some(releasing), .. } = plan_release(&p, id(1), "t", now()).unwrap() else {
        panic!("a release asks the provider")
    };
    assert!(plan_capture(&releasing, id(1), "t", now()).is_err());
}

#[test]
fn cash_is_collected_once_exactly_and_handed_in_oldest_first() {
    let p = new(PaymentMethod::Cash, &[100]);
    let wrong = collect_cash(&p, id(1), id(9), syp(99), "k", now()).unwrap_err();
    assert_eq!(wrong.user_code(), Some(Code::WrongCashAmount));
    let p = collect_cash(&p, id(1), id(9), syp(100), "k", now()).unwrap().unwrap().payment;
    assert_eq!(p.status, PaymentStatus::Captured);
    assert!(collect_cash(&p, id(1), id(9), syp(100), "k", now()).unwrap().is_none(), "again");
    assert!(collect_cash(&p, id(1), id(8), syp(100), "k", now()).is_err(), "another courier");
    let newer = new(PaymentMethod::Cash, &[50]);
    let newer = collect_cash(&newer, id(1), id(9), syp(50), "k", now()).unwrap().unwrap().payment;
    let both = [p, newer];
    let after = settle_cash(&both, id(9), syp(120), "f", now()).unwrap();
    let state = |n: usize| after[n].splits[0].cash.as_ref().unwrap().state;
    assert_eq!((state(0), state(1)), (CashState::Settled, CashState::Short));
    for (before, after) in both.iter().zip(&after) {
        let steps: Vec<&str> = after.history.iter().rev().take(2).map(|step| step.action.as_str()).collect();
        assert_eq!(steps, ["cash handed in", "cash declared"], "what was not declared is declared with it");
        assert_eq!(after.version, before.version + 1, "one change");
    }
    let rest = settle_cash(&after, id(9), syp(30), "f", now()).unwrap();
    assert_eq!(rest.len(), 1, "what is settled is not touched again");
    assert_eq!(rest.last().unwrap().history.len(), after[1].history.len() + 1, "declared once");
    assert_eq!(rest.last().unwrap().splits[0].cash.as_ref().unwrap().state, CashState::Settled);
    assert!(settle_cash(&both, id(9), syp(151), "f", now()).is_err(), "more than is carried");
}

#[test]
fn declared_cash_is_not_declared_again_and_not_collected_again() {
    let p = new(PaymentMethod::Cash, &[100]);
    assert!(settle_cash(std::slice::from_ref(&p), id(9), syp(100), "f", now()).is_err(), "nobody has it yet");
    let p = collect_cash(&p, id(1), id(9), syp(100), "k", now()).unwrap().unwrap().payment;
    let p = rules::declare_cash(&p, id(9), "k", now()).unwrap().unwrap();
    assert!(rules::declare_cash(&p, id(9), "k", now()).unwrap().is_none());
    assert!(collect_cash(&p, id(1), id(9), syp(100), "k", now()).is_err());
    let p = settle_cash(&[p], id(9), syp(100), "f", now()).unwrap().remove(0);
    let declared = p.history.iter().filter(|step| step.action == "cash declared").count();
    assert_eq!((declared, p.splits[0].cash.as_ref().unwrap().state), (1, CashState::Settled));
}

#[test]
fn a_refund_waits_for_the_share_to_be_taken() {
    for p in [granted(&[10]), new(PaymentMethod::Wallet, &[10]), new(PaymentMethod::Cash, &[10])] {
        let early = plan_refund(&p, id(1), syp(4), id(7), "t", now()).unwrap_err();
        assert_eq!(early.user_code(), Some(Code::OutcomeUnknown));
        assert!(early.retryable(), "it is asked for again");
        let taken = carry_out(&p, plan_capture(&p, id(1), "t", now()).unwrap());
        let back = carry_out(&taken, plan_refund(&taken, id(1), syp(4), id(7), "t", now()).unwrap());
        assert_eq!(back.splits[0].refunded_minor, 4);
        let released = carry_out(&p, plan_release(&p, id(1), "t", now()).unwrap());
        let never = plan_refund(&released, id(1), syp(4), id(7), "t", now()).unwrap_err();
        assert_eq!(never.user_code(), Some(Code::RefundExceedsCaptured));
    }
}

#[test]
fn a_banks_page_nobody_needs_any_more_is_looked_at_daily() {
    let p = new(PaymentMethod::Card, &[10]);
    let asked = Verdict::RequiresAction { provider_id: "x".to_owned(), url: None };
    let p = record(&p, &auth(), &asked, "p", now()).unwrap().unwrap().payment;
    let hour = std::time::Duration::from_secs(3_600);
    assert_eq!(rules::look_again_after(&p, 50), hour);
    let abandoned = carry_out(&p, plan_release(&p, id(1), "t", now()).unwrap());
    assert_eq!(abandoned.status, PaymentStatus::Expired);
    assert_eq!(rules::look_again_after(&abandoned, 50), hour * 24);
    // An answer that was lost is still looked for: the bank may hold the customer's money.
    let lost = new(PaymentMethod::Card, &[10]);
    let lost = carry_out(&lost, plan_release(&lost, id(1), "t", now()).unwrap());
    assert_eq!((lost.status, rules::look_again_after(&lost, 50)), (PaymentStatus::Expired, hour));
}

#[test]
fn a_card_token_is_as_long_as_checkout_takes_it() {
    let by = |length: usize| {
        let new = NewPayment {
            id: id(100),
            group_id: id(101),
            account_id: id(102),
            method: PaymentMethod::Card,
            splits: vec![(id(1), syp(5))],
            card_token: Some("x".repeat(length)),
        };
        create(new, "test", now())
    };
    assert!(by(rules::MAX_CARD_TOKEN_BYTES).is_ok());
    assert_eq!(by(rules::MAX_CARD_TOKEN_BYTES + 1).unwrap_err().user_code(), Some(Code::CardTokenRequired));
}

#[test]
fn the_tables_have_no_dead_end_before_the_end() {
    use PaymentStatus::{Expired, Failed, Lost, Refunded, Voided, Won};
    let ends = [Failed, Lost, Refunded, Voided, Won, Expired];
    for t in TRANSITIONS {
        let leaves = TRANSITIONS.iter().any(|other| other.from == Some(t.to));
        assert!(leaves || ends.contains(&t.to), "{:?} leads nowhere", t.to);
    }
    assert!(allowed(CASH_TRANSITIONS, CashState::Settled, CashState::Settled));
    assert!(!allowed(CASH_TRANSITIONS, CashState::Settled, CashState::Due));
    assert!(rules::retry_after(0) < rules::retry_after(3));
}

#[derive(Debug, Clone)]
enum Act {
    Capture(u8),
    Release(u8),
    Refund(u8, i64, u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1_u8..4).prop_map(Act::Capture),
        (1_u8..4).prop_map(Act::Release),
        ((1_u8..4), 1_i64..500, any::<u8>()).prop_map(|(o, m, r)| Act::Refund(o, m, r)),
    ];
    prop::collection::vec(act, 0..30)
}

proptest! {
    #[test]
    fn no_history_breaks_the_bounds(
        acts in acts(),
        method in prop_oneof![Just(PaymentMethod::Card), Just(PaymentMethod::Wallet), Just(PaymentMethod::Cash)],
        shares in prop::collection::vec(0_i64..1_000, 3),
    ) {
        let mut p = new(method, &shares);
        if p.authorisation != Authorisation::Granted {
            p = record(&p, &auth(), &done(), "p", now()).unwrap().unwrap().payment;
        }
        for act in acts {
            let plan = match act {
                Act::Capture(o) => plan_capture(&p, id(o), "t", now()),
                Act::Release(o) => plan_release(&p, id(o), "t", now()),
                Act::Refund(o, minor, refund) => plan_refund(&p, id(o), syp(minor), id(refund), "t", now()),
            };
            let before = p.status;
            if let Ok(plan) = plan {
                p = carry_out(&p, plan);
            }
            prop_assert!(allowed(TRANSITIONS, before, p.status));
            for s in &p.splits {
                prop_assert!(s.captured_minor + s.voided_minor <= s.amount_minor, "captured ≤ authorised");
                prop_assert!(s.refunded_minor <= s.captured_minor, "refunds ≤ captures");
                prop_assert!(s.captured_minor == 0 || s.captured_minor == s.amount_minor, "one capture");
            }
            // What the provider was told is what the shares show.
            let told: i64 = p.operations.iter()
                .filter(|o| o.kind == daraa_platform::ports::pay::PayOperationKind::Refund
                    && o.state == OperationState::Done)
                .map(|o| o.amount_minor).sum();
            prop_assert_eq!(told, p.splits.iter().map(|s| s.refunded_minor).sum::<i64>());
        }
    }
}
