//! Orders, purchases and refunds in the API.

mod inputs;
mod loader;
mod mutation;
mod query;
mod refund;
mod types;

pub use loader::{GroupOrdersLoader, OrderLoader, OrderRefundsLoader};
pub use mutation::OrderMutation;
pub use query::OrderQuery;
pub use refund::RefundObject;
pub use types::{ChosenModifierObject, OrderGroupObject, OrderMoneyObject, OrderObject};
