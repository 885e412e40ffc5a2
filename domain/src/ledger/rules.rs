//! Pure decisions of the books: how a completed order's money is divided, how a refund is charged, which steps an
//! earning may take. Children always sum to their parent, every transaction sums to zero.

use daraa_platform::money::{Currency, FULL_BPS, Money, MoneyError};

use super::model::{
    Commission, CommissionStatus, CostBearer, EarningKind, EarningStatus, LedgerAccount, Payee,
    PaymentMethod, RefundLiability, RefundPosting, Settlement,
};

/// Why figures cannot be booked; always a defect of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BooksError {
    /// The sum of the entries is not zero.
    #[error("entries sum to {0} instead of zero")]
    Unbalanced(i64),
    /// No entries, or more than [`MAX_ENTRIES`].
    #[error("{0} entries")]
    EntryCount(usize),
    /// The parts of an order do not sum to its total.
    #[error("parts sum to {parts} instead of {total}")]
    Total {
        /// The sum of the parts, minor units.
        parts: i64,
        /// The stated total, minor units.
        total: i64,
    },
    /// An amount below zero, or a part greater than its whole.
    #[error("{0} is out of bounds")]
    OutOfBounds(&'static str),
    /// A courier's money without a courier.
    #[error("money for a courier, but no courier")]
    NoCourier,
    /// Money arithmetic.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl From<BooksError> for daraa_platform::fault::Infra {
    fn from(e: BooksError) -> Self {
        Self::defect(e)
    }
}

/// A transaction has no more entries than this; a settlement has nine.
pub const MAX_ENTRIES: usize = 32;

/// Merges entries of the same account and currency, drops zeros, sorts (so that all transactions touch balances
/// in the same order), and checks that each currency sums to zero.
///
/// # Errors
/// [`BooksError::Unbalanced`], too many or no entries, overflow.
pub fn balanced(entries: &[(LedgerAccount, Money)]) -> Result<Vec<(LedgerAccount, Money)>, BooksError> {
    let merged = merged(entries)?;
    if merged.is_empty() { Err(BooksError::EntryCount(0)) } else { Ok(merged) }
}

/// [`balanced`], where entries that cancel each other out are no mistake: there is nothing to book then.
fn merged(entries: &[(LedgerAccount, Money)]) -> Result<Vec<(LedgerAccount, Money)>, BooksError> {
    if entries.len() > MAX_ENTRIES {
        return Err(BooksError::EntryCount(entries.len()));
    }
    let mut merged: Vec<(LedgerAccount, Money)> = Vec::with_capacity(entries.len());
    for (account, amount) in entries {
        let known = merged.iter_mut().find(|(a, m)| a == account && m.currency == amount.currency);
        match known {
            Some((_, sum)) => *sum = sum.add(*amount)?,
            None => merged.push((*account, *amount)),
        }
    }
    merged.retain(|(_, amount)| !amount.is_zero());
    merged.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.currency.cmp(&y.currency)));
    let mut currencies: Vec<Currency> = merged.iter().map(|(_, m)| m.currency).collect();
    currencies.sort();
    currencies.dedup();
    for currency in currencies {
        let of_currency = merged.iter().map(|(_, m)| *m).filter(|m| m.currency == currency);
        let sum = Money::sum(currency, of_currency)?;
        if !sum.is_zero() {
            return Err(BooksError::Unbalanced(sum.amount_minor));
        }
    }
    Ok(merged)
}

/// How a completed order's money is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// What the commission was computed from.
    pub commission_base: Money,
    /// The commission.
    pub commission: Money,
    /// Who earns what for what; zero amounts are left out.
    pub earnings: Vec<(Payee, EarningKind, Money)>,
    /// The entries; they sum to zero. None when nobody owes anybody anything: an order that cost nothing, or goods that
    /// were paid at the counter to a store that owes no commission.
    pub entries: Vec<(LedgerAccount, Money)>,
}

/// Divides a completed order.
///
/// The store gets its items less its part of the discount, less commission, less the tax they contain, and its
/// tip. The courier gets a share of the delivery fee, and the tip. We keep the commission, the rest of the
/// delivery fee and the cash fee. Tax is set aside. A discount of ours comes from promotion funding. For takeaway paid in cash the store already
/// has the money, so it owes us the total.
///
/// # Errors
/// Parts that do not sum to the total, amounts below zero, a courier's money without a courier.
pub fn divide(s: &Settlement) -> Result<Division, BooksError> {
    let currency = s.total.currency;
    let zero = Money::zero(currency);
    for (name, amount) in [
        ("items", s.items),
        ("discount", s.discount),
        ("delivery_fee", s.delivery_fee),
        ("cash_fee", s.cash_fee),
        ("courier_tip", s.courier_tip),
        ("store_tip", s.store_tip),
        ("tax", s.tax),
        ("total", s.total),
    ] {
        if amount.amount_minor < 0 {
            return Err(BooksError::OutOfBounds(name));
        }
    }
    for (name, bps) in [("commission_bps", s.commission_bps), ("courier_share_bps", s.courier_share_bps)] {
        if !(0..=FULL_BPS).contains(&bps) {
            return Err(BooksError::OutOfBounds(name));
        }
    }
    let gross = Money::sum(currency, [s.items, s.delivery_fee, s.cash_fee, s.courier_tip, s.store_tip])?;
    let parts = gross.sub(s.discount)?;
    if parts != s.total {
        return Err(BooksError::Total { parts: parts.amount_minor, total: s.total.amount_minor });
    }
    let (by_store, by_platform) = match s.discount_bearer {
        Some(CostBearer::Store) => (s.discount, zero),
        Some(CostBearer::Platform) => (zero, s.discount),
        None if s.discount.is_zero() => (zero, zero),
        None => return Err(BooksError::OutOfBounds("discount_bearer")),
    };
    let commission_base = s.items.sub(by_store)?.max(zero)?;
    let commission = commission_base.percent(s.commission_bps)?;
    let (courier_fee, courier_tip) = match s.courier_id {
        Some(_) => (s.delivery_fee.percent(s.courier_share_bps)?, s.courier_tip),
        None if s.courier_tip.is_zero() => (zero, zero),
        None => return Err(BooksError::NoCourier),
    };
    let sale = s.items.sub(by_store)?.sub(commission)?.sub(s.tax)?;
    let revenue = commission.add(s.delivery_fee.sub(courier_fee)?)?.add(s.cash_fee)?;

    let store = LedgerAccount::StorePayable(s.store_id);
    let source = if s.method == PaymentMethod::Cash && s.courier_id.is_none() {
        store
    } else {
        LedgerAccount::OrderFunds
    };
    let mut entries = vec![
        (source, s.total.negate()?),
        (LedgerAccount::PromotionFunding, by_platform.negate()?),
        (store, sale),
        (store, s.store_tip),
        (LedgerAccount::PlatformRevenue, revenue),
        (LedgerAccount::Tax, s.tax),
    ];
    let mut earnings = vec![
        (Payee::Store(s.store_id), EarningKind::Sale, sale),
        (Payee::Store(s.store_id), EarningKind::Tip, s.store_tip),
    ];
    if let Some(courier_id) = s.courier_id {
        let courier = LedgerAccount::CourierPayable(courier_id);
        entries.push((courier, courier_fee));
        entries.push((courier, courier_tip));
        earnings.push((Payee::Courier(courier_id), EarningKind::Delivery, courier_fee));
        earnings.push((Payee::Courier(courier_id), EarningKind::Tip, courier_tip));
    }
    earnings.retain(|(_, _, amount)| !amount.is_zero());
    Ok(Division { commission_base, commission, earnings, entries: merged(&entries)? })
}

/// How a refund is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCharge {
    /// How much of the commission is given back to the store now.
    pub commission_back: Money,
    /// What was refunded of the items at the store's expense afterwards, minor units.
    pub refunded_items_minor: i64,
    /// The commission's refunded base afterwards, minor units.
    pub refunded_base_minor: i64,
    /// What is taken back from earnings: who, what for, how much.
    pub taken_back: Vec<(Payee, EarningKind, Money)>,
    /// The entries; they sum to zero.
    pub entries: Vec<(LedgerAccount, Money)>,
}

/// Charges a refund to the liable party. At the store's expense its commission on the refunded items is given
/// back: the same share of its base as was refunded of what the customer paid for items, which is less than the base
/// where we paid for a discount. In steps, so that after a refund of all items exactly the whole commission is back.
///
/// # Errors
/// Amounts out of bounds, a courier's liability without a courier.
pub fn charge_refund(r: &RefundPosting, c: &Commission) -> Result<RefundCharge, BooksError> {
    let currency = r.amount.currency;
    let zero = Money::zero(currency);
    let rest = r.amount.sub(r.of_items)?.sub(r.of_tax)?;
    for (name, part) in [("items", r.of_items), ("tax", r.of_tax), ("rest", rest)] {
        if part.amount_minor < 0 {
            return Err(BooksError::OutOfBounds(name));
        }
    }
    if r.amount.amount_minor <= 0 {
        return Err(BooksError::OutOfBounds("amount"));
    }
    let mut entries = vec![(LedgerAccount::OrderFunds, r.amount), (LedgerAccount::Tax, r.of_tax.negate()?)];
    let borne = r.amount.sub(r.of_tax)?;
    let mut charge = RefundCharge {
        commission_back: zero,
        refunded_items_minor: c.refunded_items_minor,
        refunded_base_minor: c.refunded_base_minor,
        taken_back: Vec::new(),
        entries: Vec::new(),
    };
    match r.liability {
        RefundLiability::Platform => entries.push((LedgerAccount::PlatformRevenue, borne.negate()?)),
        RefundLiability::Courier => {
            let courier_id = r.courier_id.ok_or(BooksError::NoCourier)?;
            entries.push((LedgerAccount::CourierPayable(courier_id), borne.negate()?));
            charge.taken_back.push((Payee::Courier(courier_id), EarningKind::Delivery, borne));
        }
        RefundLiability::Store => {
            let paid_minor = r.items_paid.amount_minor.max(0);
            let items_minor = r.of_items.add(r.of_tax)?.amount_minor;
            charge.refunded_items_minor = c.refunded_items_minor.saturating_add(items_minor).min(paid_minor);
            let base = part_of(Money::new(c.base_minor, currency), charge.refunded_items_minor, paid_minor)?;
            charge.refunded_base_minor = base.amount_minor.max(c.refunded_base_minor);
            charge.commission_back = commission_share(c, charge.refunded_base_minor)?
                .sub(Money::new(c.reversed_minor, currency))?;
            let by_store = borne.sub(charge.commission_back)?;
            entries.push((LedgerAccount::StorePayable(r.store_id), by_store.negate()?));
            entries.push((LedgerAccount::PlatformRevenue, charge.commission_back.negate()?));
            charge.taken_back.push((Payee::Store(r.store_id), EarningKind::Sale, by_store));
        }
    }
    charge.entries = balanced(&entries)?;
    Ok(charge)
}

/// The part of a commission that belongs to `refunded_base_minor` of its base.
fn commission_share(c: &Commission, refunded_base_minor: i64) -> Result<Money, MoneyError> {
    part_of(Money::new(c.amount_minor, c.currency), refunded_base_minor, c.base_minor)
}

/// `whole × part ÷ all`, to the nearest minor unit; nothing of nothing.
fn part_of(whole: Money, part: i64, all: i64) -> Result<Money, MoneyError> {
    if all <= 0 || part <= 0 {
        return Ok(Money::zero(whole.currency));
    }
    whole.split(&[part, all.saturating_sub(part).max(0)])?.first().copied().ok_or(MoneyError::NoShares)
}

/// A commission's status from its amounts.
#[must_use]
pub fn commission_status(amount_minor: i64, reversed_minor: i64) -> CommissionStatus {
    if reversed_minor <= 0 {
        CommissionStatus::Final
    } else if reversed_minor < amount_minor {
        CommissionStatus::PartiallyReversed
    } else {
        CommissionStatus::Reversed
    }
}

/// One allowed step of an earning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarningTransition {
    /// From.
    pub from: EarningStatus,
    /// To.
    pub to: EarningStatus,
    /// The event.
    pub action: &'static str,
    /// Who may: O ops, Y system.
    pub who: &'static str,
}

/// Every allowed step of an earning.
pub const EARNING_TRANSITIONS: &[EarningTransition] = &[
    step(EarningStatus::Pending, EarningStatus::Available, "hold over", "Y"),
    step(EarningStatus::Available, EarningStatus::InPayout, "payout drafted", "O Y"),
    step(EarningStatus::InPayout, EarningStatus::Paid, "payout paid", "O Y"),
    step(EarningStatus::InPayout, EarningStatus::Available, "payout cancelled", "O"),
];

const fn step(
    from: EarningStatus,
    to: EarningStatus,
    action: &'static str,
    who: &'static str,
) -> EarningTransition {
    EarningTransition { from, to, action, who }
}

/// Whether an earning may go from one status to another; the same status again is fine and has no effect.
#[must_use]
pub fn earning_may(from: EarningStatus, to: EarningStatus) -> bool {
    from == to || EARNING_TRANSITIONS.iter().any(|t| t.from == from && t.to == to)
}
