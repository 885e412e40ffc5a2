//! Pure: what becomes of an order's money, or of its lines, when it ends.

use daraa_platform::money::{Money, MoneyError};

use crate::cart::CartLine;
use crate::ids::CartLineId;
use crate::ledger::{LedgerAccount, PaymentMethod, Settlement};
use crate::order::model::{Order, OrderLine};
use crate::order::rules::OrderStatus;
use crate::pricing::DiscountBearer;

/// The settlement of a completed order.
pub(super) fn settlement(order: &Order) -> Settlement {
    let money = order.money;
    Settlement {
        order_id: order.id,
        store_id: order.store_id,
        courier_id: order.courier_id,
        method: order.payment_method,
        items: money.items,
        discount: money.discount,
        discount_bearer: money.discount_bearer,
        delivery_fee: money.delivery_fee,
        cash_fee: money.cash_fee,
        courier_tip: money.courier_tip,
        store_tip: money.store_tip,
        tax: money.tax,
        total: money.total,
        commission_bps: order.commission_bps,
        courier_share_bps: order.courier_share_bps,
    }
}

/// The settlement of a cancellation fee: it is the store's, for the work it did, without commission.
pub(super) fn fee_settlement(order: &Order, fee: Money) -> Settlement {
    let zero = Money::zero(fee.currency);
    Settlement {
        order_id: order.id,
        store_id: order.store_id,
        courier_id: None,
        method: order.payment_method,
        items: fee,
        discount: zero,
        discount_bearer: None,
        delivery_fee: zero,
        cash_fee: zero,
        courier_tip: zero,
        store_tip: zero,
        tax: zero,
        total: fee,
        commission_bps: 0,
        courier_share_bps: 0,
    }
}

/// What an order that left the store and was not paid for costs us: the store gets its goods paid less commission,
/// the courier who brought it back the share of the delivery fee. Empty for other endings.
pub(super) fn compensation(order: &Order) -> Result<Vec<(LedgerAccount, Money)>, MoneyError> {
    if !matches!(order.status, OrderStatus::Returned | OrderStatus::Failed) {
        return Ok(Vec::new());
    }
    let money = order.money;
    let zero = Money::zero(money.total.currency);
    let by_store = if money.discount_bearer == Some(DiscountBearer::Store) { money.discount } else { zero };
    let base = money.items.sub(by_store)?.max(zero)?;
    let goods = base.sub(base.percent(order.commission_bps)?)?;
    let trip = match (order.status, order.courier_id) {
        (OrderStatus::Returned, Some(_)) => money.delivery_fee.percent(order.courier_share_bps)?,
        _ => zero,
    };
    let mut entries = vec![
        (LedgerAccount::StorePayable(order.store_id), goods),
        (LedgerAccount::PromotionFunding, goods.add(trip)?.negate()?),
    ];
    if let Some(courier_id) = order.courier_id {
        entries.push((LedgerAccount::CourierPayable(courier_id), trip));
    }
    entries.retain(|(_, amount)| !amount.is_zero());
    Ok(entries)
}

/// Whether the customer pays although the goods came back: it is the customer's fault, and the money is held.
#[must_use]
pub(in crate::order) fn customer_pays_return(order: &Order, reason: &str) -> bool {
    const CUSTOMERS_FAULT: &[&str] = &["CUSTOMER_NO_SHOW", "CUSTOMER_REFUSED", "ADDRESS_UNREACHABLE"];
    order.payment_method != PaymentMethod::Cash && CUSTOMERS_FAULT.contains(&reason)
}

/// The lines of an order as they were in the cart; `id` makes their new ids.
pub(super) fn cart_lines(order: &Order, id: impl Fn() -> CartLineId) -> Vec<CartLine> {
    let line = |line: &OrderLine| CartLine {
        id: id(),
        store_id: order.store_id,
        product_id: line.product_id,
        variant_id: line.variant_id,
        quantity: line.quantity,
        modifier_ids: line.modifiers.iter().map(|modifier| modifier.id).collect(),
        note: line.note.clone(),
        seen_price: line.unit_price,
    };
    order.lines.iter().map(line).collect()
}
