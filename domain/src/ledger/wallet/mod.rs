//! Wallets: a customer's money with us, the holds of unfinished orders, the movements the customer reads.
//!
//! A wallet is the cached balance of the ledger account `customer_wallet`; only the ledger moves it.

mod model;
mod service;
mod store;

pub use model::{
    MOVEMENT_INDEXES, MovementStatus, MovementType, WALLET_INDEXES, Wallet, WalletHold, WalletTransaction,
};
pub use service::{
    CreditWallet, WalletOwner, capture_in_tx, credit, ensure, hold_in_tx, mine, movements, of, refund_in_tx,
    release_in_tx,
};

pub(in crate::ledger) use service::move_in_tx;
pub(in crate::ledger) use store::aggregate_wallets;
