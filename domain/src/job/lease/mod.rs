//! Leases on names: jobs and loops. See [`Contender`].

mod service;

pub use service::{Contender, leases, release, renew};
