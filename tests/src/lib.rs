//! The test harness: each test gets an empty database on the real replica set, its own Redis prefix, a clock it
//! moves by hand and seeded randomness. `scripts/test` starts the parts and says where they are.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that meets the unexpected must fail, loudly and at once"
)]

mod bringing;
mod fault_proxy;
mod gql;
pub mod members;
mod people;
mod program;
mod purchases;
mod shops;
mod world;

pub use bringing::{Bringer, near};
pub use fault_proxy::FaultProxy;
pub use people::Someone;
pub use program::{Ended, Program, Running};
pub use purchases::Buyer;
pub use shops::{CENTRE, Shop};
pub use world::{World, env};
