//! Payments as clients see them.

use std::sync::Arc;

use async_graphql::{ID, InputObject, Object};
use daraa_domain::ids::{CourierId, OrderId, PaymentId};
use daraa_domain::ledger::CashFloat;
use daraa_domain::payment::{
    CashState, PaymentError, PaymentErrorCode, PaymentIntent, PaymentMethod, PaymentSplit, PaymentStatus,
    PaymentStep, SettleCash, SplitState,
};
use daraa_platform::money::{Currency, Money};
use daraa_platform::ports::pay::DeclineCode;
use daraa_platform::time::Timestamp;

use crate::graphql::scalars::{BigInt, MoneyObject};

/// The payment of a purchase.
#[derive(Debug, Clone)]
pub struct PaymentObject(pub Arc<PaymentIntent>);

impl From<PaymentIntent> for PaymentObject {
    fn from(payment: PaymentIntent) -> Self {
        Self(Arc::new(payment))
    }
}

impl PaymentObject {
    fn sum(&self, of: impl Fn(&PaymentSplit) -> i64) -> MoneyObject {
        // The parts never exceed the whole, so their sum cannot overflow.
        self.0.money(self.0.splits.iter().map(of).fold(0, i64::saturating_add)).into()
    }
}

/// The payment of a purchase.
#[Object(name = "Payment")]
impl PaymentObject {
    /// The id, `pay_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How it is paid.
    async fn method(&self) -> PaymentMethod {
        self.0.method
    }

    /// Where it stands.
    async fn status(&self) -> PaymentStatus {
        self.0.status
    }

    /// The whole.
    async fn amount(&self) -> MoneyObject {
        self.0.amount().into()
    }

    /// How much was taken.
    async fn captured(&self) -> MoneyObject {
        self.sum(|s| s.captured_minor)
    }

    /// How much was released without being taken.
    async fn voided(&self) -> MoneyObject {
        self.sum(|s| s.voided_minor)
    }

    /// How much went back.
    async fn refunded(&self) -> MoneyObject {
        self.sum(|s| s.refunded_minor)
    }

    /// Each order's share.
    async fn splits(&self) -> Vec<PaymentSplitObject> {
        let currency = self.0.currency;
        self.0.splits.iter().map(|split| PaymentSplitObject { split: split.clone(), currency }).collect()
    }

    /// Where you confirm with your bank, while the status is `REQUIRES_ACTION`; call `paymentConfirm` afterwards.
    async fn action_url(&self) -> Option<&str> {
        self.0.action_url.as_deref()
    }

    /// Why the bank said no.
    async fn decline_code(&self) -> Option<DeclineCode> {
        self.0.decline
    }

    /// What happened, oldest first.
    async fn history(&self) -> Vec<PaymentStepObject> {
        self.0.history.iter().cloned().map(PaymentStepObject).collect()
    }

    /// Counts the changes.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// An order's share of a payment.
#[derive(Debug, Clone)]
pub struct PaymentSplitObject {
    split: PaymentSplit,
    currency: Currency,
}

/// An order's share of a payment.
#[Object(name = "PaymentSplit")]
impl PaymentSplitObject {
    /// The order, `ord_…`.
    async fn order_id(&self) -> ID {
        self.split.order_id.to_string().into()
    }

    /// Where the share stands.
    async fn state(&self) -> SplitState {
        self.split.state
    }

    /// The share.
    async fn amount(&self) -> MoneyObject {
        Money::new(self.split.amount_minor, self.currency).into()
    }

    /// How much was taken.
    async fn captured(&self) -> MoneyObject {
        Money::new(self.split.captured_minor, self.currency).into()
    }

    /// How much was released without being taken.
    async fn voided(&self) -> MoneyObject {
        Money::new(self.split.voided_minor, self.currency).into()
    }

    /// How much went back.
    async fn refunded(&self) -> MoneyObject {
        Money::new(self.split.refunded_minor, self.currency).into()
    }

    /// Where the cash is; null unless paid in cash.
    async fn cash_state(&self) -> Option<CashState> {
        self.split.cash.as_ref().map(|cash| cash.state)
    }
}

/// One step of a payment's history.
#[derive(Debug, Clone)]
pub struct PaymentStepObject(PaymentStep);

/// One step of a payment's history.
#[Object(name = "PaymentStep")]
impl PaymentStepObject {
    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// What happened.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The status before; null for the first step.
    async fn from(&self) -> Option<PaymentStatus> {
        self.0.from
    }

    /// The status after.
    async fn to(&self) -> PaymentStatus {
        self.0.to
    }

    /// The order it was about; null when about the whole.
    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.map(|id: OrderId| id.to_string().into())
    }
}

/// The cash a courier carries for the platform.
#[derive(Debug, Clone, Copy)]
pub struct CashFloatObject(CashFloat);

impl From<CashFloat> for CashFloatObject {
    fn from(float: CashFloat) -> Self {
        Self(float)
    }
}

/// The cash a courier carries for the platform.
#[Object(name = "CashFloat")]
impl CashFloatObject {
    /// The courier, `cou_…`.
    async fn courier_id(&self) -> ID {
        self.0.courier_id.to_string().into()
    }

    /// What is to be handed in.
    async fn owed(&self) -> MoneyObject {
        self.0.owed.into()
    }
}

/// The customer is back from the bank's page.
#[derive(Debug, InputObject)]
pub struct PaymentConfirmInput {
    /// The payment, `pay_…`.
    pub payment_id: ID,
}

impl PaymentConfirmInput {
    pub(super) fn parse(&self) -> Result<PaymentId, PaymentError> {
        Ok(self.payment_id.parse()?)
    }
}

/// Finance takes the cash a courier hands in.
#[derive(Debug, InputObject)]
pub struct CashSettleInput {
    /// The courier, `cou_…`.
    pub courier_id: ID,
    /// How much was counted, minor units.
    pub amount_minor: BigInt,
    /// The currency of the cash; the platform's own when left out.
    pub currency: Option<Currency>,
    /// Your key for this request, 1 to 64 characters.
    pub idempotency_key: ID,
}

impl CashSettleInput {
    pub(super) fn parse(self, platform: Currency) -> Result<SettleCash, PaymentError> {
        let courier_id: CourierId = self.courier_id.parse()?;
        Ok(SettleCash {
            courier_id,
            amount: Money::new(self.amount_minor.0, self.currency.unwrap_or(platform)),
            idempotency_key: self.idempotency_key.to_string(),
        })
    }
}

crate::user_errors!(
    /// What was wrong with a request about a payment.
    PaymentUserError, PaymentError, PaymentErrorCode
);
crate::payload!(
    /// What `paymentConfirm` answers.
    PaymentConfirmPayload, PaymentError, {
        /// The payment as it is now; null when there are `userErrors`.
        payment: PaymentObject
    }
);
crate::payload!(
    /// What `cashDeclare` answers.
    CashDeclarePayload, PaymentError, {
        /// How many purchases' cash is being handed in; null when there are `userErrors`.
        declared: BigInt
    }
);
crate::payload!(
    /// What `cashSettle` answers.
    CashSettlePayload, PaymentError, {
        /// What the courier still carries; null when there are `userErrors`.
        cash_float: CashFloatObject
    }
);
