//! The quote and its input.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use daraa_domain::ids::AddressId;
use daraa_domain::ledger::PaymentMethod;
use daraa_domain::pricing::{
    CreateQuote, FulfillmentMethod, PricingError, PricingErrorCode, Quote, QuoteLine, QuoteLineKind,
    QuoteState, QuotedStore,
};
use daraa_platform::time::Timestamp;

use crate::graphql::cart::CartProblemObject;
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::order::OrderMoneyObject;
use crate::graphql::scalars::{BigInt, LocalTextObject, MoneyObject};
use crate::graphql::store::{StoreLoader, StoreObject};

crate::user_errors!(
    /// Why there is no quote.
    PricingUserError, PricingError, PricingErrorCode
);

/// A priced promise with an expiry.
#[derive(Debug, Clone)]
pub struct QuoteObject(pub Arc<Quote>);

impl From<Quote> for QuoteObject {
    fn from(quote: Quote) -> Self {
        Self(Arc::new(quote))
    }
}

/// A priced promise with an expiry. Each amount says which rule made it from which inputs.
#[Object(name = "Quote")]
impl QuoteObject {
    /// The id, `quo_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Until when it holds.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Whether it was placed.
    async fn state(&self) -> QuoteState {
        self.0.state
    }

    /// What the customer would pay.
    async fn total(&self) -> MoneyObject {
        self.0.total.into()
    }

    /// How the goods reach the customer.
    async fn fulfillment(&self) -> FulfillmentMethod {
        self.0.fulfillment
    }

    /// How it will be paid.
    async fn payment_method(&self) -> PaymentMethod {
        self.0.payment_method
    }

    /// The coupon it counts on.
    async fn coupon_code(&self) -> Option<&str> {
        self.0.coupon.as_ref().map(|coupon| coupon.code.as_str())
    }

    /// One part per store; the parts' totals sum to the whole.
    async fn stores(&self) -> Vec<QuoteStoreObject> {
        self.0.stores.iter().cloned().map(QuoteStoreObject).collect()
    }

    /// What keeps it from being placed; empty when nothing does.
    async fn problems(&self, ctx: &Context<'_>) -> Vec<CartProblemObject> {
        self.0.problems.iter().map(|problem| CartProblemObject::new(problem, ctx.lang())).collect()
    }
}

/// One store's part of a quote.
#[derive(Debug, Clone)]
pub struct QuoteStoreObject(QuotedStore);

/// One store's part of a quote.
#[Object(name = "QuoteStore")]
impl QuoteStoreObject {
    /// The store, `sto_…`.
    async fn store_id(&self) -> ID {
        self.0.store_id.to_string().into()
    }

    /// The store.
    async fn store(&self, ctx: &Context<'_>) -> Result<Option<StoreObject>, ApiError> {
        Ok(ctx.loader::<StoreLoader, _>().load_one(self.0.store_id).await?.map(StoreObject::from))
    }

    /// Metres to the address; null for takeaway.
    async fn distance_m(&self) -> Option<BigInt> {
        self.0.distance_m.map(BigInt)
    }

    /// Every amount with the rule that made it.
    async fn lines(&self) -> Vec<QuoteLineObject> {
        self.0.lines.iter().cloned().map(QuoteLineObject::from).collect()
    }

    /// The sums.
    async fn money(&self) -> OrderMoneyObject {
        self.0.money.into()
    }

    /// What this part costs.
    async fn total(&self) -> MoneyObject {
        self.0.money.total.into()
    }
}

/// One amount of a quote with the rule that made it.
#[derive(Debug, SimpleObject)]
#[graphql(name = "QuoteLine")]
pub struct QuoteLineObject {
    /// What it is for.
    pub kind: QuoteLineKind,
    /// For people, in both languages.
    pub name: LocalTextObject,
    /// For people, English.
    pub label: String,
    /// The amount; negative when something is taken off.
    pub amount: MoneyObject,
    /// Whether the amount counts towards the total; contained tax is told, not added.
    pub counts: bool,
    /// The rule.
    pub rule_id: String,
    /// What the rule used.
    pub inputs: Vec<RuleInputObject>,
}

impl From<QuoteLine> for QuoteLineObject {
    fn from(line: QuoteLine) -> Self {
        let inputs =
            line.inputs.into_iter().map(|i| RuleInputObject { name: i.name, value: i.value }).collect();
        Self {
            kind: line.kind,
            label: line.label.en.clone(),
            name: line.label.into(),
            amount: line.amount.into(),
            counts: line.kind.counts(),
            rule_id: line.rule_id,
            inputs,
        }
    }
}

/// A number a rule used.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RuleInput")]
pub struct RuleInputObject {
    /// Its name with its unit, e.g. `distance_m`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Asks for a quote of your cart.
#[derive(Debug, InputObject)]
pub struct QuoteCreateInput {
    /// Where to bring it, `adr_…`; needed for delivery.
    pub address_id: Option<ID>,
    /// How the goods reach you.
    pub fulfillment: FulfillmentMethod,
    /// How you will pay.
    pub payment_method: PaymentMethod,
    /// A coupon to use.
    pub coupon_code: Option<String>,
    /// A tip for the couriers in minor units, shared between the orders.
    pub courier_tip_minor: Option<BigInt>,
    /// A tip for the stores in minor units, shared between the orders.
    pub store_tip_minor: Option<BigInt>,
}

impl QuoteCreateInput {
    pub(super) fn parse(self) -> Result<CreateQuote, PricingError> {
        Ok(CreateQuote {
            address_id: self.address_id.map(|id| id.parse::<AddressId>()).transpose()?,
            fulfillment: self.fulfillment,
            payment_method: self.payment_method,
            coupon_code: self.coupon_code.filter(|code| !code.trim().is_empty()),
            courier_tip_minor: self.courier_tip_minor.map_or(0, |n| n.0),
            store_tip_minor: self.store_tip_minor.map_or(0, |n| n.0),
        })
    }
}

crate::payload!(
    /// What `quoteCreate` answers.
    QuoteCreatePayload, PricingError, {
        /// The quote; null when there are `userErrors`.
        quote: QuoteObject
    }
);
