//! What finance does with wallets.

use async_graphql::{Context, Object};
use daraa_domain::ledger::wallet;

use super::types::{WalletCreditInput, WalletCreditPayload, WalletObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// What finance does with wallets.
#[derive(Debug, Default)]
pub struct WalletMutation;

#[Object]
impl WalletMutation {
    /// Credits a customer's wallet by hand: a deposit at the desk, goodwill. Audited.
    #[graphql(directive = requires::apply(vec![Role::Finance]))]
    async fn wallet_credit(
        &self,
        ctx: &Context<'_>,
        input: WalletCreditInput,
    ) -> Result<WalletCreditPayload, ApiError> {
        let outcome = async { wallet::credit(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        WalletCreditPayload::answer(ctx, outcome.map(WalletObject::from))
    }
}
