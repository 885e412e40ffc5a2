//! The rooms of the marketplace: what it knows and decides. No axum, no GraphQL resolvers.

pub mod account;
pub mod actor;
pub mod address;
pub mod app;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod feed;
pub mod fold;
pub mod idempotency;
pub mod ids;
pub mod indexes;
pub mod job;
pub mod keys;
pub mod ledger;
pub mod notification;
pub mod order;
pub mod outbox;
pub mod place;
pub mod pricing;
pub mod reactions;
pub mod session;
pub mod settings;
pub mod store;
pub mod text;
