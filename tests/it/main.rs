//! The one integration binary: one module a room.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that meets the unexpected must fail, loudly and at once"
)]

mod access;
mod account;
mod address;
mod api_docs;
mod architecture;
mod audit;
mod cache;
mod cart;
mod catalog;
mod changes;
mod courier;
mod database_users;
mod db_check;
mod delivery;
mod freshness;
mod geo;
mod graph;
mod idempotency;
mod indexes;
mod job;
mod ledger;
mod order;
mod outbox;
mod own_redis;
mod parts_away;
mod payment;
mod pool;
mod pricing;
mod programs;
mod promotion;
mod queries;
mod refund;
mod review;
mod search;
mod session;
mod settings;
mod store;
mod transport;
