//! Pure parts of checkout: which refusal a problem is, and the orders a quote becomes.

use std::time::Duration;

use daraa_platform::ids::Ids;
use daraa_platform::money::Money;
use daraa_platform::time::Timestamp;

use crate::cart::{CartProblem, CartProblemCode};
use crate::ids::{OrderId, PaymentId};
use crate::ledger::PaymentMethod;
use crate::order::error::OrderError;
use crate::order::model::{HistoryEntry, ItemClaims, Order, OrderDeadlines, OrderGroup, OrderLine};
use crate::order::rules::{OrderAction, OrderStatus, travel};
use crate::pricing::{Claim, PricedItem, Quote, QuotedStore};
use crate::settings::Settings;
use crate::store::{Store, prep_minutes};

/// Letters and digits of numbers for people: none that look alike.
const NUMBER_ALPHABET: &[u8] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A number for people from random draws below its alphabet's length, e.g. `K7QM-2X9A`.
pub(super) fn number(mut draw: impl FnMut(u64) -> u64) -> String {
    let mut out = String::with_capacity(9);
    for place in 0..8 {
        if place == 4 {
            out.push('-');
        }
        let bound = u64::try_from(NUMBER_ALPHABET.len()).unwrap_or(1);
        let at = usize::try_from(draw(bound)).unwrap_or(0);
        out.push(char::from(NUMBER_ALPHABET.get(at).copied().unwrap_or(b'2')));
    }
    out
}

/// The typed refusal for what is wrong with a quote; the first problem speaks.
pub(super) fn refusal(problems: &[CartProblem]) -> OrderError {
    let Some(problem) = problems.first() else { return OrderError::QuoteChanged };
    match problem.code {
        CartProblemCode::StoreClosed => OrderError::StoreClosed,
        CartProblemCode::OutOfArea => OrderError::OutOfArea,
        CartProblemCode::BelowMinimum => OrderError::BelowMinimum,
        CartProblemCode::SoldOut => {
            OrderError::SoldOut { quantity_available: problem.quantity_available.unwrap_or(0) }
        }
        CartProblemCode::Unavailable => OrderError::ItemUnavailable,
        CartProblemCode::PriceChanged | CartProblemCode::MixedCurrencies => OrderError::QuoteChanged,
    }
}

/// What the orders of a group have in common.
pub(super) struct Purchase<'a> {
    pub(super) quote: &'a Quote,
    pub(super) claim: &'a Claim,
    pub(super) number: &'a str,
    pub(super) payment_id: PaymentId,
    pub(super) customer_name: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) actor: String,
    pub(super) now: Timestamp,
}

/// Two four-digit codes of an order.
pub(super) struct Codes {
    pub(super) store_code: String,
    pub(super) dropoff_pin: String,
}

pub(super) fn group(purchase: &Purchase<'_>) -> OrderGroup {
    let quote = purchase.quote;
    OrderGroup {
        id: purchase.claim.group_id,
        number: purchase.number.to_owned(),
        account_id: quote.account_id,
        quote_id: quote.id,
        order_ids: purchase.claim.order_ids.clone(),
        payment_id: purchase.payment_id,
        payment_method: quote.payment_method,
        total: quote.total,
        coupon_id: quote.coupon.as_ref().map(|coupon| coupon.id),
        placed_at: purchase.now,
    }
}

/// The order of one part of the quote. Cash and wallet are paid for by the transaction itself, so such an order is
/// placed at once; a card's waits for its authorisation.
pub(super) fn order(
    ids: &Ids,
    purchase: &Purchase<'_>,
    part: &QuotedStore,
    order_id: OrderId,
    place: usize,
    store: &Store,
    codes: Codes,
) -> Order {
    let (quote, now) = (purchase.quote, purchase.now);
    let entry = |action, from, to, version| HistoryEntry {
        at: now,
        actor: purchase.actor.clone(),
        action,
        from,
        to,
        reason: None,
        version,
    };
    let mut history = vec![entry(OrderAction::Place, None, OrderStatus::PendingPayment, 1)];
    let deadlines = purchase.settings.deadlines;
    let (status, version, due) = if quote.payment_method == PaymentMethod::Card {
        let unpaid_at = Some(now.plus(deadlines.unpaid()));
        (OrderStatus::PendingPayment, 1, OrderDeadlines { unpaid_at, ..OrderDeadlines::default() })
    } else {
        history.push(entry(
            OrderAction::Authorise,
            Some(OrderStatus::PendingPayment),
            OrderStatus::Placed,
            2,
        ));
        let store_response_at = Some(now.plus(deadlines.store_response()));
        (OrderStatus::Placed, 2, OrderDeadlines { store_response_at, ..OrderDeadlines::default() })
    };
    Order {
        id: order_id,
        number: format!("{}-{}", purchase.number, place.saturating_add(1)),
        group_id: purchase.claim.group_id,
        account_id: quote.account_id,
        customer_name: purchase.customer_name.to_owned(),
        store_id: part.store_id,
        store_name: store.name.clone(),
        store_point: store.point,
        status,
        version,
        lines: part.items.iter().map(|item| line(ids, item)).collect(),
        money: part.money,
        payment_id: purchase.payment_id,
        payment_method: quote.payment_method,
        fulfillment: quote.fulfillment,
        address: quote.address.clone(),
        distance_m: part.distance_m,
        store_code: codes.store_code,
        dropoff_pin: codes.dropoff_pin,
        commission_bps: store.commission_bps.unwrap_or(purchase.settings.commission_bps),
        courier_share_bps: purchase.settings.courier_share_bps,
        placed_at: now,
        promised_at: Some(promised(store, part.distance_m, now)),
        ready_by: None,
        deadlines: due,
        history,
        delivery_id: None,
        courier_id: None,
        cancellation: None,
        wrong_codes: 0,
        refund_claimed_minor: 0,
        claimed_items: ItemClaims::default(),
        refunded: Money::zero(quote.currency),
    }
}

/// When an order placed now is expected at its customer.
fn promised(store: &Store, distance_m: Option<i64>, now: Timestamp) -> Timestamp {
    let prep_s = u64::try_from(prep_minutes(store, now)).unwrap_or(0).saturating_mul(60);
    now.plus(Duration::from_secs(prep_s)).plus(travel(distance_m))
}

fn line(ids: &Ids, item: &PricedItem) -> OrderLine {
    OrderLine {
        id: ids.next(),
        product_id: item.product_id,
        variant_id: item.variant_id,
        name: item.name.clone(),
        variant_name: item.variant_name.clone(),
        quantity: item.quantity,
        modifiers: item.modifiers.clone(),
        unit_price: item.unit_price,
        total: item.total,
        discount: item.discount,
        tax: item.tax,
        note: item.note.clone(),
    }
}
