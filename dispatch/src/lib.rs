//! The assignment engine: which courier is asked to bring which order, and when.
//!
//! Pure: no I/O, no clock, no randomness. Times are whole seconds handed in by the caller, collections are
//! ordered, so the same events give byte-identical commands. The server feeds it, a simulator and a benchmark
//! drive the very same public interface:
//!
//! - [`Engine::apply`] folds one [`Event`];
//! - [`Engine::tick`] thinks for one epoch under a work budget and returns [`Command`]s;
//! - [`Engine::snapshot`] and [`Engine::restore`] move the whole state elsewhere. A [`Snapshot`] is plain public
//!   data, so a caller that keeps the truth in a database may also build one from there.
//!
//! One epoch: overdue offers lapse; open orders expected ready soon meet couriers free soon; each order gets its
//! nearest suitable candidates; a sparse assignment minimises courier time plus lateness; an offer leaves only
//! when waiting one more epoch would delay the pickup. An order that is due never waits while a suitable courier
//! is free, whatever the assignment would prefer to keep him for.
#![forbid(unsafe_code)]

mod assign;
mod engine;
mod model;
mod travel;

#[cfg(test)]
mod tests;

pub use engine::Engine;
pub use model::{
    Accept, Action, Applied, Command, CommandId, Config, ConstantAcceptance, CourierId, CourierSpec,
    CourierState, EscalateReason, Eta, Event, OrderId, OrderSpec, OrderState, Phase, Place, Prep,
    PromisedPrep, ReadyTime, Refusals, RevokeReason, Secs, Snapshot, StoreId, Tick,
};
pub use travel::{Geodesic, Travel};
