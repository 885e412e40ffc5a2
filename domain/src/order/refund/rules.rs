//! The refund machine and its arithmetic. Pure.

use daraa_platform::money::{Money, MoneyError};
use mongodb::bson::Bson;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Refund, RefundLine};
use crate::ids::OrderLineId;
use crate::order::error::OrderError;
use crate::order::model::{ItemClaims, LineClaim, Order, OrderLine};

/// The state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundStatus {
    /// Asked for; waits for a decision.
    Requested,
    /// Decided; waits for the money.
    Approved,
    /// The payment is at work.
    Processing,
    /// The customer has it. Final.
    Succeeded,
    /// The payment refused. Final.
    Failed,
    /// Decided against. Final.
    Rejected,
}

impl RefundStatus {
    /// Every state.
    pub const ALL: &'static [Self] =
        &[Self::Requested, Self::Approved, Self::Processing, Self::Succeeded, Self::Failed, Self::Rejected];

    /// As it is stored and shown.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
            Self::Processing => "PROCESSING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Rejected => "REJECTED",
        }
    }
}

impl From<RefundStatus> for Bson {
    fn from(status: RefundStatus) -> Self {
        Self::String(status.code().to_owned())
    }
}

/// What can be done to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "RefundAction"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundAction {
    /// Ask for it.
    Request,
    /// Decide for it.
    Approve,
    /// Decide against it.
    Reject,
    /// Begin to pay.
    Process,
    /// Paid.
    Succeed,
    /// The payment refused.
    Fail,
}

impl RefundAction {
    /// Every action.
    pub const ALL: &'static [Self] =
        &[Self::Request, Self::Approve, Self::Reject, Self::Process, Self::Succeed, Self::Fail];
}

/// One legal change: from, to, action, who (C customer, O ops, Y system).
pub type RefundTransition = (Option<RefundStatus>, RefundStatus, RefundAction, &'static str);

/// The whole machine.
pub const TRANSITIONS: &[RefundTransition] = &[
    (None, RefundStatus::Requested, RefundAction::Request, "C O"),
    (Some(RefundStatus::Requested), RefundStatus::Approved, RefundAction::Approve, "O"),
    (Some(RefundStatus::Requested), RefundStatus::Rejected, RefundAction::Reject, "O"),
    (Some(RefundStatus::Approved), RefundStatus::Processing, RefundAction::Process, "Y"),
    (Some(RefundStatus::Processing), RefundStatus::Succeeded, RefundAction::Succeed, "Y"),
    (Some(RefundStatus::Processing), RefundStatus::Failed, RefundAction::Fail, "Y"),
];

/// What comes of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundDecision {
    /// Write this state.
    Move(RefundStatus),
    /// It is so already.
    Already,
    /// Not from here.
    Never,
}

/// Decides by the table.
#[must_use]
pub fn decide(status: RefundStatus, action: RefundAction) -> RefundDecision {
    let mut rows = TRANSITIONS.iter().filter(|(_, _, by, _)| *by == action);
    if let Some((_, to, ..)) = rows.clone().find(|(from, ..)| *from == Some(status)) {
        return RefundDecision::Move(*to);
    }
    if rows.any(|(_, to, ..)| *to == status) { RefundDecision::Already } else { RefundDecision::Never }
}

/// What a refund consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The lines, when it is for lines.
    pub lines: Vec<RefundLine>,
    /// How much goes back.
    pub amount: Money,
    /// How much of it is for items, without their tax.
    pub of_items: Money,
    /// How much of it is tax.
    pub of_tax: Money,
}

/// What the customer paid for the order's items: after their discount, tax included. A discount on the delivery fee is
/// none on the items.
///
/// # Errors
/// Overflow.
pub fn items_paid(order: &Order) -> Result<Money, MoneyError> {
    let zero = Money::zero(order.money.total.currency);
    order.lines.iter().try_fold(zero, |sum, line| sum.add(line.total.sub(line.discount)?))
}

/// What is asked for: lines, an amount, or (neither) all that is left. Nothing is given back twice: what earlier refunds
/// claim of the total, of the items and of each line is not there any more.
///
/// # Errors
/// A line that is not of this order, nothing at all, or more than is left.
pub fn parts(order: &Order, lines: &[OrderLineId], amount_minor: Option<i64>) -> Result<Parts, OrderError> {
    let zero = Money::zero(order.money.total.currency);
    let claimed = Money::new(order.refund_claimed_minor, zero.currency);
    let left = order.money.total.sub(claimed)?.max(zero)?;
    let items = ItemsLeft::of(order)?;
    if lines.is_empty() {
        let amount = wanted(amount_minor, left)?;
        let gross = amount.min(items.gross)?;
        let of_tax = items.tax_of(gross, share(items.tax, gross, items.gross)?)?;
        return Ok(Parts { lines: Vec::new(), amount, of_items: gross.sub(of_tax)?, of_tax });
    }
    let mut chosen = Vec::with_capacity(lines.len());
    for line in order.lines.iter().filter(|line| lines.contains(&line.id)) {
        chosen.push(LineLeft::of(order, line)?);
    }
    if chosen.len() != lines.len() {
        return Err(OrderError::LineNotFound);
    }
    let whole = Money::sum(zero.currency, chosen.iter().map(|line| line.left))?;
    let amount = wanted(amount_minor, whole.min(items.gross)?.min(left)?)?;
    let weights: Vec<i64> = chosen.iter().map(|line| line.left.amount_minor).collect();
    let (mut tax, mut named) = (zero, Vec::with_capacity(chosen.len()));
    for (line, part) in chosen.iter().zip(amount.split(&weights)?) {
        tax = tax.add(line.tax_of(part)?)?;
        if !part.is_zero() {
            named.push(RefundLine { line_id: line.line.id, amount: part });
        }
    }
    let of_tax = items.tax_of(amount, tax)?;
    Ok(Parts { lines: named, amount, of_items: amount.sub(of_tax)?, of_tax })
}

/// What no refund claims of the items yet.
struct ItemsLeft {
    /// Tax included.
    gross: Money,
    /// The tax in it.
    tax: Money,
}

impl ItemsLeft {
    fn of(order: &Order) -> Result<Self, MoneyError> {
        let zero = Money::zero(order.money.total.currency);
        let claims = &order.claimed_items;
        let gross = items_paid(order)?.sub(Money::new(claims.items_minor, zero.currency))?.max(zero)?;
        let tax = Money::sum(zero.currency, order.lines.iter().map(|line| line.tax))?;
        let tax = tax.sub(Money::new(claims.tax_minor, zero.currency))?.max(zero)?.min(gross)?;
        Ok(Self { gross, tax })
    }

    /// How much tax goes with `part` of the items: `wish`, but never more than is left, and so much that the rest can
    /// still hold the rest of the tax. When all items are claimed, all tax is.
    fn tax_of(&self, part: Money, wish: Money) -> Result<Money, MoneyError> {
        let least = self.tax.sub(self.gross.sub(part)?)?;
        wish.max(least)?.min(self.tax)?.min(part)
    }
}

/// What no refund that names the line claims of it yet.
struct LineLeft<'a> {
    line: &'a OrderLine,
    paid: Money,
    claimed: Money,
    left: Money,
}

impl<'a> LineLeft<'a> {
    fn of(order: &Order, line: &'a OrderLine) -> Result<Self, MoneyError> {
        let paid = line.total.sub(line.discount)?;
        let claimed = Money::new(order.claimed_items.of_line(line.id), paid.currency);
        let left = paid.sub(claimed)?.max(Money::zero(paid.currency))?;
        Ok(Self { line, paid, claimed, left })
    }

    /// The tax of a part of what is left: as counted over all parts together, so that no rounding adds up.
    fn tax_of(&self, part: Money) -> Result<Money, MoneyError> {
        let before = share(self.line.tax, self.claimed, self.paid)?;
        share(self.line.tax, self.claimed.add(part)?, self.paid)?.sub(before)
    }
}

/// The amount asked for, or all of `most` when none is named.
fn wanted(amount_minor: Option<i64>, most: Money) -> Result<Money, OrderError> {
    let minor = amount_minor.unwrap_or(most.amount_minor);
    if amount_minor.is_some() && minor <= 0 {
        return Err(OrderError::BadAmount);
    }
    if minor <= 0 || minor > most.amount_minor {
        return Err(OrderError::RefundTooLarge { left: most });
    }
    Ok(Money::new(minor, most.currency))
}

/// `whole × part ÷ all`, to the nearest minor unit; nothing of nothing.
fn share(whole: Money, part: Money, all: Money) -> Result<Money, MoneyError> {
    let rest = all.sub(part)?.amount_minor.max(0);
    if whole.is_zero() || part.amount_minor <= 0 {
        return Ok(Money::zero(whole.currency));
    }
    whole.split(&[part.amount_minor, rest])?.first().copied().ok_or(MoneyError::NoShares)
}

/// What is claimed of an order once a refund is asked for: in all, minor units, and of its items.
#[must_use]
pub fn claim(order: &Order, refund: &Refund) -> (i64, ItemClaims) {
    claims(order, refund, i64::saturating_add)
}

/// What is still claimed of an order when a refund comes to nothing.
#[must_use]
pub fn unclaim(order: &Order, refund: &Refund) -> (i64, ItemClaims) {
    claims(order, refund, i64::saturating_sub)
}

fn claims(order: &Order, refund: &Refund, change: fn(i64, i64) -> i64) -> (i64, ItemClaims) {
    let change = |before: i64, by: i64| change(before, by).max(0);
    let before = &order.claimed_items;
    let tax_minor = refund.of_tax.amount_minor;
    let line = |line: &OrderLine| {
        let by =
            refund.lines.iter().find(|named| named.line_id == line.id).map_or(0, |n| n.amount.amount_minor);
        LineClaim { line_id: line.id, amount_minor: change(before.of_line(line.id), by) }
    };
    let items = ItemClaims {
        items_minor: change(before.items_minor, refund.of_items.amount_minor.saturating_add(tax_minor)),
        tax_minor: change(before.tax_minor, tax_minor),
        lines: order.lines.iter().map(line).filter(|claim| claim.amount_minor > 0).collect(),
    };
    (change(order.refund_claimed_minor, refund.amount.amount_minor), items)
}
