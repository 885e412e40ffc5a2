//! What customers, couriers and finance do with payments.

use async_graphql::{Context, Object};
use daraa_domain::{payment, settings};

use super::types::{
    CashDeclarePayload, CashFloatObject, CashSettleInput, CashSettlePayload, PaymentConfirmInput,
    PaymentConfirmPayload, PaymentObject,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::BigInt;

/// What customers, couriers and finance do with payments.
#[derive(Debug, Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// After you confirmed (or refused) on the bank's page: asks the provider how it went.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn payment_confirm(
        &self,
        ctx: &Context<'_>,
        input: PaymentConfirmInput,
    ) -> Result<PaymentConfirmPayload, ApiError> {
        let outcome = async { payment::confirm(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        PaymentConfirmPayload::answer(ctx, outcome.map(PaymentObject::from))
    }

    /// You hand in all the cash you collected.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn cash_declare(&self, ctx: &Context<'_>) -> Result<CashDeclarePayload, ApiError> {
        let outcome = payment::declare_cash(ctx.app(), ctx.actor()).await;
        CashDeclarePayload::answer(ctx, outcome.map(|n| BigInt(i64::try_from(n).unwrap_or(i64::MAX))))
    }

    /// Takes the cash a courier hands in; the oldest orders are settled first. Audited.
    #[graphql(directive = requires::apply(vec![Role::Finance]))]
    async fn cash_settle(
        &self,
        ctx: &Context<'_>,
        input: CashSettleInput,
    ) -> Result<CashSettlePayload, ApiError> {
        let platform = settings::get(ctx.app()).await?.currency;
        let outcome =
            async { payment::settle_cash(ctx.app(), ctx.actor(), input.parse(platform)?).await }.await;
        CashSettlePayload::answer(ctx, outcome.map(CashFloatObject::from))
    }
}
