//! The order machine: every legal change is a row of [`TRANSITIONS`]; [`decide`] is the only guard, and
//! [`available_actions`] asks the same function.

pub(super) mod reason;
pub(super) mod scope;

use mongodb::bson::Bson;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::Order;
use crate::pricing::{FulfillmentMethod, PaymentMethod};

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Waits for its payment.
    PendingPayment,
    /// Paid for or promised; waits for the store's answer.
    Placed,
    /// For a later slot; becomes placed when it is time.
    Scheduled,
    /// The store said yes.
    Accepted,
    /// The store works on it.
    Preparing,
    /// Can be collected.
    Ready,
    /// With the courier, or with the customer at the counter.
    HandedOver,
    /// The customer has it. Final.
    Completed,
    /// The store said no, or nothing in time. Final.
    Rejected,
    /// Called off. Final.
    Cancelled,
    /// Not paid in time. Final.
    Expired,
    /// Came back to the store. Final.
    Returned,
    /// Lost on the way. Final.
    Failed,
}

impl OrderStatus {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::PendingPayment,
        Self::Placed,
        Self::Scheduled,
        Self::Accepted,
        Self::Preparing,
        Self::Ready,
        Self::HandedOver,
        Self::Completed,
        Self::Rejected,
        Self::Cancelled,
        Self::Expired,
        Self::Returned,
        Self::Failed,
    ];

    /// As it is stored and shown.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PendingPayment => "PENDING_PAYMENT",
            Self::Placed => "PLACED",
            Self::Scheduled => "SCHEDULED",
            Self::Accepted => "ACCEPTED",
            Self::Preparing => "PREPARING",
            Self::Ready => "READY",
            Self::HandedOver => "HANDED_OVER",
            Self::Completed => "COMPLETED",
            Self::Rejected => "REJECTED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Returned => "RETURNED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether nothing changes any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Rejected
                | Self::Cancelled
                | Self::Expired
                | Self::Returned
                | Self::Failed
        )
    }
}

impl From<OrderStatus> for Bson {
    fn from(status: OrderStatus) -> Self {
        Self::String(status.code().to_owned())
    }
}

/// What can be done to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderAction {
    /// The customer checks out.
    Place,
    /// The payment is authorised, held, or will be made in cash.
    Authorise,
    /// The time to pay is over, or the payment failed for good.
    Expire,
    /// Waits for its slot.
    Schedule,
    /// Its slot comes near.
    Wake,
    /// The store says yes, with minutes.
    Accept,
    /// The store says no, or nothing in time.
    Reject,
    /// The store begins.
    Prepare,
    /// It can be collected.
    Ready,
    /// It takes longer.
    Delay,
    /// It leaves the store.
    HandOver,
    /// It has arrived.
    Complete,
    /// It is called off.
    Cancel,
    /// It comes back.
    Return,
    /// It is lost.
    Fail,
}

impl OrderAction {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::Place,
        Self::Authorise,
        Self::Expire,
        Self::Schedule,
        Self::Wake,
        Self::Accept,
        Self::Reject,
        Self::Prepare,
        Self::Ready,
        Self::Delay,
        Self::HandOver,
        Self::Complete,
        Self::Cancel,
        Self::Return,
        Self::Fail,
    ];

    /// As it is stored and shown.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Place => "PLACE",
            Self::Authorise => "AUTHORISE",
            Self::Expire => "EXPIRE",
            Self::Schedule => "SCHEDULE",
            Self::Wake => "WAKE",
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
            Self::Prepare => "PREPARE",
            Self::Ready => "READY",
            Self::Delay => "DELAY",
            Self::HandOver => "HAND_OVER",
            Self::Complete => "COMPLETE",
            Self::Cancel => "CANCEL",
            Self::Return => "RETURN",
            Self::Fail => "FAIL",
        }
    }
}

impl From<OrderAction> for Bson {
    fn from(action: OrderAction) -> Self {
        Self::String(action.code().to_owned())
    }
}

/// As whom somebody acts on an order; one person may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// The customer who placed it.
    Customer,
    /// Staff of its store.
    Staff,
    /// The courier who carries it.
    Courier,
    /// An ops person.
    Ops,
    /// The system: jobs, reactions and the delivery room.
    System,
    /// The payment provider.
    Provider,
}

impl Party {
    /// The letter the domain document uses.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Customer => 'C',
            Self::Staff => 'S',
            Self::Courier => 'K',
            Self::Ops => 'O',
            Self::System => 'Y',
            Self::Provider => 'P',
        }
    }
}

/// One legal change.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The state before; `None` for the birth of an order.
    pub from: Option<OrderStatus>,
    /// The state after.
    pub to: OrderStatus,
    /// What is done.
    pub action: OrderAction,
    /// Who may.
    pub who: &'static [Party],
}

const fn row(from: OrderStatus, to: OrderStatus, action: OrderAction, who: &'static [Party]) -> Transition {
    Transition { from: Some(from), to, action, who }
}

use OrderAction as A;
use OrderStatus as S;
use Party::{Courier, Customer, Ops, Provider, Staff, System};

/// The whole machine.
pub const TRANSITIONS: &[Transition] = &[
    Transition { from: None, to: S::PendingPayment, action: A::Place, who: &[Customer] },
    row(S::PendingPayment, S::Placed, A::Authorise, &[Provider, System]),
    row(S::PendingPayment, S::Expired, A::Expire, &[System]),
    row(S::PendingPayment, S::Cancelled, A::Cancel, &[Customer, Ops]),
    row(S::Placed, S::Scheduled, A::Schedule, &[System]),
    row(S::Scheduled, S::Placed, A::Wake, &[System]),
    row(S::Placed, S::Accepted, A::Accept, &[Staff, Ops, System]),
    row(S::Placed, S::Rejected, A::Reject, &[Staff, Ops, System]),
    row(S::Accepted, S::Preparing, A::Prepare, &[Staff, System]),
    row(S::Preparing, S::Ready, A::Ready, &[Staff, System]),
    row(S::Accepted, S::Accepted, A::Delay, &[Staff, Ops]),
    row(S::Preparing, S::Preparing, A::Delay, &[Staff, Ops]),
    row(S::Ready, S::HandedOver, A::HandOver, &[Courier, Staff, Customer, System]),
    row(S::HandedOver, S::Completed, A::Complete, &[System]),
    row(S::Placed, S::Cancelled, A::Cancel, &[Customer, Staff, Ops]),
    row(S::Scheduled, S::Cancelled, A::Cancel, &[Customer, Staff, Ops]),
    row(S::Accepted, S::Cancelled, A::Cancel, &[Customer, Staff, Ops]),
    row(S::Preparing, S::Cancelled, A::Cancel, &[Customer, Staff, Ops]),
    row(S::Ready, S::Cancelled, A::Cancel, &[Customer, Staff, Ops]),
    row(S::HandedOver, S::Returned, A::Return, &[System, Ops]),
    row(S::HandedOver, S::Failed, A::Fail, &[System, Ops]),
];

/// What [`decide`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write this state.
    Move(OrderStatus),
    /// It is so already: success without effect.
    Already,
}

/// Why [`decide`] says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The state does not allow it to anybody.
    InvalidTransition,
    /// The state allows it, but not to this party.
    NotAllowed,
}

/// What the guards look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// The state.
    pub status: OrderStatus,
    /// How it reaches the customer.
    pub fulfillment: FulfillmentMethod,
    /// How it is paid.
    pub payment_method: PaymentMethod,
}

impl From<&Order> for Guarded {
    fn from(order: &Order) -> Self {
        Self { status: order.status, fulfillment: order.fulfillment, payment_method: order.payment_method }
    }
}

/// Whether `parties` may do `action` to the order now, and where it leads.
///
/// # Errors
/// The state forbids it, or forbids it to these parties.
pub fn decide(order: Guarded, action: OrderAction, parties: &[Party]) -> Result<Decision, Refusal> {
    let may = |row: &&Transition| {
        row.who.iter().any(|party| parties.contains(party) && guard(order, action, *party))
    };
    let rows = || TRANSITIONS.iter().filter(move |row| row.action == action);
    if let Some(row) = rows().find(|row| row.from == Some(order.status)) {
        return if may(&row) { Ok(Decision::Move(row.to)) } else { Err(Refusal::NotAllowed) };
    }
    let mut done = rows().filter(|row| row.to == order.status && row.from != Some(row.to));
    if done.any(|row| row.who.iter().any(|party| parties.contains(party))) {
        return Ok(Decision::Already);
    }
    Err(Refusal::InvalidTransition)
}

/// What `parties` may do now.
#[must_use]
pub fn available_actions(order: Guarded, parties: &[Party]) -> Vec<OrderAction> {
    let moves = |action: &OrderAction| matches!(decide(order, *action, parties), Ok(Decision::Move(_)));
    OrderAction::ALL.iter().copied().filter(moves).collect()
}

/// The conditions beyond state and party.
fn guard(order: Guarded, action: OrderAction, party: Party) -> bool {
    match (action, party) {
        // A store alone never says "handed over" of goods a courier has to fetch.
        (A::HandOver, Customer | Staff) => order.fulfillment == FulfillmentMethod::Pickup,
        // A courier confirms the pickup of the delivery, by the store's code; that step then does this as the system.
        (A::HandOver, Courier) => false,
        (A::Cancel, Customer) => customer_cancel_rule(order).is_some(),
        _ => true,
    }
}

/// One row of the cancellation policy for customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRule {
    /// The row's name, kept on the order.
    pub id: &'static str,
    /// The stage it is for.
    pub status: OrderStatus,
    /// What the customer still pays, of items minus discount, in basis points.
    pub fee_bps: i64,
}

/// What a cancellation costs a customer at each stage. A stage without a row is not cancellable by customers: the
/// goods are finished or gone. Store and ops cancel free of charge for the customer at every stage.
pub const CUSTOMER_CANCEL_POLICY: &[CancelRule] = &[
    CancelRule { id: "cancel.customer.unpaid", status: S::PendingPayment, fee_bps: 0 },
    CancelRule { id: "cancel.customer.placed", status: S::Placed, fee_bps: 0 },
    CancelRule { id: "cancel.customer.scheduled", status: S::Scheduled, fee_bps: 0 },
    CancelRule { id: "cancel.customer.accepted", status: S::Accepted, fee_bps: 2_000 },
    CancelRule { id: "cancel.customer.preparing", status: S::Preparing, fee_bps: 5_000 },
];

/// The rule of the policy when others than the customer cancel.
pub const FREE_CANCEL: &str = "cancel.store_or_ops";

/// The rule when goods come back by the customer's fault and the money is held: the customer pays everything.
pub const RETURNED_BY_CUSTOMERS_FAULT: &str = "return.customer";

/// The policy's row for a customer now. A fee can only be kept from money that is held: an order to be paid in cash
/// cannot be cancelled by its customer once that would cost something.
#[must_use]
pub fn customer_cancel_rule(order: Guarded) -> Option<CancelRule> {
    let rule = CUSTOMER_CANCEL_POLICY.iter().find(|rule| rule.status == order.status)?;
    (rule.fee_bps == 0 || order.payment_method != PaymentMethod::Cash).then_some(*rule)
}

/// One word for people, derived from state, way and courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
pub enum DisplayStatus {
    /// Pay to continue.
    AwaitingPayment,
    /// The store has to answer.
    AwaitingStore,
    /// For later.
    Scheduled,
    /// The store works on it.
    Preparing,
    /// Finished, a courier has to fetch it.
    AwaitingCourier,
    /// Finished, come and get it.
    ReadyForPickup,
    /// A courier brings it.
    OnTheWay,
    /// Done.
    Delivered,
    /// Done at the counter.
    Collected,
    /// The store said no.
    Rejected,
    /// Called off.
    Cancelled,
    /// Not paid in time.
    Expired,
    /// The payment was refused.
    PaymentFailed,
    /// Came back.
    Returned,
    /// Lost.
    Failed,
}

/// The one derived word for people.
#[must_use]
pub fn display_status(order: &Order) -> DisplayStatus {
    let pickup = order.fulfillment == FulfillmentMethod::Pickup;
    match order.status {
        S::PendingPayment => DisplayStatus::AwaitingPayment,
        S::Placed => DisplayStatus::AwaitingStore,
        S::Scheduled => DisplayStatus::Scheduled,
        S::Accepted | S::Preparing => DisplayStatus::Preparing,
        S::Ready if pickup => DisplayStatus::ReadyForPickup,
        S::Ready => DisplayStatus::AwaitingCourier,
        S::HandedOver => DisplayStatus::OnTheWay,
        S::Completed if pickup => DisplayStatus::Collected,
        S::Completed => DisplayStatus::Delivered,
        S::Rejected => DisplayStatus::Rejected,
        S::Cancelled => DisplayStatus::Cancelled,
        S::Expired if order.ended_by(reason::PAYMENT_FAILED) => DisplayStatus::PaymentFailed,
        S::Expired => DisplayStatus::Expired,
        S::Returned => DisplayStatus::Returned,
        S::Failed => DisplayStatus::Failed,
    }
}

/// The state of a group: what its least advanced living order says; when all have ended, the best ending.
#[must_use]
pub fn group_status(orders: impl IntoIterator<Item = OrderStatus>) -> Option<OrderStatus> {
    const ENDINGS: &[OrderStatus] =
        &[S::Completed, S::Returned, S::Failed, S::Cancelled, S::Rejected, S::Expired];
    let all: Vec<OrderStatus> = orders.into_iter().collect();
    let living = all.iter().copied().filter(|s| !s.is_final()).min();
    living.or_else(|| ENDINGS.iter().copied().find(|ending| all.contains(ending)))
}

/// Metres a courier covers in a second, door to door, for promises before a courier is known.
const COURIER_M_PER_S: i64 = 5;
/// Handing over at both ends, for promises before a courier is known.
const HANDLING_S: i64 = 480;

/// How long the way to the customer takes, as promised before a courier is known; nothing for takeaway.
#[must_use]
pub fn travel(distance_m: Option<i64>) -> std::time::Duration {
    let secs = distance_m.map_or(0, |m| HANDLING_S.saturating_add(m / COURIER_M_PER_S));
    std::time::Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}
