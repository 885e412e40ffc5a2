//! What a quote is made of.

use serde::{Deserialize, Serialize};

/// How the goods reach the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FulfillmentMethod {
    /// A courier brings them.
    Delivery,
    /// The customer collects them at the store (takeaway).
    Pickup,
}

/// How the customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    /// To the courier, or at the counter.
    Cash,
    /// From the customer's wallet.
    Wallet,
    /// By card through a payment provider.
    Card,
}

/// Who pays for a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DiscountBearer {
    /// The platform, out of its promotion funding.
    Platform,
    /// The store, out of its own share.
    Store,
}
