//! Quotes: every amount a customer pays, computed here from rules that are data, itemised and explained.
//!
//! Owns the collection `quotes`. A client never sends a price; a quote is a promise with an expiry, and each of its
//! lines keeps the id of the rule that made it and the inputs the rule used.
//!
//! Calls: cart, promotion, payment (the method's name), catalog, store, address, settings. Called by: order.

mod error;
mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{PricingError, PricingErrorCode};
pub use model::{
    AddressSnapshot, Claim, DiscountBearer, FulfillmentMethod, INDEXES, OrderMoney, PaymentMethod,
    PricedItem, PricedModifier, Quote, QuoteLine, QuoteLineKind, QuoteState, QuotedCoupon, QuotedStore,
    RuleInput,
};
pub use service::{
    Claimed, CreateQuote, Recheck, Terms, claim, create, get_for, place_in_tx, recheck, remove_old, reopen,
    terms,
};
