//! Feeds the assignment engine and applies its commands.
//!
//! The engine's state is rebuilt from the database at each tick: the database is the truth, nothing can be lost
//! between the two, and a new leader is ready at once. Every command is a conditional update with its outbox row
//! under the leader's fencing number; a command that comes too late does nothing.

mod service;
mod world;

pub use service::{EPOCH_S, Ticked, dispatch_tick};

#[cfg(test)]
mod tests;
