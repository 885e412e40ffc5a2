#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use daraa_platform::fault::Fault as _;
use daraa_platform::money::Currency;
use daraa_platform::time::Timestamp;

use super::error::PromotionErrorCode as Code;
use super::model::{CostBearer, CouponKind, NewCoupon};
use super::rules::{check_terms, fold_code, kept_value};

fn terms() -> NewCoupon {
    NewCoupon {
        code: " eid 10 ".to_owned(),
        kind: CouponKind::Percent,
        value: 1_000,
        currency: Currency::Syp,
        max_discount_minor: Some(500_000),
        min_order_minor: 0,
        store_id: None,
        valid_from: Timestamp::from_millis(0),
        valid_to: Timestamp::from_millis(1),
        limit_total: Some(1),
        limit_per_customer: 1,
        bearer: CostBearer::Platform,
    }
}

#[test]
fn codes_fold_case_and_spaces_and_nothing_else() {
    assert_eq!(fold_code(" eid 10 ").as_deref(), Some("EID10"));
    assert_eq!(fold_code("عيد-١٠").as_deref(), Some("عيد-١٠"));
    for bad in ["", "ab", "a$b$c", &"x".repeat(33)] {
        assert_eq!(fold_code(bad), None, "{bad}");
    }
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let refused = |new: NewCoupon| check_terms(&new).unwrap_err().user_code().unwrap();
    assert_eq!(check_terms(&terms()).unwrap(), "EID10");
    assert_eq!(refused(NewCoupon { code: "?".to_owned(), ..terms() }), Code::InvalidCode);
    assert_eq!(refused(NewCoupon { value: 10_001, ..terms() }), Code::InvalidValue);
    assert_eq!(refused(NewCoupon { value: 0, ..terms() }), Code::InvalidValue);
    assert_eq!(refused(NewCoupon { kind: CouponKind::Fixed, value: -1, ..terms() }), Code::InvalidValue);
    assert_eq!(refused(NewCoupon { max_discount_minor: Some(0), ..terms() }), Code::InvalidAmount);
    assert_eq!(refused(NewCoupon { min_order_minor: -1, ..terms() }), Code::InvalidAmount);
    assert_eq!(refused(NewCoupon { limit_total: Some(0), ..terms() }), Code::InvalidLimit);
    assert_eq!(refused(NewCoupon { limit_per_customer: 0, ..terms() }), Code::InvalidLimit);
    assert_eq!(refused(NewCoupon { limit_per_customer: 101, ..terms() }), Code::InvalidLimit);
    assert_eq!(refused(NewCoupon { valid_to: Timestamp::from_millis(0), ..terms() }), Code::InvalidPeriod);
}

#[test]
fn what_is_wrong_is_said_of_its_own_field() {
    let field = |new: NewCoupon| check_terms(&new).unwrap_err().field().join(".");
    assert_eq!(field(NewCoupon { value: 0, ..terms() }), "value");
    assert_eq!(field(NewCoupon { max_discount_minor: Some(0), ..terms() }), "maxDiscountMinor");
    assert_eq!(field(NewCoupon { min_order_minor: -1, ..terms() }), "minOrderMinor");
    assert_eq!(field(NewCoupon { limit_total: Some(0), ..terms() }), "limitTotal");
    assert_eq!(field(NewCoupon { limit_per_customer: 0, ..terms() }), "limitPerCustomer");
}

#[test]
fn the_value_of_free_delivery_is_ignored() {
    for value in [-5, 0, i64::MAX] {
        let new = NewCoupon { kind: CouponKind::FreeDelivery, value, ..terms() };
        assert!(check_terms(&new).is_ok(), "{value}");
        assert_eq!(kept_value(&new), 0);
    }
    assert_eq!(kept_value(&terms()), terms().value);
}
