//! The refund machine and its arithmetic. Pure.

use daraa_platform::money::{Money, MoneyError};
use mongodb::bson::Bson;
use serde::{Deserialize, Serialize};

use super::model::RefundLine;
use crate::ids::OrderLineId;
use crate::order::error::OrderError;
use crate::order::model::Order;

/// The state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// What is asked for: lines, an amount, or (neither) all that is left.
///
/// # Errors
/// A line that is not of this order, nothing at all, or more than is left.
pub fn parts(order: &Order, lines: &[OrderLineId], amount_minor: Option<i64>) -> Result<Parts, OrderError> {
    let currency = order.money.total.currency;
    let zero = Money::zero(currency);
    let left = order.money.total.sub(Money::new(order.refund_claimed_minor, currency))?;
    let items_paid = order.money.items.sub(order.money.discount)?.max(zero)?;
    if lines.is_empty() {
        let amount = amount_minor.map_or(left, |minor| Money::new(minor, currency));
        fits(amount, left)?;
        let gross = amount.min(items_paid)?;
        let of_tax = share(order.money.tax, gross, items_paid)?;
        return Ok(Parts { lines: Vec::new(), amount, of_items: gross.sub(of_tax)?, of_tax });
    }
    let mut chosen = Vec::with_capacity(lines.len());
    let mut tax = zero;
    for line in &order.lines {
        if lines.contains(&line.id) {
            chosen.push(RefundLine { line_id: line.id, amount: line.total.sub(line.discount)? });
            tax = tax.add(line.tax)?;
        }
    }
    if chosen.len() != lines.len() {
        return Err(OrderError::LineNotFound);
    }
    let whole = Money::sum(currency, chosen.iter().map(|line| line.amount))?;
    let amount = amount_minor.map_or(whole, |minor| Money::new(minor, currency));
    fits(amount, whole.min(left)?)?;
    let of_tax = share(tax, amount, whole)?;
    if amount != whole {
        let weights: Vec<i64> = chosen.iter().map(|line| line.amount.amount_minor).collect();
        for (line, part) in chosen.iter_mut().zip(amount.split(&weights)?) {
            line.amount = part;
        }
    }
    Ok(Parts { lines: chosen, amount, of_items: amount.sub(of_tax)?, of_tax })
}

fn fits(amount: Money, most: Money) -> Result<(), OrderError> {
    if amount.amount_minor <= 0 {
        return Err(OrderError::BadAmount);
    }
    if amount.amount_minor > most.amount_minor {
        return Err(OrderError::RefundTooLarge { left_minor: most.amount_minor });
    }
    Ok(())
}

/// `whole × part ÷ all`, to the nearest minor unit; nothing of nothing.
fn share(whole: Money, part: Money, all: Money) -> Result<Money, MoneyError> {
    let rest = all.sub(part)?.amount_minor.max(0);
    if whole.is_zero() || part.amount_minor <= 0 {
        return Ok(Money::zero(whole.currency));
    }
    whole.split(&[part.amount_minor, rest])?.first().copied().ok_or(MoneyError::NoShares)
}
