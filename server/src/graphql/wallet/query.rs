//! Questions about wallets, earnings and commissions.

use async_graphql::{Context, ID, Object};
use daraa_domain::ledger::{self, CommissionStatus, wallet};
use daraa_domain::settings;
use daraa_platform::money::Currency;

use super::types::{CommissionObject, EarningObject, WalletObject, store_id};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};
use crate::graphql::scalars::MoneyObject;

/// Questions about wallets, earnings and commissions.
#[derive(Debug, Default)]
pub struct WalletQuery;

#[Object]
impl WalletQuery {
    /// Your wallet in a currency (the platform's own without one).
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The platform's currency when left out.")] currency: Option<Currency>,
    ) -> Result<WalletObject, ApiError> {
        let currency = match currency {
            Some(currency) => currency,
            None => settings::get(ctx.app()).await?.currency,
        };
        Ok(wallet::mine(ctx.app(), ctx.actor(), currency).await?.into())
    }

    /// What a store earned, newest first; for its owner and for finance.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Finance, Role::Support]))]
    async fn store_earnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "storeId", desc = "The store, `sto_…`.")] of_store: ID,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<EarningObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let found = ledger::store_earnings(ctx.app(), ctx.actor(), store_id(&of_store)?, &page).await?;
        Ok(connection(found, EarningObject))
    }

    /// What the platform owes a store, one amount a currency; negative while the store owes the platform.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Finance, Role::Support]))]
    async fn store_balances(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "storeId", desc = "The store, `sto_…`.")] of_store: ID,
    ) -> Result<Vec<MoneyObject>, ApiError> {
        let found = ledger::store_balances(ctx.app(), ctx.actor(), store_id(&of_store)?).await?;
        Ok(found.into_iter().map(MoneyObject::from).collect())
    }

    /// What you earned as a courier, newest first.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn my_earnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<EarningObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        Ok(connection(ledger::my_earnings(ctx.app(), ctx.actor(), &page).await?, EarningObject))
    }

    /// Commissions of one status, newest first: those of a store for its owner, all for finance.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Finance, Role::Support]))]
    async fn commissions(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "storeId", desc = "Only of this store, `sto_…`; finance may leave it out.")]
        of_store: Option<ID>,
        #[graphql(desc = "How far they are.", default_with = "CommissionStatus::Final")]
        status: CommissionStatus,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<CommissionObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let store = of_store.as_ref().map(store_id).transpose()?;
        let found = ledger::commissions(ctx.app(), ctx.actor(), store, status, &page).await?;
        Ok(connection(found, CommissionObject))
    }
}
