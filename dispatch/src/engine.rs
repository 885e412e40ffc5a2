//! The engine itself: its state, what changes it (`fold`) and what it makes of it (`plan`).

mod fold;
mod plan;

use crate::model::{
    Accept, Action, Command, CommandId, Config, ConstantAcceptance, Prep, PromisedPrep, Secs, Snapshot, Tick,
};
use crate::travel::Travel;

/// The assignment engine. Generic over what the caller knows about the world.
#[derive(Debug, Clone)]
pub struct Engine<T, P = PromisedPrep, A = ConstantAcceptance> {
    config: Config,
    travel: T,
    prep: P,
    accept: A,
    state: Snapshot,
}

impl<T: Travel> Engine<T> {
    /// An empty engine that believes stores and expects most couriers to accept.
    pub fn new(config: Config, travel: T) -> Self {
        Self::restore(
            config,
            travel,
            PromisedPrep::default(),
            ConstantAcceptance::default(),
            Snapshot::default(),
        )
    }
}

impl<T: Travel, P: Prep, A: Accept> Engine<T, P, A> {
    /// An engine that goes on where the snapshot was taken: the same events give the same commands.
    pub fn restore(config: Config, travel: T, prep: P, accept: A, snapshot: Snapshot) -> Self {
        Self { config, travel, prep, accept, state: snapshot }
    }

    /// The whole state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.state.clone()
    }

    /// The state, to look at.
    #[must_use]
    pub fn state(&self) -> &Snapshot {
        &self.state
    }

    /// Thinks for one epoch. `work_budget` bounds the number of travel times asked for; what it does not reach
    /// comes first at the next tick.
    pub fn tick(&mut self, now: Secs, work_budget: u64) -> Tick {
        self.state.epoch += 1;
        let mut actions = Vec::new();
        self.lapse(now);
        for (order, courier, offer, reason) in std::mem::take(&mut self.state.revokes) {
            actions.push(Action::Revoke { order, courier, offer, reason });
        }
        let free = self.free_couriers(now);
        let mut work = 0;
        let (requests, left_over) = self.requests(&free, now, work_budget, &mut work, &mut actions);
        self.make_offers(&requests, now, &mut actions);
        self.estimates(now, &requests, &mut actions);

        let (shard, epoch) = (self.config.shard, self.state.epoch);
        let commands = (1_u32..)
            .zip(actions)
            .map(|(number, action)| Command { id: CommandId { shard, epoch, number }, action })
            .collect();
        let mut tick = Tick { commands, work, left_over };
        self.record_offers(&mut tick.commands);
        tick
    }
}
