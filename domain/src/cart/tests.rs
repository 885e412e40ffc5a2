#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use daraa_platform::fault::Lang;
use daraa_platform::money::{Currency, Money};
use mongodb::bson::oid::ObjectId;

use super::error::CartError;
use super::model::{CartLine, CartProblemCode as Code, MAX_LINES, MAX_QUANTITY, MAX_STORES};
use super::rules::{LineFacts, Offered, StoreFacts, add, merge, note, problems, quantity};

fn id<T: From<ObjectId>>(n: u8) -> T {
    T::from(ObjectId::from_bytes([n; 12]))
}

fn syp(minor: i64) -> Money {
    Money::new(minor, Currency::Syp)
}

fn line(n: u8, store: u8, quantity: i64) -> CartLine {
    CartLine {
        id: id(n),
        store_id: id(store),
        product_id: id(n),
        variant_id: id(n),
        quantity,
        modifier_ids: Vec::new(),
        note: None,
        seen_price: syp(100),
    }
}

#[test]
fn the_same_thing_joins_its_line_and_other_choices_do_not() {
    let mut lines = vec![line(1, 1, 2)];
    add(&mut lines, CartLine { id: id(9), ..line(1, 1, 3) }).unwrap();
    assert_eq!((lines.len(), lines[0].quantity), (1, 5));
    add(&mut lines, CartLine { modifier_ids: vec![id(7)], ..line(1, 1, 1) }).unwrap();
    add(&mut lines, CartLine { note: Some("no onion".to_owned()), ..line(1, 1, 1) }).unwrap();
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_cart_has_bounds() {
    let mut lines: Vec<CartLine> = (1..=MAX_LINES).map(|n| line(u8::try_from(n).unwrap(), 1, 1)).collect();
    assert!(matches!(add(&mut lines, line(200, 1, 1)), Err(CartError::CartFull { .. })));
    let mut lines: Vec<CartLine> =
        (1..=MAX_STORES).map(|n| line(u8::try_from(n).unwrap(), u8::try_from(n).unwrap(), 1)).collect();
    assert!(matches!(add(&mut lines, line(200, 200, 1)), Err(CartError::TooManyStores { .. })));
    let mut lines = vec![line(1, 1, MAX_QUANTITY)];
    assert!(matches!(add(&mut lines, line(1, 1, 1)), Err(CartError::QuantityOutOfRange { .. })));
    for wrong in [0, -1, MAX_QUANTITY + 1, i64::MAX] {
        assert!(quantity(wrong).is_err(), "{wrong}");
    }
    assert_eq!(note(Some("  ".to_owned())).unwrap(), None);
    assert!(note(Some("x".repeat(201))).is_err());
}

#[test]
fn merging_refuses_nothing_and_keeps_the_bounds() {
    let mut lines = vec![line(1, 1, 90)];
    let others = (2..=100).map(|n| line(n, 2, 1));
    merge(&mut lines, std::iter::once(line(1, 1, 50)).chain(others).collect());
    assert_eq!(lines[0].quantity, MAX_QUANTITY);
    assert_eq!(lines.len(), MAX_LINES);
}

fn facts(n: u8, store: u8, quantity: i64, offered: Option<(i64, Option<i64>)>) -> LineFacts {
    LineFacts {
        line_id: id(n),
        store_id: id(store),
        variant_id: id(50 + store),
        quantity,
        seen_price: syp(100),
        offered: offered.map(|(price, available)| Offered { unit_price: syp(price), available }),
    }
}

fn shop(n: u8) -> StoreFacts {
    StoreFacts { store_id: id(n), currency: Currency::Syp, open: true, covers: Some(true), min_order: None }
}

#[test]
fn nothing_is_wrong_with_a_good_cart() {
    assert_eq!(problems(&[facts(1, 1, 2, Some((100, Some(2))))], &[shop(1)]), []);
}

#[test]
fn each_problem_names_its_lines_and_stores() {
    let lines = [
        facts(1, 1, 2, Some((120, None))),
        facts(2, 2, 3, Some((100, Some(4)))),
        facts(3, 2, 2, Some((100, Some(4)))),
        facts(4, 3, 1, None),
    ];
    let stores = [
        StoreFacts { open: false, ..shop(1) },
        StoreFacts { covers: Some(false), min_order: Some(syp(501)), ..shop(2) },
        StoreFacts { currency: Currency::Usd, ..shop(3) },
    ];
    let found: Vec<_> = problems(&lines, &stores)
        .into_iter()
        .map(|p| (p.code, p.line_ids, p.store_ids, p.quantity_available))
        .collect();
    let expected = vec![
        (Code::StoreClosed, vec![id(1)], vec![id(1)], None),
        (Code::OutOfArea, vec![id(2), id(3)], vec![id(2)], None),
        (Code::BelowMinimum, vec![id(2), id(3)], vec![id(2)], None),
        (Code::MixedCurrencies, vec![id(4)], vec![id(3)], None),
        (Code::PriceChanged, vec![id(1)], vec![id(1)], None),
        (Code::Unavailable, vec![id(4)], vec![id(3)], None),
        (Code::SoldOut, vec![id(2), id(3)], vec![id(2)], Some(4)),
    ];
    assert_eq!(found, expected);
    for problem in problems(&lines, &stores) {
        assert!(!problem.message(Lang::Ar).is_empty() && !problem.message(Lang::En).is_empty());
    }
}

#[test]
fn the_minimum_is_for_the_worth_of_today() {
    let stores = [StoreFacts { min_order: Some(syp(200)), ..shop(1) }];
    assert_eq!(problems(&[facts(1, 1, 2, Some((100, None)))], &stores), []);
    let cheaper = problems(&[facts(1, 1, 2, Some((99, None)))], &stores);
    assert!(cheaper.iter().any(|p| p.code == Code::BelowMinimum && p.amount == Some(syp(200))));
}
