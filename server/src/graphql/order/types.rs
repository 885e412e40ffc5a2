//! Orders and purchases as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use daraa_domain::ledger::{CostBearer, PaymentMethod};
use daraa_domain::order::rules::{available_actions, display_status, group_status};
use daraa_domain::order::{
    self, AddressSnapshot, CancelPreview, Cancellation, DisplayStatus, HistoryEntry, Order, OrderAction,
    OrderError, OrderErrorCode, OrderGroup, OrderLine, OrderMoney, OrderStatus,
};
use daraa_domain::pricing::{FulfillmentMethod, PricedModifier};
use daraa_platform::time::Timestamp;

use super::loader::{GroupOrdersLoader, OrderRefundsLoader};
use super::refund::RefundObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::delivery::{DeliveryObject, OrderDeliveryLoader};
use crate::graphql::error::ApiError;
use crate::graphql::payment::{self, PaymentObject};
use crate::graphql::review::{self, ReviewObject};
use crate::graphql::scalars::{BigInt, GeoPoint, LocalTextObject, MoneyObject};
use crate::graphql::store::{StoreLoader, StoreObject};

crate::user_errors!(
    /// What was wrong with a request about an order.
    OrderUserError, OrderError, OrderErrorCode,
    extras {
        /// How many there are, for `SOLD_OUT`.
        quantity_available: BigInt = |e: &OrderError| match e {
            OrderError::SoldOut { quantity_available } => Some(BigInt(*quantity_available)),
            _ => None,
        },
        /// What is left in minor units, for `INSUFFICIENT_FUNDS` and `REFUND_TOO_LARGE`; the fee, for
        /// `CANCEL_FEE_UNCONFIRMED`.
        amount_minor: BigInt = |e: &OrderError| match e {
            OrderError::InsufficientFunds { available } => Some(BigInt(available.amount_minor)),
            OrderError::RefundTooLarge { left } => Some(BigInt(left.amount_minor)),
            OrderError::CancelFeeUnconfirmed { fee } => Some(BigInt(fee.amount_minor)),
            _ => None,
        },
        /// The version as it is, for `STALE_VERSION`.
        version: BigInt = |e: &OrderError| match e {
            OrderError::StaleVersion { version } => Some(BigInt(*version)),
            _ => None,
        }
    }
);

/// A store's part of a purchase.
#[derive(Debug, Clone)]
pub struct OrderObject(pub Arc<Order>);

impl From<Order> for OrderObject {
    fn from(order: Order) -> Self {
        Self(Arc::new(order))
    }
}

/// A store's part of a purchase, with prices, names and address as they were when it was placed.
#[Object(name = "Order")]
impl OrderObject {
    /// The id, `ord_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// For people, e.g. `K7QM-2X9A-1`.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The purchase it belongs to, `grp_…`.
    async fn group_id(&self) -> ID {
        self.0.group_id.to_string().into()
    }

    /// The state.
    async fn status(&self) -> OrderStatus {
        self.0.status
    }

    /// One word for people, derived from the state.
    async fn display_status(&self) -> DisplayStatus {
        display_status(&self.0)
    }

    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }

    /// When it was placed.
    async fn placed_at(&self) -> Timestamp {
        self.0.placed_at
    }

    /// The store.
    async fn store(&self, ctx: &Context<'_>) -> Result<Option<StoreObject>, ApiError> {
        Ok(ctx.loader::<StoreLoader, _>().load_one(self.0.store_id).await?.map(StoreObject::from))
    }

    /// The store's name when it was placed.
    async fn store_name(&self) -> LocalTextObject {
        self.0.store_name.clone().into()
    }

    /// The customer's name when it was placed.
    async fn customer_name(&self) -> &str {
        &self.0.customer_name
    }

    /// What was bought.
    async fn lines(&self) -> Vec<OrderLineObject> {
        self.0.lines.iter().cloned().map(OrderLineObject::from).collect()
    }

    /// What it costs.
    async fn money(&self) -> OrderMoneyObject {
        self.0.money.into()
    }

    /// How it is paid.
    async fn method(&self) -> PaymentMethod {
        self.0.payment_method
    }

    /// How it reaches the customer.
    async fn fulfillment(&self) -> FulfillmentMethod {
        self.0.fulfillment
    }

    /// Where to bring it; null for takeaway.
    async fn address(&self) -> Option<OrderAddressObject> {
        self.0.address.clone().map(OrderAddressObject::from)
    }

    /// All changes, oldest first.
    async fn history(&self) -> Vec<OrderStepObject> {
        self.0.history.iter().cloned().map(Into::into).collect()
    }

    /// What you may do with it now.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<OrderAction> {
        available_actions((&*self.0).into(), &order::parties(ctx.actor(), &self.0))
    }

    /// Four digits the store says to who fetches the goods; null for everybody but its staff.
    #[graphql(directive = requires::apply(vec![Role::Staff]))]
    async fn store_code(&self, ctx: &Context<'_>) -> Option<&str> {
        order::store_code_for(ctx.actor(), &self.0)
    }

    /// What the customer said about it.
    async fn review(&self, ctx: &Context<'_>) -> Result<Option<ReviewObject>, ApiError> {
        review::of_order(ctx, self.0.id).await
    }

    /// Four digits the customer says at the door or the counter; null for everybody else.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn dropoff_pin(&self, ctx: &Context<'_>) -> Option<&str> {
        order::dropoff_pin_for(ctx.actor(), &self.0)
    }

    /// When the customer was told to expect it.
    async fn promised_at(&self) -> Option<Timestamp> {
        self.0.promised_at
    }

    /// When the store said it will be ready, or when it was.
    async fn ready_by(&self) -> Option<Timestamp> {
        self.0.ready_by
    }

    /// The store has to answer until then; null when it has, or need not yet.
    async fn store_response_at(&self) -> Option<Timestamp> {
        self.0.deadlines.store_response_at
    }

    /// It has to be paid until then; null when it is.
    async fn unpaid_at(&self) -> Option<Timestamp> {
        self.0.deadlines.unpaid_at
    }

    /// The delivery that carries it; null before the store accepts and for takeaway.
    async fn delivery(&self, ctx: &Context<'_>) -> Result<Option<DeliveryObject>, ApiError> {
        Ok(ctx.loader::<OrderDeliveryLoader, _>().load_one(self.0.id).await?.map(DeliveryObject))
    }

    /// The payment of the whole purchase; null for everybody but the customer and ops.
    async fn payment(&self, ctx: &Context<'_>) -> Result<Option<PaymentObject>, ApiError> {
        if !order::sees_payment(ctx.actor(), &self.0) {
            return Ok(None);
        }
        payment::of_group(ctx, self.0.group_id).await
    }

    /// What its cancellation cost; null unless it was cancelled.
    async fn cancellation(&self) -> Option<CancellationObject> {
        self.0.cancellation.clone().map(CancellationObject::from)
    }

    /// What was paid back after completion.
    async fn refunded(&self) -> MoneyObject {
        self.0.refunded.into()
    }

    /// Its refunds, oldest first; at most 20.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<RefundObject>, ApiError> {
        let refunds = ctx.loader::<OrderRefundsLoader, _>().load_one(self.0.id).await?;
        Ok(refunds.unwrap_or_default().into_iter().map(RefundObject).collect())
    }
}

/// A line of an order, as it was when ordered.
#[derive(Debug, SimpleObject)]
#[graphql(name = "OrderLine")]
pub struct OrderLineObject {
    /// The id, `oln_…`.
    pub id: ID,
    /// The product, `prd_…`.
    pub product_id: ID,
    /// The variant, `var_…`.
    pub variant_id: ID,
    /// The product's name.
    pub name: LocalTextObject,
    /// The variant's name; empty texts when the product has only one.
    pub variant_name: LocalTextObject,
    /// How many.
    pub quantity: BigInt,
    /// The chosen modifiers.
    pub modifiers: Vec<ChosenModifierObject>,
    /// Price of one with its modifiers, tax included.
    pub unit_price: MoneyObject,
    /// Price of the line.
    pub total: MoneyObject,
    /// The line's share of the discount.
    pub discount: MoneyObject,
    /// The tax contained in `total` less `discount`.
    pub tax: MoneyObject,
    /// What the customer asked for.
    pub note: Option<String>,
}

impl From<OrderLine> for OrderLineObject {
    fn from(line: OrderLine) -> Self {
        Self {
            id: line.id.to_string().into(),
            product_id: line.product_id.to_string().into(),
            variant_id: line.variant_id.to_string().into(),
            name: line.name.into(),
            variant_name: line.variant_name.into(),
            quantity: line.quantity.into(),
            modifiers: line.modifiers.into_iter().map(ChosenModifierObject::from).collect(),
            unit_price: line.unit_price.into(),
            total: line.total.into(),
            discount: line.discount.into(),
            tax: line.tax.into(),
            note: line.note,
        }
    }
}

/// A chosen modifier with its price per unit.
#[derive(Debug, SimpleObject)]
#[graphql(name = "ChosenModifier")]
pub struct ChosenModifierObject {
    /// The modifier, `mod_…`.
    pub id: ID,
    /// Its name.
    pub name: LocalTextObject,
    /// Its price per unit of the line.
    pub price: MoneyObject,
}

impl From<PricedModifier> for ChosenModifierObject {
    fn from(modifier: PricedModifier) -> Self {
        Self { id: modifier.id.to_string().into(), name: modifier.name.into(), price: modifier.price.into() }
    }
}

/// An order's money: `total = items − discount + deliveryFee + cashFee + courierTip + storeTip`.
#[derive(Debug, SimpleObject)]
#[graphql(name = "OrderMoney")]
pub struct OrderMoneyObject {
    /// Sum of the lines.
    pub items: MoneyObject,
    /// What is taken off, not negative.
    pub discount: MoneyObject,
    /// Who pays for the discount.
    pub discount_bearer: Option<CostBearer>,
    /// For bringing it.
    pub delivery_fee: MoneyObject,
    /// For paying cash at the door.
    pub cash_fee: MoneyObject,
    /// For the courier.
    pub courier_tip: MoneyObject,
    /// For the store's people.
    pub store_tip: MoneyObject,
    /// Tax contained in the items; not added.
    pub tax: MoneyObject,
    /// What the customer pays.
    pub total: MoneyObject,
}

impl From<OrderMoney> for OrderMoneyObject {
    fn from(money: OrderMoney) -> Self {
        Self {
            items: money.items.into(),
            discount: money.discount.into(),
            discount_bearer: money.discount_bearer,
            delivery_fee: money.delivery_fee.into(),
            cash_fee: money.cash_fee.into(),
            courier_tip: money.courier_tip.into(),
            store_tip: money.store_tip.into(),
            tax: money.tax.into(),
            total: money.total.into(),
        }
    }
}

/// Where an order is brought, as it was when placed.
#[derive(Debug, SimpleObject)]
#[graphql(name = "OrderAddress")]
pub struct OrderAddressObject {
    /// The place.
    pub point: GeoPoint,
    /// The customer's word for it.
    pub label: String,
    /// How to find the door.
    pub notes: Option<String>,
}

impl From<AddressSnapshot> for OrderAddressObject {
    fn from(address: AddressSnapshot) -> Self {
        Self { point: address.point.into(), label: address.label, notes: address.notes }
    }
}

/// One change of an order.
#[derive(Debug, SimpleObject)]
#[graphql(name = "OrderStep")]
pub struct OrderStepObject {
    /// When.
    pub at: Timestamp,
    /// Who: an account, or a part of the system.
    pub actor: String,
    /// What was done.
    pub action: OrderAction,
    /// The state before; null for the first.
    pub from: Option<OrderStatus>,
    /// The state afterwards.
    pub to: OrderStatus,
    /// Why.
    pub reason: Option<String>,
}

impl From<HistoryEntry> for OrderStepObject {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            from: entry.from,
            to: entry.to,
            reason: entry.reason,
        }
    }
}

/// What a cancellation cost.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Cancellation")]
pub struct CancellationObject {
    /// What the customer still pays.
    pub fee: MoneyObject,
    /// The row of the policy that said so.
    pub rule_id: String,
}

impl From<Cancellation> for CancellationObject {
    fn from(cancellation: Cancellation) -> Self {
        Self { fee: cancellation.fee.into(), rule_id: cancellation.rule_id }
    }
}

/// What cancelling would do now.
#[derive(Debug, SimpleObject)]
#[graphql(name = "CancelPreview")]
pub struct CancelPreviewObject {
    /// Whether you may cancel it now.
    pub allowed: bool,
    /// What the customer would still pay; null when not allowed.
    pub fee: Option<MoneyObject>,
    /// What the customer would get back, or not have to pay; null when not allowed.
    pub refund: Option<MoneyObject>,
    /// The row of the policy; null when not allowed.
    pub rule_id: Option<String>,
    /// The order's version it was computed from: send it with `orderCancel`; null when not allowed.
    pub version: Option<i32>,
}

impl From<Option<CancelPreview>> for CancelPreviewObject {
    fn from(preview: Option<CancelPreview>) -> Self {
        let allowed = preview.is_some();
        let Some(preview) = preview else {
            return Self { allowed, fee: None, refund: None, rule_id: None, version: None };
        };
        Self {
            allowed,
            fee: Some(preview.fee.into()),
            refund: Some(preview.refund.into()),
            rule_id: Some(preview.rule_id),
            version: i32::try_from(preview.version).ok(),
        }
    }
}

/// A purchase: the orders of several stores, paid together.
#[derive(Debug, Clone)]
pub struct OrderGroupObject(pub Arc<OrderGroup>);

impl From<OrderGroup> for OrderGroupObject {
    fn from(group: OrderGroup) -> Self {
        Self(Arc::new(group))
    }
}

impl OrderGroupObject {
    async fn load_orders(&self, ctx: &Context<'_>) -> Result<Vec<Arc<Order>>, ApiError> {
        Ok(ctx.loader::<GroupOrdersLoader, _>().load_one(self.0.id).await?.unwrap_or_default())
    }
}

/// A purchase: the orders of several stores, paid together.
#[Object(name = "OrderGroup")]
impl OrderGroupObject {
    /// The id, `grp_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// For people, e.g. `K7QM-2X9A`.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Derived from its orders: what the least advanced living one says; when all have ended, the best ending.
    async fn status(&self, ctx: &Context<'_>) -> Result<Option<OrderStatus>, ApiError> {
        Ok(group_status(self.load_orders(ctx).await?.iter().map(|order| order.status)))
    }

    /// The sum of its orders' totals as they were placed.
    async fn total(&self) -> MoneyObject {
        self.0.total.into()
    }

    /// How it is paid.
    async fn method(&self) -> PaymentMethod {
        self.0.payment_method
    }

    /// One per store.
    async fn orders(&self, ctx: &Context<'_>) -> Result<Vec<OrderObject>, ApiError> {
        Ok(self.load_orders(ctx).await?.into_iter().map(OrderObject).collect())
    }

    /// Its payment.
    async fn payment(&self, ctx: &Context<'_>) -> Result<Option<PaymentObject>, ApiError> {
        payment::of_group(ctx, self.0.id).await
    }

    /// When it was placed.
    async fn placed_at(&self) -> Timestamp {
        self.0.placed_at
    }
}
