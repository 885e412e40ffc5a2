#![allow(clippy::unwrap_used, reason = "tests")]

use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::{MAX_QUANTITY, Reservation, StockItem, StockLevel, totals};
use crate::ids::{OrderId, VariantId};

fn variant(n: u8) -> VariantId {
    ObjectId::from_bytes([n; 12]).into()
}

fn order(n: u8) -> OrderId {
    ObjectId::from_bytes([n; 12]).into()
}

fn book(on_hand: i64) -> StockItem {
    let any = ObjectId::from_bytes([9; 12]);
    StockItem::opened(variant(1), any.into(), any.into(), true, on_hand)
}

#[test]
fn lines_of_one_variant_are_one_quantity() {
    let sums = totals(&[(variant(2), 3), (variant(1), 1), (variant(2), 4)]).unwrap();
    assert_eq!(sums.into_iter().collect::<Vec<_>>(), vec![(variant(1), 1), (variant(2), 7)]);
    for bad in [0, -1, MAX_QUANTITY + 1, i64::MAX, i64::MIN] {
        assert!(totals(&[(variant(1), bad)]).is_none(), "{bad}");
    }
    assert!(totals(&[(variant(1), MAX_QUANTITY), (variant(1), 1)]).is_none());
}

#[test]
fn untracked_stock_never_ends() {
    assert!(StockLevel::Untracked.covers(i64::MAX));
    assert!(StockLevel::Left(3).covers(3) && !StockLevel::Left(3).covers(4));
}

/// The updates of `store.rs` as plain arithmetic; the integration tests prove that MongoDB does the same.
#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve(u8, i64),
    Settle(u8, bool),
    Adjust(i64),
}

fn apply(item: &mut StockItem, step: Step) {
    match step {
        Step::Reserve(who, quantity) => {
            let id = order(who);
            if item.on_hand >= quantity && item.reservations.iter().all(|r| r.id != id) {
                item.on_hand -= quantity;
                item.reserved += quantity;
                item.reservations.push(Reservation { id, quantity, expires_at: None });
            }
        }
        Step::Settle(who, sold) => {
            if let Some(at) = item.reservations.iter().position(|r| r.id == order(who)) {
                let quantity = item.reservations.remove(at).quantity;
                item.reserved -= quantity;
                *if sold { &mut item.sold } else { &mut item.on_hand } += quantity;
            }
        }
        Step::Adjust(delta) => {
            if item.on_hand >= -delta {
                item.on_hand += delta;
                item.adjusted -= delta;
            }
        }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..6_u8, 1..8_i64).prop_map(|(who, quantity)| Step::Reserve(who, quantity)),
        (1..6_u8, any::<bool>()).prop_map(|(who, sold)| Step::Settle(who, sold)),
        (-6..6_i64).prop_map(Step::Adjust),
    ]
}

proptest! {
    #[test]
    fn the_books_balance_after_every_step(
        on_hand in 0..30_i64, steps in proptest::collection::vec(any_step(), 0..60),
    ) {
        let mut item = book(on_hand);
        prop_assert!(item.balanced());
        for step in steps {
            apply(&mut item, step);
            prop_assert!(item.balanced(), "{step:?} {item:?}");
        }
    }

    #[test]
    fn a_lost_piece_is_seen(on_hand in 0..30_i64, lost in 1..5_i64, which in 0..4_u8) {
        let mut item = book(on_hand);
        match which {
            0 => item.on_hand -= lost,
            1 => item.reserved += lost,
            2 => item.sold += lost,
            _ => item.adjusted += lost,
        }
        prop_assert!(!item.balanced());
    }
}
