#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use daraa_platform::money::{Currency, Money};
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::model::{FulfillmentMethod, PricedItem, QuoteLineKind, QuotedStore};
use super::rules::{
    DiscountKind, DiscountTerms, FeeRules, PriceError, PriceInput, StoreInput, contained_tax, price,
};
use crate::ledger::{CostBearer, PaymentMethod};
use crate::text::LocalText;

fn id<T: From<ObjectId>>(n: u8) -> T {
    T::from(ObjectId::from_bytes([n; 12]))
}

fn item(n: u8, unit: i64, quantity: i64, tax_bps: i64, currency: Currency) -> PricedItem {
    let zero = Money::zero(currency);
    PricedItem {
        line_id: id(n),
        product_id: id(n),
        variant_id: id(n),
        name: LocalText::new("", "x"),
        variant_name: LocalText::new("", ""),
        quantity,
        modifiers: Vec::new(),
        unit_price: Money::new(unit, currency),
        total: Money::new(unit * quantity, currency),
        tax_bps,
        discount: zero,
        tax: zero,
        note: None,
    }
}

fn fees(currency: Currency) -> FeeRules {
    let money = |minor| Money::new(minor, currency);
    FeeRules {
        base: money(5_000),
        included_m: 1_500,
        per_km: money(1_000),
        max: money(20_000),
        free_over: Some(money(200_000)),
        cash_fee: money(501),
    }
}

fn input(stores: Vec<StoreInput>) -> PriceInput {
    let zero = Money::zero(Currency::Syp);
    PriceInput {
        currency: Currency::Syp,
        stores,
        fulfillment: FulfillmentMethod::Delivery,
        payment_method: PaymentMethod::Card,
        discount: None,
        courier_tip: zero,
        store_tip: zero,
        fees: fees(Currency::Syp),
    }
}

fn store(n: u8, distance_m: i64, unit: i64) -> StoreInput {
    StoreInput {
        store_id: id(n),
        distance_m: Some(distance_m),
        items: vec![item(n, unit, 1, 0, Currency::Syp)],
    }
}

fn lines(part: &QuotedStore) -> Vec<(QuoteLineKind, i64, &str)> {
    part.lines.iter().map(|l| (l.kind, l.amount.amount_minor, l.rule_id.as_str())).collect()
}

#[test]
fn the_delivery_fee_has_a_base_kilometres_begun_a_maximum_and_is_free_for_large_orders() {
    let parts = price(input(vec![
        store(1, 1_500, 10_000),
        store(2, 1_501, 10_000),
        store(3, 60_000, 10_000),
        store(4, 4_000, 200_000),
    ]))
    .unwrap();
    let base = (QuoteLineKind::DeliveryBase, 5_000, "delivery.base");
    assert_eq!(lines(&parts[0])[1..], [base]);
    assert_eq!(lines(&parts[1])[1..], [base, (QuoteLineKind::DeliveryDistance, 1_000, "delivery.distance")]);
    assert_eq!(parts[2].money.delivery_fee.amount_minor, 20_000);
    assert!(lines(&parts[2]).contains(&(QuoteLineKind::DeliveryCap, -44_000, "delivery.max")));
    assert_eq!(parts[3].money.delivery_fee.amount_minor, 0);
    assert!(lines(&parts[3]).contains(&(QuoteLineKind::DeliveryFree, -8_000, "delivery.free_over")));
    let inputs: Vec<_> =
        parts[1].lines[2].inputs.iter().map(|i| (i.name.as_str(), i.value.as_str())).collect();
    let expected =
        [("distance_m", "1501"), ("included_m", "1500"), ("km_begun", "1"), ("per_km_minor", "1000")];
    assert_eq!(inputs, expected);
}

#[test]
fn cash_costs_once_a_purchase_and_only_at_the_door() {
    let cash = PriceInput {
        payment_method: PaymentMethod::Cash,
        ..input(vec![store(1, 0, 10_000), store(2, 0, 30_000)])
    };
    let fee = |parts: &[QuotedStore]| parts.iter().map(|p| p.money.cash_fee.amount_minor).collect::<Vec<_>>();
    assert_eq!(fee(&price(cash.clone()).unwrap()), [251, 250]);
    let pickup = PriceInput { fulfillment: FulfillmentMethod::Pickup, ..cash };
    assert_eq!(fee(&price(pickup).unwrap()), [0, 0]);
}

#[test]
fn a_coupon_for_a_store_touches_no_other_store() {
    let terms = DiscountTerms {
        rule_id: "coupon.TEN".to_owned(),
        kind: DiscountKind::Percent { bps: 1_000, max: None },
        min_items: Some(Money::new(10_000, Currency::Syp)),
        store_id: Some(id(2)),
        bearer: CostBearer::Store,
    };
    let with = |terms: &DiscountTerms, stores| PriceInput { discount: Some(terms.clone()), ..input(stores) };
    let parts = price(with(&terms, vec![store(1, 0, 50_000), store(2, 0, 10_000)])).unwrap();
    assert_eq!((parts[0].money.discount.amount_minor, parts[0].money.discount_bearer), (0, None));
    assert_eq!(parts[1].money.discount.amount_minor, 1_000);
    assert_eq!(parts[1].money.discount_bearer, Some(CostBearer::Store));
    let below = price(with(&terms, vec![store(1, 0, 50_000), store(2, 0, 9_999)]));
    assert!(matches!(below, Err(PriceError::BelowCouponMinimum(_))));
    let other = price(with(&terms, vec![store(1, 0, 50_000)]));
    assert_eq!(other, Err(PriceError::CouponForOtherStore));
}

#[test]
fn free_delivery_takes_off_the_fee_and_nothing_else() {
    let terms = DiscountTerms {
        rule_id: "coupon.FREE".to_owned(),
        kind: DiscountKind::FreeDelivery { max: None },
        min_items: None,
        store_id: None,
        bearer: CostBearer::Platform,
    };
    let parts = price(PriceInput { discount: Some(terms), ..input(vec![store(1, 3_000, 10_000)]) }).unwrap();
    let money = parts[0].money;
    assert_eq!(money.discount, money.delivery_fee);
    assert_eq!(money.total, money.items);
    assert_eq!(parts[0].items[0].discount.amount_minor, 0);
}

#[test]
fn contained_tax_is_to_the_nearest_minor_unit() {
    for (gross, bps, tax) in
        [(11_000, 1_000, 1_000), (100, 1_000, 9), (105, 1_000, 10), (0, 1_000, 0), (100, 0, 0)]
    {
        assert_eq!(
            contained_tax(Money::new(gross, Currency::Jod), bps).unwrap().amount_minor,
            tax,
            "{gross}"
        );
    }
}

fn currencies() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec![Currency::Syp, Currency::Usd, Currency::Kwd, Currency::Jod, Currency::Jpy])
}

fn stores(currency: Currency) -> impl Strategy<Value = Vec<StoreInput>> {
    let items =
        prop::collection::vec((0..2_000_000_i64, 1..20_i64, prop::sample::select(vec![0, 500, 1_100])), 1..6);
    prop::collection::vec((0..30_000_i64, items), 1..=5).prop_map(move |stores| {
        stores
            .into_iter()
            .zip(1_u8..)
            .map(|((distance_m, items), n)| StoreInput {
                store_id: id(n),
                distance_m: Some(distance_m),
                items: items
                    .into_iter()
                    .zip(0_u8..)
                    .map(|((unit, quantity, tax), k)| item(n * 10 + k, unit, quantity, tax, currency))
                    .collect(),
            })
            .collect()
    })
}

fn discounts(currency: Currency) -> impl Strategy<Value = Option<DiscountTerms>> {
    let money = move |minor| Money::new(minor, currency);
    let kind = prop_oneof![
        (1..=10_000_i64, prop::option::of(1..1_000_000_i64))
            .prop_map(move |(bps, max)| DiscountKind::Percent { bps, max: max.map(money) }),
        (1..10_000_000_i64).prop_map(move |minor| DiscountKind::Fixed(money(minor))),
        prop::option::of(1..100_000_i64)
            .prop_map(move |max| DiscountKind::FreeDelivery { max: max.map(money) }),
    ];
    prop::option::of((kind, any::<bool>()).prop_map(|(kind, first_only)| DiscountTerms {
        rule_id: "coupon.X".to_owned(),
        kind,
        min_items: None,
        store_id: first_only.then(|| id(1)),
        bearer: CostBearer::Platform,
    }))
}

fn inputs() -> impl Strategy<Value = PriceInput> {
    let method = prop::sample::select(vec![PaymentMethod::Cash, PaymentMethod::Wallet, PaymentMethod::Card]);
    let way = prop::sample::select(vec![FulfillmentMethod::Delivery, FulfillmentMethod::Pickup]);
    currencies().prop_flat_map(move |currency| {
        let tips = (0..100_000_i64, 0..100_000_i64);
        (stores(currency), discounts(currency), method.clone(), way.clone(), tips).prop_map(
            move |(stores, discount, payment_method, fulfillment, (courier, store))| PriceInput {
                currency,
                stores,
                fulfillment,
                payment_method,
                discount,
                courier_tip: Money::new(courier, currency),
                store_tip: Money::new(store, currency),
                fees: fees(currency),
            },
        )
    })
}

proptest! {
    /// Whatever is bought where and however it is paid: children sum to their parent.
    #[test]
    fn children_sum_to_their_parent(input in inputs()) {
        let (courier_tip, store_tip) = (input.courier_tip, input.store_tip);
        let currency = input.currency;
        let parts = price(input.clone()).unwrap();
        prop_assert_eq!(parts.len(), input.stores.len());
        let sum = |of: fn(&QuotedStore) -> Money| Money::sum(currency, parts.iter().map(of)).unwrap();
        prop_assert_eq!(sum(|p| p.money.courier_tip), courier_tip);
        prop_assert_eq!(sum(|p| p.money.store_tip), store_tip);
        for part in &parts {
            let money = part.money;
            let counted = part.lines.iter().filter(|l| l.kind.counts()).map(|l| l.amount);
            prop_assert_eq!(Money::sum(currency, counted).unwrap(), money.total);
            prop_assert_eq!(Money::sum(currency, part.items.iter().map(|i| i.total)).unwrap(), money.items);
            prop_assert_eq!(Money::sum(currency, part.items.iter().map(|i| i.tax)).unwrap(), money.tax);
            let of_items: i64 = part.items.iter().map(|i| i.discount.amount_minor).sum();
            prop_assert!(of_items == money.discount.amount_minor || of_items == 0);
            for item in &part.items {
                prop_assert!((0..=item.total.amount_minor).contains(&item.discount.amount_minor));
                prop_assert!((0..=item.total.amount_minor).contains(&item.tax.amount_minor));
            }
            for amount in [money.discount, money.delivery_fee, money.cash_fee, money.courier_tip, money.store_tip, money.total] {
                prop_assert!(amount.amount_minor >= 0);
            }
            let parts_sum = money.items.sub(money.discount).unwrap()
                .add(money.delivery_fee).unwrap()
                .add(money.cash_fee).unwrap()
                .add(money.courier_tip).unwrap()
                .add(money.store_tip).unwrap();
            prop_assert_eq!(parts_sum, money.total);
            prop_assert!(part.lines.iter().all(|l| !l.rule_id.is_empty() && !l.inputs.is_empty()));
        }
        let again = price(input).unwrap();
        prop_assert_eq!(again, parts);
    }
}
