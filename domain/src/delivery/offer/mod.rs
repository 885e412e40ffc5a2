//! Offers: the question to one courier whether he brings a delivery. One live offer per delivery and per courier,
//! both kept by unique indexes.

mod model;
mod rules;
pub(super) mod service;
pub(super) mod store;

pub use model::{CourierOffer, DeclineReason, INDEXES, OfferAction, OfferStatus};
pub use rules::{OFFER_TRANSITIONS, OfferTransition, outcome};
pub use service::{accept, decline, expire_offers, get_for, live_of, of_delivery};
