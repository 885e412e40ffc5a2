//! One epoch of thinking: who could do what, the cheapest way to give it out, and what is due to be said now.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use crate::assign::assign;
use crate::model::{
    Accept, Action, Command, CommandId, CourierId, CourierState, EscalateReason, Eta, OrderId, OrderState,
    Phase, Place, Prep, RevokeReason, Secs,
};
use crate::travel::Travel;

/// What waiting one epoch costs an order in the assignment: more than any real trip, so nobody waits by choice.
const WAIT_COST: i64 = 1_000_000_000_000;
/// What an expired offer adds to asking the same courier again: more than any real difference between couriers.
const ASKED_BEFORE_COST: i64 = 50_000_000_000;
/// What silence adds: asked after everybody who is heard of, before those who let the offer pass.
const STALE_COST: i64 = 10_000_000_000;
/// Real costs stay below the steps above.
const MAX_TRIP_COST: i64 = 9_000_000_000;
/// How much longer than expected a way takes in one of ten cases, as a divisor of its length.
const TRAVEL_SPREAD: i64 = 4;

/// Where and when a courier is free for something new.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free {
    courier: CourierId,
    at: Secs,
    place: Place,
}

/// A courier who could do an order.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    courier: CourierId,
    cost: i64,
    travel_s: Secs,
    free_at: Secs,
}

/// An order with those who could do it.
pub(super) struct Request {
    order: OrderId,
    candidates: Vec<Candidate>,
}

impl<T: Travel, P: Prep, A: Accept> Engine<T, P, A> {
    /// Offers nobody answered in time are over, whether or not anybody said so.
    pub(super) fn lapse(&mut self, now: Secs) {
        let over: Vec<(OrderId, CourierId, CommandId)> = self
            .state
            .orders
            .iter()
            .filter_map(|(id, o)| match o.phase {
                Phase::Offered { courier, offer, expires_at } if expires_at <= now => {
                    Some((*id, courier, offer))
                }
                _ => None,
            })
            .collect();
        for (order, courier, offer) in over {
            self.expired(order, courier, offer);
            self.state.revokes.push((order, courier, offer, RevokeReason::Expired));
        }
    }

    /// Couriers who may be asked something, with the time and place they are done with what they have.
    pub(super) fn free_couriers(&self, now: Secs) -> Vec<Free> {
        let asked: BTreeSet<CourierId> = self
            .state
            .orders
            .values()
            .filter(|o| matches!(o.phase, Phase::Offered { .. }))
            .filter_map(|o| o.phase.courier())
            .collect();
        self.state
            .couriers
            .iter()
            .filter(|(id, c)| !gone(c, now) && !asked.contains(id))
            .filter(|(_, c)| c.tasks.len() < usize::try_from(c.spec.max_orders).unwrap_or(usize::MAX))
            .map(|(id, c)| self.after_tasks(*id, c, now))
            .filter(|free| free.at <= now + self.config.courier_horizon_s)
            .collect()
    }

    fn after_tasks(&self, courier: CourierId, c: &CourierState, now: Secs) -> Free {
        let mut free = Free { courier, at: now, place: c.spec.place };
        for order in c.tasks.iter().filter_map(|task| self.state.orders.get(task)) {
            let eta = self.eta_from(order, free.at, free.place, now);
            (free.at, free.place) = (eta.dropoff_p50 + self.config.service_s, order.spec.dropoff);
        }
        free
    }

    fn eta_from(&self, order: &OrderState, free_at: Secs, place: Place, now: Secs) -> Eta {
        let ready = self.prep.ready(order, now);
        let (pickup_p50, pickup_p90) = match order.phase {
            Phase::PickedUp { .. } => (now, now),
            Phase::AtPickup { .. } => (now.max(ready.p50), now.max(ready.p90)),
            _ => {
                let way = self.travel.seconds(place, order.spec.pickup, free_at);
                let there = free_at + way;
                (there.max(ready.p50), (there + way / TRAVEL_SPREAD).max(ready.p90))
            }
        };
        let (start, service) = match order.phase {
            Phase::PickedUp { .. } => (place, 0),
            _ => (order.spec.pickup, self.config.service_s),
        };
        let way = self.travel.seconds(start, order.spec.dropoff, pickup_p50);
        let dropoff_p50 = pickup_p50 + service + way;
        Eta {
            pickup_p50,
            pickup_p90,
            dropoff_p50,
            dropoff_p90: pickup_p90 + service + way + way / TRAVEL_SPREAD,
        }
    }

    /// The open orders worth looking at, each with its candidates; tells ops where there are none.
    pub(super) fn requests(
        &mut self,
        free: &[Free],
        now: Secs,
        work_budget: u64,
        work: &mut u64,
        actions: &mut Vec<Action>,
    ) -> (Vec<Request>, usize) {
        let horizon = now + self.config.order_horizon_s;
        let mut open: Vec<(u64, Secs, OrderId)> = self
            .state
            .orders
            .values()
            .filter(|o| o.phase == Phase::Open)
            .map(|o| (o.considered, self.prep.ready(o, now).p50, o.spec.id))
            .filter(|(_, ready, _)| *ready <= horizon)
            .collect();
        // Those a short budget passed over come first, then the most urgent.
        open.sort_unstable();
        let price = self.courier_price(open.len(), free.len());
        let mut requests = Vec::new();
        let mut left_over = 0;
        for (_, _, id) in open {
            // At least one order is looked at however small the budget is: nothing may stall for ever.
            if *work >= work_budget && !requests.is_empty() {
                left_over += 1;
                continue;
            }
            let Some(order) = self.state.orders.get(&id) else { continue };
            let (candidates, problem) = self.candidates(order, free, price, now, work);
            let epoch = self.state.epoch;
            let escalate_after = self.config.escalate_after;
            if let Some(order) = self.state.orders.get_mut(&id) {
                order.considered = epoch;
                let reason = problem
                    .or((order.refusals.failures >= escalate_after)
                        .then_some(EscalateReason::TooManyFailures));
                if let Some(reason) = reason
                    && order.escalated.insert(reason)
                {
                    actions.push(Action::Escalate { order: id, reason });
                }
            }
            requests.push(Request { order: id, candidates });
        }
        if left_over == 0 {
            // Everybody was reached: the next round starts from urgency alone.
            for order in self.state.orders.values_mut() {
                order.considered = 0;
            }
        }
        (requests, left_over)
    }

    /// A courier's second costs more the fewer couriers there are for the orders, in thousandths.
    fn courier_price(&self, orders: usize, couriers: usize) -> i64 {
        let (idle, loaded) = self.config.courier_price_permille;
        let orders = i64::try_from(orders).unwrap_or(i64::MAX / 4_000);
        let couriers = i64::try_from(couriers).unwrap_or(i64::MAX / 4_000).max(1);
        let load = (orders.saturating_mul(1_000) / couriers).clamp(500, 1_000);
        idle + (loaded - idle) * (load - 500) / 500
    }

    fn candidates(
        &self,
        order: &OrderState,
        free: &[Free],
        price: i64,
        now: Secs,
        work: &mut u64,
    ) -> (Vec<Candidate>, Option<EscalateReason>) {
        if self.state.couriers.values().all(|c| gone(c, now)) {
            return (Vec::new(), Some(EscalateReason::NoCourierOnline));
        }
        let able = |id: &CourierId| self.state.couriers.get(id).is_some_and(|c| self.suits(c, order));
        if !self.state.couriers.values().any(|c| could_ever(c, order, now)) {
            return (Vec::new(), Some(EscalateReason::NoSuitableCourier));
        }
        let willing = |id: &CourierId| !order.refusals.declined.contains(id);
        if !self.state.couriers.values().any(|c| could_ever(c, order, now) && willing(&c.spec.id)) {
            return (Vec::new(), Some(EscalateReason::EverybodyDeclined));
        }
        let mut near: Vec<(u128, &Free)> = free
            .iter()
            .filter(|f| willing(&f.courier) && able(&f.courier))
            .map(|f| (self.travel.nearness(f.place, order.spec.pickup), f))
            .collect();
        if near.is_empty() {
            // Everybody suitable is busy now; that is ordinary.
            return (Vec::new(), None);
        }
        near.sort_unstable_by_key(|(distance, f)| (*distance, f.courier));
        let limit = if order.refusals.failures >= self.config.widen_after {
            near.len()
        } else {
            self.config.candidates
        };
        let mut found = Vec::new();
        for (i, (_, f)) in near.iter().enumerate() {
            // Beyond the limit only while nobody reaches the store in time.
            if i >= limit && !found.is_empty() {
                break;
            }
            *work += 1;
            found.extend(self.candidate(order, f, price, now));
        }
        let problem = found.is_empty().then_some(EscalateReason::NobodyInTime);
        (found, problem)
    }

    /// Whether the courier can do it beside what he has.
    fn suits(&self, c: &CourierState, order: &OrderState) -> bool {
        let (mut load, mut cash) = (order.spec.load, order.spec.cash_minor);
        for task in c.tasks.iter().filter_map(|task| self.state.orders.get(task)) {
            load = load.saturating_add(task.spec.load);
            if task.spec.cash_currency == order.spec.cash_currency {
                cash = cash.saturating_add(task.spec.cash_minor);
            }
        }
        load <= c.spec.max_load && may_take(c, order, cash)
    }

    fn candidate(&self, order: &OrderState, f: &Free, price: i64, now: Secs) -> Option<Candidate> {
        let courier = self.state.couriers.get(&f.courier)?;
        let travel_s = self.travel.seconds(f.place, order.spec.pickup, f.at);
        let there = f.at + travel_s;
        let ready = self.prep.ready(order, now).p50;
        let pickup = there.max(ready);
        // Off-times hold for the pickup: what a courier carries he brings.
        if courier.spec.until.is_some_and(|until| pickup > until) {
            return None;
        }
        let dropoff = pickup
            + 2 * self.config.service_s
            + self.travel.seconds(order.spec.pickup, order.spec.dropoff, pickup);
        let took = (dropoff - order.spec.placed_at).max(0);
        let late = (took - self.config.target_s).max(0);
        let wait = (ready - there).max(0);
        let permille = i64::from(self.accept.permille(courier, order, travel_s).clamp(1, 1_000));
        let refusal = (1_000 - permille) * self.config.answer_s;
        // In thousandths of a customer's second. An order whose offers failed weighs more, so it wins the near
        // courier against a fresh one; a courier's waiting in the store is cheaper than his driving.
        let failures = i64::from(order.refusals.failures.min(8));
        let cost = (took * 1_000 + late * self.config.late_weight_permille) * (4 + failures) / 4
            + (travel_s + wait / 3) * price
            + refusal;
        let expired = i64::from(order.refusals.expired.get(&f.courier).copied().unwrap_or_default().min(10));
        let silent = if now - courier.seen_at > self.config.stale_after_s { STALE_COST } else { 0 };
        Some(Candidate {
            courier: f.courier,
            cost: cost.clamp(0, MAX_TRIP_COST) + expired * ASKED_BEFORE_COST + silent,
            travel_s,
            free_at: f.at,
        })
    }

    pub(super) fn make_offers(&self, requests: &[Request], now: Secs, actions: &mut Vec<Action>) {
        let mut taken = BTreeSet::new();
        let mut matched = BTreeSet::new();
        let all: Vec<&Request> = requests.iter().collect();
        for (request, candidate) in best(&all) {
            matched.insert(request.order);
            if self.due(request.order, candidate, now) {
                taken.insert(candidate.courier);
                actions.push(self.offer(request.order, candidate, now));
            }
        }
        // An order matched to nobody must not stall while couriers are being kept for orders that can still wait.
        // Those matched to somebody they need not call yet do wait: a further courier would not be quicker.
        let rest: Vec<Request> = requests
            .iter()
            .filter(|r| !matched.contains(&r.order))
            .map(|r| Request {
                order: r.order,
                candidates: r
                    .candidates
                    .iter()
                    .copied()
                    .filter(|c| !taken.contains(&c.courier) && self.due(r.order, c, now))
                    .collect(),
            })
            .collect();
        let rest: Vec<&Request> = rest.iter().filter(|r| !r.candidates.is_empty()).collect();
        for (request, candidate) in best(&rest) {
            actions.push(self.offer(request.order, candidate, now));
        }
    }

    /// Whether waiting one more epoch would delay the pickup by this courier.
    fn due(&self, order: OrderId, candidate: &Candidate, now: Secs) -> bool {
        let Some(order) = self.state.orders.get(&order) else { return false };
        let ready = self.prep.ready(order, now).p50;
        let answer = self.config.answer_s;
        // A promise that has passed is due: "a little later, again and again" must not become a stall.
        order.spec.ready.p50 <= now
            || candidate.free_at + candidate.travel_s + answer + self.config.epoch_s + self.config.margin_s
                >= ready
    }

    fn offer(&self, order: OrderId, candidate: &Candidate, now: Secs) -> Action {
        let ready = self.state.orders.get(&order).map_or(now, |o| self.prep.ready(o, now).p50);
        Action::Offer {
            orders: vec![order],
            courier: candidate.courier,
            expires_at: now + self.config.offer_ttl_s,
            depart_at: (ready - candidate.travel_s - self.config.margin_s).max(candidate.free_at),
            travel_to_pickup_s: candidate.travel_s,
        }
    }

    /// The offers become part of the state only when they have their ids.
    pub(super) fn record_offers(&mut self, commands: &mut [Command]) {
        for command in commands {
            if let Action::Offer { orders, courier, expires_at, .. } = &command.action {
                for order in orders {
                    if let Some(o) = self.state.orders.get_mut(order) {
                        o.phase =
                            Phase::Offered { courier: *courier, offer: command.id, expires_at: *expires_at };
                    }
                }
            }
        }
    }

    pub(super) fn estimates(&mut self, now: Secs, requests: &[Request], actions: &mut Vec<Action>) {
        let mut estimates: BTreeMap<OrderId, Eta> = BTreeMap::new();
        for courier in self.state.couriers.values() {
            let (mut at, mut place) = (now, courier.spec.place);
            for order in courier.tasks.iter().filter_map(|task| self.state.orders.get(task)) {
                let eta = self.eta_from(order, at, place, now);
                (at, place) = (eta.dropoff_p50 + self.config.service_s, order.spec.dropoff);
                estimates.insert(order.spec.id, eta);
            }
        }
        for request in requests {
            let Some(order) = self.state.orders.get(&request.order) else { continue };
            let quickest = request.candidates.iter().map(|c| c.free_at + c.travel_s).min();
            let there = quickest.unwrap_or(now + self.config.courier_horizon_s);
            // From the store itself: the way there is in `there` already.
            estimates.insert(request.order, self.eta_from(order, there, order.spec.pickup, now));
        }
        for (id, eta) in estimates {
            if let Some(order) = self.state.orders.get_mut(&id) {
                let moved = order.eta.is_none_or(|old| {
                    (old.dropoff_p50 - eta.dropoff_p50).abs() >= self.config.eta_step_s
                        || (old.pickup_p50 - eta.pickup_p50).abs() >= self.config.eta_step_s
                });
                if moved {
                    order.eta = Some(eta);
                    actions.push(Action::Eta { order: id, eta });
                }
            }
        }
    }
}

/// The cheapest way to give every request a courier of its own.
fn best<'a>(requests: &[&'a Request]) -> Vec<(&'a Request, &'a Candidate)> {
    let couriers: BTreeSet<CourierId> =
        requests.iter().flat_map(|r| r.candidates.iter().map(|c| c.courier)).collect();
    let column: BTreeMap<CourierId, usize> = couriers.into_iter().zip(0..).collect();
    let edges: Vec<Vec<(usize, i64)>> = requests
        .iter()
        .map(|r| r.candidates.iter().filter_map(|c| Some((*column.get(&c.courier)?, c.cost))).collect())
        .collect();
    assign(&edges, column.len(), WAIT_COST)
        .into_iter()
        .zip(requests)
        .filter_map(|(chosen, request)| {
            let chosen = chosen?;
            let candidate = request.candidates.iter().find(|c| column.get(&c.courier) == Some(&chosen))?;
            Some((*request, candidate))
        })
        .collect()
}

/// Whether the courier takes no more offers: he said so, or his shift is over.
fn gone(c: &CourierState, now: Secs) -> bool {
    c.leaving || c.spec.until.is_some_and(|until| until < now)
}

/// Whether the courier could do it with empty hands.
fn could_ever(c: &CourierState, order: &OrderState, now: Secs) -> bool {
    !gone(c, now)
        && c.spec.max_orders > 0
        && order.spec.load <= c.spec.max_load
        && may_take(c, order, order.spec.cash_minor)
}

/// Whether the courier may have `cash` of the order's currency to collect. His room is one of his own currency only.
fn may_take(c: &CourierState, order: &OrderState, cash: i64) -> bool {
    order.spec.cash_minor == 0
        || (order.spec.cash_currency == c.spec.cash_currency && cash <= c.spec.cash_room_minor)
}
