//! The books: double entry, append-only, zero-sum in every currency. Also wallets, commissions and earnings.
//!
//! A positive entry is a credit. Every payment passes `order_funds`: the payment room books what came in and went
//! back, [`settle_order_in_tx`] and [`reverse_for_refund_in_tx`] divide it, so for every finished order it is
//! zero. Transactions and entries are only ever inserted; a correction is another transaction.
//!
//! Calls: account, audit, idempotency. Called by: payment, order, delivery, courier, check.

mod error;
mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;
pub mod wallet;

pub use error::{LedgerError, LedgerErrorCode};
pub use model::{
    BALANCE_INDEXES, COMMISSION_INDEXES, CashFloat, Commission, CommissionStatus, CostBearer,
    EARNING_INDEXES, ENTRY_INDEXES, Earning, EarningKind, EarningStatus, LedgerAccount, LedgerBalance,
    LedgerEntry, LedgerProblem, LedgerTransaction, NewTransaction, Payee, PaymentMethod, RefundLiability,
    RefundPosting, Settlement, TRANSACTION_INDEXES, TransactionKind, UnknownAccount,
};
pub use service::{
    Posted, balance_of, check, commissions, courier_balance, float_of, floats_of, incomplete,
    is_posted_in_tx, my_earnings, post_in_tx, release_earnings, reverse_for_refund_in_tx, settle_order_in_tx,
    store_balances, store_earnings, unbalanced, wrong_balances, wrong_wallets,
};
