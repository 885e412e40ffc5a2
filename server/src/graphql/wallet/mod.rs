//! Wallets, earnings and commissions: the readable side of the books.

mod mutation;
mod query;
mod types;

pub use mutation::WalletMutation;
pub use query::WalletQuery;
pub use types::{CommissionObject, EarningObject, WalletObject, WalletTransactionObject};
