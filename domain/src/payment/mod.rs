//! Payments: one a purchase with a share for each order, by cash, wallet or card; the requests to the card
//! provider, its webhooks, and the cash couriers carry.
//!
//! Owns `payments` and `payment_webhooks`. The provider is reached only outside transactions: a request is written
//! down, sent, and its outcome recorded once, whether the answer, a webhook or the job that looks it up brings it.
//!
//! Calls: ledger, audit, idempotency, outbox. Called by: order, delivery, pricing (the method's name), jobs, check, maintenance.

mod cash;
mod error;
pub mod event;
mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod webhook;

pub use cash::{SettleCash, declare_cash, settle_cash};
pub use error::{PaymentError, PaymentErrorCode};
pub use model::{
    Authorisation, CashDue, CashState, INDEXES, NewPayment, Operation, OperationState, PaymentIntent,
    PaymentMethod, PaymentSplit, PaymentStatus, PaymentStep, SplitState, WEBHOOK_INDEXES,
};
pub use rules::MAX_CARD_TOKEN_BYTES;
pub use service::{
    authorise, capture_split, collect_cash_in_tx, confirm, create_in_tx, get, of_group, of_groups, of_order,
    refund, release_split, resolve_unknown,
};
pub use webhook::{SignedWebhook, process_webhooks, purge_webhooks, receive_webhook};
