//! Payments and the cash couriers carry.

mod loader;
mod mutation;
mod query;
mod types;

pub use loader::{GroupPaymentLoader, of_group};
pub use mutation::PaymentMutation;
pub use query::PaymentQuery;
pub use types::PaymentObject;
