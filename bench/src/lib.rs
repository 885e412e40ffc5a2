//! Clients of the public API that load, walk and judge it: the journey, the simulated delivery day, faults under load
//! and the simulated card provider. Nothing here reaches behind the API.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "indexing a JSON value never panics, and figures of a report may be rounded"
)]

pub mod actors;
pub mod client;
pub mod faults;
pub mod feed;
pub mod journey;
pub mod judge;
pub mod otp;
pub mod paysim;
pub mod simulate;
