//! Giving money back after completion: asked for by the customer, decided by ops, charged by liability.
//!
//! REQUESTED → APPROVED → PROCESSING → SUCCEEDED / FAILED, or REJECTED.

mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{INDEXES, MAX_REFUNDS_PER_ORDER, Refund, RefundHistoryEntry, RefundLine};
pub use rules::{RefundAction, RefundStatus};
pub use service::{
    ApproveRefund, RejectRefund, RequestRefund, approve, list, of_order, of_orders, on_refund_approved,
    reject, request,
};
