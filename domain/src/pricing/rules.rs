//! The arithmetic of a quote. Pure: the same inputs give the same lines, and all parts sum to their whole.

use daraa_platform::money::{Currency, Money, MoneyError};

use super::model::{
    DiscountBearer, FulfillmentMethod, OrderMoney, PaymentMethod, PricedItem, QuoteLine, QuoteLineKind,
    QuotedStore, RuleInput,
};
use crate::ids::StoreId;
use crate::text::LocalText;

/// The fee rules in force, in one currency. Each amount of a quote names the rule that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRules {
    /// `delivery.base`: charged for any delivery.
    pub base: Money,
    /// `delivery.distance`: metres the base covers.
    pub included_m: i64,
    /// `delivery.distance`: for each kilometre begun beyond these.
    pub per_km: Money,
    /// `delivery.max`: never more than this.
    pub max: Money,
    /// `delivery.free_over`: free when the items of the store cost at least this.
    pub free_over: Option<Money>,
    /// `cash.fee`: once per purchase that is paid in cash at the door.
    pub cash_fee: Money,
}

impl FeeRules {
    /// No fees at all, for currencies the platform has no fees in.
    #[must_use]
    pub const fn none(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { base: zero, included_m: 0, per_km: zero, max: zero, free_over: None, cash_fee: zero }
    }
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscountKind {
    /// A share of the items, basis points, at most so much.
    Percent {
        /// The share.
        bps: i64,
        /// The cap.
        max: Option<Money>,
    },
    /// So much, at most the items.
    Fixed(Money),
    /// The delivery fee, at most so much.
    FreeDelivery {
        /// The cap.
        max: Option<Money>,
    },
}

/// The terms of a coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountTerms {
    /// The rule's name on the quote, `coupon.<code>`.
    pub rule_id: String,
    /// What it takes off.
    pub kind: DiscountKind,
    /// The least worth of eligible items.
    pub min_items: Option<Money>,
    /// Only for this store; for all without.
    pub store_id: Option<StoreId>,
    /// Who pays for it.
    pub bearer: DiscountBearer,
}

/// One store's part, before pricing.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreInput {
    /// The store.
    pub store_id: StoreId,
    /// Metres to the address; `None` for takeaway.
    pub distance_m: Option<i64>,
    /// The goods; discount and tax are filled in here.
    pub items: Vec<PricedItem>,
}

/// Everything a price depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceInput {
    /// The one currency.
    pub currency: Currency,
    /// The parts, at least one item each.
    pub stores: Vec<StoreInput>,
    /// How the goods reach the customer.
    pub fulfillment: FulfillmentMethod,
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// The coupon.
    pub discount: Option<DiscountTerms>,
    /// For the couriers, all orders together.
    pub courier_tip: Money,
    /// For the stores, all orders together.
    pub store_tip: Money,
    /// The fees.
    pub fees: FeeRules,
}

/// Why there is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Arithmetic refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The eligible items cost less than the coupon asks for.
    #[error("below the coupon's minimum")]
    BelowCouponMinimum(Money),
    /// The coupon is for a store that is not in the cart.
    #[error("the coupon is for another store")]
    CouponForOtherStore,
}

/// Prices all parts. The parts' totals sum to the whole.
///
/// # Errors
/// Overflow, mixed currencies, or a coupon that does not apply.
pub fn price(input: PriceInput) -> Result<Vec<QuotedStore>, PriceError> {
    let zero = Money::zero(input.currency);
    let mut parts = input
        .stores
        .iter()
        .map(|store| part(store.clone(), &input))
        .collect::<Result<Vec<Part>, MoneyError>>()?;

    if let Some(terms) = &input.discount {
        discount(&mut parts, terms, zero)?;
    }
    let items: Vec<i64> = parts.iter().map(|p| p.items_total.amount_minor).collect();
    let equal = vec![1_i64; parts.len()];
    if input.payment_method == PaymentMethod::Cash && input.fulfillment == FulfillmentMethod::Delivery {
        for (part, share) in parts.iter_mut().zip(shares(input.fees.cash_fee, &equal)?) {
            part.cash_fee = share;
            let inputs = vec![
                number("cash_fee_minor", input.fees.cash_fee.amount_minor),
                count("stores", equal.len()),
            ];
            part.push(QuoteLineKind::CashFee, "رسم الدفع نقداً", "Cash fee", share, "cash.fee", inputs);
        }
    }
    for (part, share) in parts.iter_mut().zip(shares(input.courier_tip, &equal)?) {
        part.courier_tip = share;
        let inputs = vec![number("tip_minor", input.courier_tip.amount_minor), count("stores", equal.len())];
        part.push(QuoteLineKind::CourierTip, "إكرامية السائق", "Courier tip", share, "tip.courier", inputs);
    }
    for (part, share) in parts.iter_mut().zip(shares(input.store_tip, &items)?) {
        part.store_tip = share;
        let inputs = vec![
            number("tip_minor", input.store_tip.amount_minor),
            number("items_minor", part.items_total.amount_minor),
        ];
        part.push(QuoteLineKind::StoreTip, "إكرامية المتجر", "Store tip", share, "tip.store", inputs);
    }
    let bearer = input.discount.as_ref().map(|terms| terms.bearer);
    Ok(parts.into_iter().map(|part| part.finish(bearer)).collect::<Result<_, MoneyError>>()?)
}

struct Part {
    store: StoreInput,
    lines: Vec<QuoteLine>,
    items_total: Money,
    delivery_fee: Money,
    discount: Money,
    cash_fee: Money,
    courier_tip: Money,
    store_tip: Money,
}

fn part(store: StoreInput, input: &PriceInput) -> Result<Part, MoneyError> {
    let zero = Money::zero(input.currency);
    let items_total = Money::sum(input.currency, store.items.iter().map(|item| item.total))?;
    let mut part = Part {
        lines: store.items.iter().map(item_line).collect(),
        store,
        items_total,
        delivery_fee: zero,
        discount: zero,
        cash_fee: zero,
        courier_tip: zero,
        store_tip: zero,
    };
    if let (FulfillmentMethod::Delivery, Some(distance_m)) = (input.fulfillment, part.store.distance_m) {
        part.deliver(distance_m, &input.fees)?;
    }
    Ok(part)
}

impl Part {
    fn push(
        &mut self,
        kind: QuoteLineKind,
        ar: &str,
        en: &str,
        amount: Money,
        rule_id: &str,
        inputs: Vec<RuleInput>,
    ) {
        if !amount.is_zero() {
            let label = LocalText::new(ar, en);
            self.lines.push(QuoteLine { kind, label, amount, rule_id: rule_id.to_owned(), inputs });
        }
    }

    fn deliver(&mut self, distance_m: i64, fees: &FeeRules) -> Result<(), MoneyError> {
        let beyond_m = distance_m.saturating_sub(fees.included_m).max(0);
        let km = beyond_m.saturating_add(999) / 1_000;
        let by_distance = fees.per_km.times(km)?;
        let full = fees.base.add(by_distance)?;
        self.push(
            QuoteLineKind::DeliveryBase,
            "رسم التوصيل",
            "Delivery",
            fees.base,
            "delivery.base",
            vec![number("base_minor", fees.base.amount_minor), number("included_m", fees.included_m)],
        );
        self.push(
            QuoteLineKind::DeliveryDistance,
            "رسم المسافة",
            "Distance",
            by_distance,
            "delivery.distance",
            vec![
                number("distance_m", distance_m),
                number("included_m", fees.included_m),
                number("km_begun", km),
                number("per_km_minor", fees.per_km.amount_minor),
            ],
        );
        let capped = full.min(fees.max)?;
        self.push(
            QuoteLineKind::DeliveryCap,
            "الحد الأعلى لرسم التوصيل",
            "Delivery fee cap",
            capped.sub(full)?,
            "delivery.max",
            vec![number("full_minor", full.amount_minor), number("max_minor", fees.max.amount_minor)],
        );
        self.delivery_fee = capped;
        if let Some(free_over) =
            fees.free_over.filter(|bound| self.items_total.amount_minor >= bound.amount_minor)
        {
            self.push(
                QuoteLineKind::DeliveryFree,
                "توصيل مجاني للطلبات الكبيرة",
                "Free delivery for large orders",
                capped.negate()?,
                "delivery.free_over",
                vec![
                    number("items_minor", self.items_total.amount_minor),
                    number("free_over_minor", free_over.amount_minor),
                ],
            );
            self.delivery_fee = Money::zero(capped.currency);
        }
        Ok(())
    }

    fn finish(mut self, bearer: Option<DiscountBearer>) -> Result<QuotedStore, MoneyError> {
        let currency = self.items_total.currency;
        for item in &mut self.store.items {
            item.tax = contained_tax(item.total.sub(item.discount)?, item.tax_bps)?;
        }
        let tax = Money::sum(currency, self.store.items.iter().map(|item| item.tax))?;
        let highest_bps = self.store.items.iter().map(|item| item.tax_bps).max().unwrap_or(0);
        self.push(
            QuoteLineKind::TaxIncluded,
            "ضريبة مشمولة",
            "Tax included",
            tax,
            "tax.included",
            vec![
                number("items_minor", self.items_total.amount_minor),
                number("highest_tax_bps", highest_bps),
            ],
        );
        let total = self
            .items_total
            .sub(self.discount)?
            .add(self.delivery_fee)?
            .add(self.cash_fee)?
            .add(self.courier_tip)?
            .add(self.store_tip)?;
        let money = OrderMoney {
            items: self.items_total,
            discount: self.discount,
            discount_bearer: bearer.filter(|_| !self.discount.is_zero()),
            delivery_fee: self.delivery_fee,
            cash_fee: self.cash_fee,
            courier_tip: self.courier_tip,
            store_tip: self.store_tip,
            tax,
            total,
        };
        Ok(QuotedStore {
            store_id: self.store.store_id,
            distance_m: self.store.distance_m,
            items: self.store.items,
            lines: self.lines,
            money,
        })
    }
}

/// The tax contained in a gross amount, to the nearest minor unit.
///
/// # Errors
/// Overflow.
pub fn contained_tax(gross: Money, tax_bps: i64) -> Result<Money, MoneyError> {
    if tax_bps <= 0 || gross.amount_minor <= 0 {
        return Ok(Money::zero(gross.currency));
    }
    let parts = gross.split(&[tax_bps, daraa_platform::money::FULL_BPS])?;
    parts.first().copied().ok_or(MoneyError::NoShares)
}

fn discount(parts: &mut [Part], terms: &DiscountTerms, zero: Money) -> Result<(), PriceError> {
    let eligible = |part: &Part| terms.store_id.is_none_or(|store| store == part.store.store_id);
    if !parts.iter().any(eligible) {
        return Err(PriceError::CouponForOtherStore);
    }
    let items = Money::sum(zero.currency, parts.iter().filter(|p| eligible(p)).map(|p| p.items_total))?;
    if let Some(min) = terms.min_items.filter(|min| items.amount_minor < min.amount_minor) {
        return Err(PriceError::BelowCouponMinimum(min));
    }
    let fees = Money::sum(zero.currency, parts.iter().filter(|p| eligible(p)).map(|p| p.delivery_fee))?;
    let on_items = !matches!(terms.kind, DiscountKind::FreeDelivery { .. });
    let whole = match terms.kind {
        DiscountKind::Percent { bps, max } => capped(items.percent(bps)?, max)?.min(items)?,
        DiscountKind::Fixed(value) => value.min(items)?,
        DiscountKind::FreeDelivery { max } => capped(fees, max)?,
    };
    let whole = whole.max(zero)?;
    if whole.is_zero() {
        return Ok(());
    }
    let weights: Vec<i64> = parts
        .iter()
        .map(|part| match (eligible(part), on_items) {
            (false, _) => 0,
            (true, true) => part.items_total.amount_minor,
            (true, false) => part.delivery_fee.amount_minor,
        })
        .collect();
    for (part, share) in parts.iter_mut().zip(whole.split(&weights)?) {
        part.discount = share;
        if on_items && !share.is_zero() {
            let lines: Vec<i64> = part.store.items.iter().map(|item| item.total.amount_minor).collect();
            for (item, line_share) in part.store.items.iter_mut().zip(share.split(&lines)?) {
                item.discount = line_share;
            }
        }
        let inputs = discount_inputs(terms, items, whole);
        part.push(QuoteLineKind::Discount, "حسم", "Discount", share.negate()?, &terms.rule_id, inputs);
    }
    Ok(())
}

fn discount_inputs(terms: &DiscountTerms, items: Money, whole: Money) -> Vec<RuleInput> {
    let mut inputs = vec![
        number("eligible_items_minor", items.amount_minor),
        number("discount_minor", whole.amount_minor),
    ];
    if let DiscountKind::Percent { bps, .. } = terms.kind {
        inputs.push(number("percent_bps", bps));
    }
    inputs
}

fn capped(amount: Money, max: Option<Money>) -> Result<Money, MoneyError> {
    max.map_or(Ok(amount), |max| amount.min(max))
}

/// Splits by weight; by equal parts when all weights are zero.
fn shares(whole: Money, weights: &[i64]) -> Result<Vec<Money>, MoneyError> {
    if weights.iter().all(|w| *w == 0) {
        return whole.split(&vec![1; weights.len()]);
    }
    whole.split(weights)
}

fn item_line(item: &PricedItem) -> QuoteLine {
    QuoteLine {
        kind: QuoteLineKind::Item,
        label: item.name.clone(),
        amount: item.total,
        rule_id: "item.price".to_owned(),
        inputs: vec![
            number("quantity", item.quantity),
            number("unit_price_minor", item.unit_price.amount_minor),
        ],
    }
}

fn number(name: &str, value: i64) -> RuleInput {
    RuleInput { name: name.to_owned(), value: value.to_string() }
}

fn count(name: &str, value: usize) -> RuleInput {
    RuleInput { name: name.to_owned(), value: value.to_string() }
}
