//! Folding events: what happened, as the engine remembers it.

use super::Engine;
use crate::model::{
    Accept, Applied, CommandId, CourierId, CourierSpec, CourierState, Event, OrderId, OrderSpec, OrderState,
    Phase, Prep, Refusals, RevokeReason, Secs,
};
use crate::travel::Travel;

impl<T: Travel, P: Prep, A: Accept> Engine<T, P, A> {
    /// Folds one event. Events that are late, repeated or about something unknown change nothing.
    pub fn apply(&mut self, event: Event, now: Secs) -> Applied {
        let changed = match event {
            Event::OrderPlaced(spec) => self.order_placed(spec),
            Event::PrepUpdated { order, ready } => self.with_order(order, |o| {
                let changed = o.ready_at.is_none() && o.spec.ready != ready;
                if changed {
                    o.spec.ready = ready;
                }
                changed
            }),
            Event::Ready { order } => self.with_order(order, |o| {
                let changed = o.ready_at.is_none();
                o.ready_at.get_or_insert(now);
                changed
            }),
            Event::Cancelled { order } => self.remove(order),
            Event::CourierOn(spec) => self.courier_on(spec, now),
            Event::CourierOff { courier } => self.courier_off(courier),
            Event::Ping { courier, place } => match self.state.couriers.get_mut(&courier) {
                Some(c) => {
                    (c.spec.place, c.seen_at) = (place, now);
                    true
                }
                None => false,
            },
            Event::OfferAccepted { order, courier, offer } => self.accepted(order, courier, offer),
            Event::OfferRejected { order, courier, offer } => {
                self.offer_failed(order, courier, offer, |refusals| {
                    refusals.declined.insert(courier);
                })
            }
            Event::OfferExpired { order, courier, offer } => self.expired(order, courier, offer),
            Event::Assigned { order, courier } => self.assigned(order, courier),
            Event::Unassigned { order } => self.unassigned(order),
            Event::Arrived { order } => self.with_order(order, |o| match o.phase {
                Phase::Assigned { courier } => {
                    o.phase = Phase::AtPickup { courier };
                    true
                }
                _ => false,
            }),
            Event::PickedUp { order } => self.with_order(order, |o| match o.phase {
                Phase::Assigned { courier } | Phase::AtPickup { courier } => {
                    o.phase = Phase::PickedUp { courier };
                    o.ready_at.get_or_insert(now);
                    true
                }
                _ => false,
            }),
            Event::Dropped { order } => self.remove(order),
            Event::StoreClosed { store } => {
                let gone: Vec<OrderId> = self
                    .state
                    .orders
                    .values()
                    .filter(|o| o.spec.store == store && !matches!(o.phase, Phase::PickedUp { .. }))
                    .map(|o| o.spec.id)
                    .collect();
                let mut changed = false;
                for order in gone {
                    changed |= self.remove(order);
                }
                changed
            }
        };
        if changed { Applied::Changed } else { Applied::Ignored }
    }

    fn with_order(&mut self, order: OrderId, change: impl FnOnce(&mut OrderState) -> bool) -> bool {
        self.state.orders.get_mut(&order).is_some_and(change)
    }

    fn order_placed(&mut self, spec: OrderSpec) -> bool {
        let id = spec.id;
        if self.state.orders.contains_key(&id) {
            return false;
        }
        self.state.orders.insert(id, OrderState::new(spec));
        true
    }

    fn courier_on(&mut self, spec: CourierSpec, now: Secs) -> bool {
        match self.state.couriers.get_mut(&spec.id) {
            Some(known) => {
                (known.spec, known.seen_at, known.leaving) = (spec, now, false);
            }
            None => {
                self.state.couriers.insert(spec.id, CourierState::new(spec, now));
            }
        }
        true
    }

    fn courier_off(&mut self, courier: CourierId) -> bool {
        let Some(known) = self.state.couriers.get_mut(&courier) else { return false };
        known.leaving = true;
        if known.tasks.is_empty() {
            self.state.couriers.remove(&courier);
        }
        for (id, order) in &mut self.state.orders {
            if let Phase::Offered { courier: asked, offer, .. } = order.phase
                && asked == courier
            {
                order.phase = Phase::Open;
                self.state.revokes.push((*id, courier, offer, RevokeReason::CourierOff));
            }
        }
        true
    }

    fn accepted(&mut self, order: OrderId, courier: CourierId, offer: CommandId) -> bool {
        let live = self.with_order(order, |o| match o.phase {
            Phase::Offered { courier: asked, offer: made, .. } if asked == courier && made == offer => {
                o.phase = Phase::Assigned { courier };
                true
            }
            _ => false,
        });
        if live && let Some(c) = self.state.couriers.get_mut(&courier) {
            c.tasks.push(order);
        }
        live
    }

    fn offer_failed(
        &mut self,
        order: OrderId,
        courier: CourierId,
        offer: CommandId,
        note: impl FnOnce(&mut Refusals),
    ) -> bool {
        self.with_order(order, |o| match o.phase {
            Phase::Offered { courier: asked, offer: made, .. } if asked == courier && made == offer => {
                o.phase = Phase::Open;
                o.refusals.failures += 1;
                note(&mut o.refusals);
                true
            }
            _ => false,
        })
    }

    pub(super) fn expired(&mut self, order: OrderId, courier: CourierId, offer: CommandId) -> bool {
        self.offer_failed(order, courier, offer, |refusals| {
            *refusals.expired.entry(courier).or_default() += 1;
        })
    }

    fn assigned(&mut self, order: OrderId, courier: CourierId) -> bool {
        let Some(o) = self.state.orders.get_mut(&order) else { return false };
        match o.phase {
            Phase::Open => {}
            Phase::Offered { courier: asked, offer, .. } => {
                self.state.revokes.push((order, asked, offer, RevokeReason::OrderGone));
            }
            Phase::Assigned { courier: holder } | Phase::AtPickup { courier: holder }
                if holder != courier =>
            {
                if let Some(c) = self.state.couriers.get_mut(&holder) {
                    c.tasks.retain(|task| *task != order);
                }
            }
            _ => return false,
        }
        o.phase = Phase::Assigned { courier };
        if let Some(c) = self.state.couriers.get_mut(&courier) {
            c.tasks.push(order);
        }
        true
    }

    fn unassigned(&mut self, order: OrderId) -> bool {
        let Some(o) = self.state.orders.get_mut(&order) else { return false };
        let (Phase::Assigned { courier } | Phase::AtPickup { courier }) = o.phase else { return false };
        o.phase = Phase::Open;
        o.refusals.declined.insert(courier);
        self.drop_task(courier, order);
        true
    }

    fn remove(&mut self, order: OrderId) -> bool {
        let Some(gone) = self.state.orders.remove(&order) else { return false };
        match gone.phase {
            Phase::Offered { courier, offer, .. } => {
                self.state.revokes.push((order, courier, offer, RevokeReason::OrderGone));
            }
            phase => {
                if let Some(courier) = phase.holder() {
                    self.drop_task(courier, order);
                }
            }
        }
        true
    }

    fn drop_task(&mut self, courier: CourierId, order: OrderId) {
        if let Some(c) = self.state.couriers.get_mut(&courier) {
            c.tasks.retain(|task| *task != order);
            if c.leaving && c.tasks.is_empty() {
                self.state.couriers.remove(&courier);
            }
        }
    }
}
