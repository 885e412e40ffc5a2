//! The jobs service: scheduled jobs, the outbox relay and the deadlines.
//!
//! Several replicas may run: each tick is run by one of them, each loop is led by one of them at a time. Leases with
//! fencing numbers decide, held in MongoDB and judged by steady clocks. The cron crate only ticks; whether a job is
//! due follows the injected clock.

pub mod cli;
mod health;
pub mod lead;
pub mod loops;
pub mod pools;
pub mod runner;
pub mod schedule;
mod serve;
mod tasks;

pub use tasks::{TaskFuture, TaskResult, Work};
