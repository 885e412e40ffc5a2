//! What the order mutations take and answer.

use async_graphql::{ID, InputObject};
use daraa_domain::ids::{OrderId, OrderLineId};
use daraa_domain::ledger::RefundLiability;
use daraa_domain::order::refund::{ApproveRefund, RejectRefund, RequestRefund};
use daraa_domain::order::{
    AcceptOrder, CancelOrder, DelayOrder, HandOverOrder, OrderError, PlaceOrder, RejectOrder, TouchOrder,
};
use daraa_platform::ids::MalformedId;

use super::refund::RefundObject;
use super::types::{OrderGroupObject, OrderObject};
use crate::graphql::scalars::BigInt;

/// Places a quote.
#[derive(InputObject)]
pub struct OrderPlaceInput {
    /// The quote, `quo_…`; it must not have expired.
    pub quote_id: ID,
    /// The provider's token of a card; needed when the quote is to be paid by card.
    pub card_token: Option<String>,
    /// Your key for this request, 1 to 64 characters; the same key again answers the same purchase.
    pub idempotency_key: ID,
}

impl OrderPlaceInput {
    pub(super) fn parse(self) -> Result<PlaceOrder, OrderError> {
        Ok(PlaceOrder {
            quote_id: self.quote_id.parse()?,
            card_token: self.card_token,
            idempotency_key: self.idempotency_key.0,
        })
    }
}

crate::payload!(
    /// What `orderPlace` answers.
    OrderPlacePayload, OrderError, {
        /// The purchase; null when there are `userErrors`.
        order_group: OrderGroupObject
    }
);

/// A store says yes.
#[derive(Debug, InputObject)]
pub struct OrderAcceptInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// Ready in so many minutes, 1 to 240.
    pub prep_minutes: i32,
    /// The version you saw.
    pub expected_version: Option<i32>,
}

impl OrderAcceptInput {
    pub(super) fn parse(&self) -> Result<AcceptOrder, OrderError> {
        Ok(AcceptOrder {
            order_id: self.order_id.parse()?,
            prep_minutes: i64::from(self.prep_minutes),
            expected_version: self.expected_version.map(i64::from),
        })
    }
}

/// A store says no.
#[derive(Debug, InputObject)]
pub struct OrderRejectInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// Why, 1 to 200 characters.
    pub reason: String,
}

impl OrderRejectInput {
    pub(super) fn parse(self) -> Result<RejectOrder, OrderError> {
        Ok(RejectOrder { order_id: self.order_id.parse()?, reason: self.reason })
    }
}

/// A store begins to prepare.
#[derive(Debug, InputObject)]
pub struct OrderPrepareInput {
    /// The order, `ord_…`.
    pub order_id: ID,
}

/// A store has finished.
#[derive(Debug, InputObject)]
pub struct OrderReadyInput {
    /// The order, `ord_…`.
    pub order_id: ID,
}

pub(super) fn touch(order_id: &ID) -> Result<TouchOrder, OrderError> {
    Ok(TouchOrder { order_id: order_id.parse::<OrderId>()? })
}

/// A store needs longer.
#[derive(Debug, InputObject)]
pub struct OrderDelayInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// So many minutes more, 1 to 120; an order is delayed at most 6 times.
    pub minutes: i32,
    /// The version you saw: asked again after a lost answer, the minutes are not added twice.
    pub expected_version: i32,
}

impl OrderDelayInput {
    pub(super) fn parse(&self) -> Result<DelayOrder, OrderError> {
        Ok(DelayOrder {
            order_id: self.order_id.parse()?,
            minutes: i64::from(self.minutes),
            expected_version: i64::from(self.expected_version),
        })
    }
}

/// Calls an order off.
#[derive(Debug, InputObject)]
pub struct OrderCancelInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// Why, 1 to 200 characters.
    pub reason: String,
    /// The version whose `cancelPreview` you saw; needed where cancelling costs something.
    pub expected_version: Option<i32>,
    /// Your key for this request, 1 to 64 characters.
    pub idempotency_key: ID,
}

impl OrderCancelInput {
    pub(super) fn parse(self) -> Result<CancelOrder, OrderError> {
        Ok(CancelOrder {
            order_id: self.order_id.parse()?,
            reason: self.reason,
            expected_version: self.expected_version.map(i64::from),
            idempotency_key: self.idempotency_key.0,
        })
    }
}

/// Hands takeaway over at the counter.
#[derive(Debug, InputObject)]
pub struct OrderHandOverInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// Staff: the customer's `dropoffPin`. Customer: the store's `storeCode`.
    pub code: String,
}

impl OrderHandOverInput {
    pub(super) fn parse(self) -> Result<HandOverOrder, OrderError> {
        Ok(HandOverOrder { order_id: self.order_id.parse()?, code: self.code })
    }
}

macro_rules! order_payloads {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $(crate::payload!(
            $(#[$doc])*
            $name, OrderError, {
                /// The order as it is now; null when there are `userErrors`.
                order: OrderObject
            }
        );)+
    };
}

order_payloads!(
    /// What `orderAccept` answers.
    OrderAcceptPayload,
    /// What `orderReject` answers.
    OrderRejectPayload,
    /// What `orderPrepare` answers.
    OrderPreparePayload,
    /// What `orderReady` answers.
    OrderReadyPayload,
    /// What `orderDelay` answers.
    OrderDelayPayload,
    /// What `orderCancel` answers.
    OrderCancelPayload,
    /// What `orderHandOver` answers.
    OrderHandOverPayload,
);

/// Asks for money back after completion.
#[derive(Debug, InputObject)]
pub struct RefundRequestInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// Only for these lines, `oln_…`; for the whole order when left out.
    pub line_ids: Option<Vec<ID>>,
    /// So much in minor units; all of the lines, or all that is left, when left out.
    pub amount_minor: Option<BigInt>,
    /// Why, 1 to 200 characters.
    pub reason: String,
    /// Your key for this request, 1 to 64 characters.
    pub idempotency_key: ID,
}

impl RefundRequestInput {
    pub(super) fn parse(self) -> Result<RequestRefund, OrderError> {
        if self.line_ids.as_ref().is_some_and(Vec::is_empty) {
            // No line at all is not the whole order.
            return Err(OrderError::LineNotFound);
        }
        let line_ids = self.line_ids.unwrap_or_default();
        let mut line_ids: Vec<OrderLineId> =
            line_ids.iter().map(|id| id.parse()).collect::<Result<_, MalformedId>>()?;
        line_ids.sort_unstable();
        line_ids.dedup();
        Ok(RequestRefund {
            order_id: self.order_id.parse()?,
            line_ids,
            amount_minor: self.amount_minor.map(|n| n.0),
            reason: self.reason,
            idempotency_key: self.idempotency_key.0,
        })
    }
}

/// Decides for a refund.
#[derive(Debug, InputObject)]
pub struct RefundApproveInput {
    /// The refund, `rfd_…`.
    pub refund_id: ID,
    /// Who pays for it.
    pub liability: RefundLiability,
}

impl RefundApproveInput {
    pub(super) fn parse(&self) -> Result<ApproveRefund, OrderError> {
        Ok(ApproveRefund { refund_id: self.refund_id.parse()?, liability: self.liability })
    }
}

/// Decides against a refund.
#[derive(Debug, InputObject)]
pub struct RefundRejectInput {
    /// The refund, `rfd_…`.
    pub refund_id: ID,
    /// Why, 1 to 200 characters.
    pub reason: String,
}

impl RefundRejectInput {
    pub(super) fn parse(self) -> Result<RejectRefund, OrderError> {
        Ok(RejectRefund { refund_id: self.refund_id.parse()?, reason: self.reason })
    }
}

macro_rules! refund_payloads {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $(crate::payload!(
            $(#[$doc])*
            $name, OrderError, {
                /// The refund as it is now; null when there are `userErrors`.
                refund: RefundObject
            }
        );)+
    };
}

refund_payloads!(
    /// What `refundRequest` answers.
    RefundRequestPayload,
    /// What `refundApprove` answers.
    RefundApprovePayload,
    /// What `refundReject` answers.
    RefundRejectPayload,
);
