//! Refunds as clients see them.

use async_graphql::{ID, Object, SimpleObject};
use daraa_domain::ledger::RefundLiability;
use daraa_domain::order::refund::{Refund, RefundAction, RefundHistoryEntry, RefundLine, RefundStatus};
use daraa_platform::time::Timestamp;

use crate::graphql::scalars::MoneyObject;

/// Money that goes back after completion.
#[derive(Debug, Clone)]
pub struct RefundObject(pub Refund);

impl From<Refund> for RefundObject {
    fn from(refund: Refund) -> Self {
        Self(refund)
    }
}

/// Money that goes back to the customer after completion.
#[Object(name = "Refund")]
impl RefundObject {
    /// The id, `rfd_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The order, `ord_…`.
    async fn order_id(&self) -> ID {
        self.0.order_id.to_string().into()
    }

    /// The state.
    async fn status(&self) -> RefundStatus {
        self.0.status
    }

    /// How much goes back.
    async fn amount(&self) -> MoneyObject {
        self.0.amount.into()
    }

    /// The lines it is for; empty when it is an amount of the whole.
    async fn lines(&self) -> Vec<RefundLineObject> {
        self.0.lines.iter().map(RefundLineObject::from).collect()
    }

    /// Why, in the words of who asked.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Who pays for it; null until it is approved.
    async fn liability(&self) -> Option<RefundLiability> {
        self.0.liability
    }

    /// All changes, oldest first.
    async fn history(&self) -> Vec<RefundStepObject> {
        self.0.history.iter().cloned().map(Into::into).collect()
    }

    /// When it was asked for.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// A line that is refunded.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RefundLine")]
pub struct RefundLineObject {
    /// The order's line, `oln_…`.
    pub line_id: ID,
    /// How much of it.
    pub amount: MoneyObject,
}

impl From<&RefundLine> for RefundLineObject {
    fn from(line: &RefundLine) -> Self {
        Self { line_id: line.line_id.to_string().into(), amount: line.amount.into() }
    }
}

/// One change of a refund.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RefundStep")]
pub struct RefundStepObject {
    /// When.
    pub at: Timestamp,
    /// Who: an account, or a part of the system.
    pub actor: String,
    /// What was done.
    pub action: RefundAction,
    /// The state before; null for the first.
    pub from: Option<RefundStatus>,
    /// The state afterwards.
    pub to: RefundStatus,
    /// Why.
    pub reason: Option<String>,
}

impl From<RefundHistoryEntry> for RefundStepObject {
    fn from(entry: RefundHistoryEntry) -> Self {
        let RefundHistoryEntry { at, actor, action, from, to, reason } = entry;
        Self { at, actor, action, from, to, reason }
    }
}
