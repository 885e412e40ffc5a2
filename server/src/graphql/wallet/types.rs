//! The books as clients see them.

use async_graphql::{Context, ID, InputObject, Object};
use daraa_domain::account::Phone;
use daraa_domain::ids::StoreId;
use daraa_domain::ledger::wallet::{
    self, CreditWallet, MovementStatus, MovementType, Wallet, WalletOwner, WalletTransaction,
};
use daraa_domain::ledger::{
    Commission, CommissionStatus, Earning, EarningKind, EarningStatus, LedgerError, LedgerErrorCode,
};
use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;

use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};
use crate::graphql::scalars::{BigInt, MoneyObject};

/// A customer's money with the platform, in one currency.
#[derive(Debug, Clone)]
pub struct WalletObject(pub Wallet);

impl From<Wallet> for WalletObject {
    fn from(wallet: Wallet) -> Self {
        Self(wallet)
    }
}

/// A customer's money with the platform, in one currency.
#[Object(name = "Wallet")]
impl WalletObject {
    /// The id, `wal_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it holds in all.
    async fn balance(&self) -> MoneyObject {
        self.0.balance().into()
    }

    /// What may be spent: the balance less what is set aside for open orders.
    async fn available(&self) -> MoneyObject {
        self.0.available().into()
    }

    /// What is set aside for open orders.
    async fn held(&self) -> Result<MoneyObject, ApiError> {
        Ok(self.0.held().map_err(LedgerError::from)?.into())
    }

    /// Its movements, newest first.
    async fn transactions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<WalletTransactionObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let found = wallet::movements(ctx.app(), ctx.actor(), self.0.id, &page).await?;
        Ok(connection(found, WalletTransactionObject))
    }
}

/// One movement of a wallet.
#[derive(Debug, Clone)]
pub struct WalletTransactionObject(pub WalletTransaction);

/// One movement of a wallet.
#[Object(name = "WalletTransaction")]
impl WalletTransactionObject {
    /// The id, `wtx_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Why the wallet moved.
    #[graphql(name = "type")]
    async fn kind(&self) -> MovementType {
        self.0.kind
    }

    /// How far the movement is.
    async fn status(&self) -> MovementStatus {
        self.0.status
    }

    /// Positive: in, negative: out.
    async fn amount(&self) -> MoneyObject {
        Money::new(self.0.amount_minor, self.0.currency).into()
    }

    /// The balance right after; null while the movement is pending, or was cancelled.
    async fn balance_after(&self) -> Option<MoneyObject> {
        self.0.balance_after_minor.map(|minor| Money::new(minor, self.0.currency).into())
    }

    /// The order it belongs to, `ord_…`.
    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.map(|id| id.to_string().into())
    }

    /// The reason finance gave.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// What a store or courier earned with an order.
#[derive(Debug, Clone)]
pub struct EarningObject(pub Earning);

/// What a store or courier earned with an order.
#[Object(name = "Earning")]
impl EarningObject {
    /// The id, `ern_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The order, `ord_…`.
    async fn order_id(&self) -> ID {
        self.0.order_id.to_string().into()
    }

    /// What for.
    async fn kind(&self) -> EarningKind {
        self.0.kind
    }

    /// How far it is on its way to a payout.
    async fn status(&self) -> EarningStatus {
        self.0.status
    }

    /// How much was earned.
    async fn amount(&self) -> MoneyObject {
        Money::new(self.0.amount_minor, self.0.currency).into()
    }

    /// How much of it was taken back with refunds.
    async fn reversed(&self) -> MoneyObject {
        Money::new(self.0.reversed_minor, self.0.currency).into()
    }

    /// When it may be paid out.
    async fn available_at(&self) -> Timestamp {
        self.0.available_at
    }

    /// When the order was settled.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// What the platform took from an order, frozen with the rule that made it.
#[derive(Debug, Clone)]
pub struct CommissionObject(pub Commission);

/// What the platform took from an order, frozen with the rule that made it.
#[Object(name = "Commission")]
impl CommissionObject {
    /// The id, `com_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The order, `ord_…`.
    async fn order_id(&self) -> ID {
        self.0.order_id.to_string().into()
    }

    /// The store, `sto_…`.
    async fn store_id(&self) -> ID {
        self.0.store_account_id.to_string().into()
    }

    /// What it was computed from.
    async fn base(&self) -> MoneyObject {
        Money::new(self.0.base_minor, self.0.currency).into()
    }

    /// The rate in basis points, 1500 for 15 %.
    async fn bps(&self) -> BigInt {
        BigInt(self.0.bps)
    }

    /// What was charged.
    async fn amount(&self) -> MoneyObject {
        Money::new(self.0.amount_minor, self.0.currency).into()
    }

    /// How much of it was given back with refunds.
    async fn reversed(&self) -> MoneyObject {
        Money::new(self.0.reversed_minor, self.0.currency).into()
    }

    /// How far it is.
    async fn status(&self) -> CommissionStatus {
        self.0.status
    }

    /// When it was charged.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// Finance credits a wallet by hand.
#[derive(Debug, InputObject)]
pub struct WalletCreditInput {
    /// Whose wallet, `acc_…`; or give the phone.
    pub account_id: Option<ID>,
    /// Whose wallet, E.164; or give the account.
    pub phone: Option<String>,
    /// How much, minor units, positive.
    pub amount_minor: BigInt,
    /// The wallet's currency.
    pub currency: Currency,
    /// Why, 1 to 200 characters; the customer sees it.
    pub reason: String,
    /// Your key for this request, 1 to 64 characters.
    pub idempotency_key: ID,
}

impl WalletCreditInput {
    pub(super) fn parse(self) -> Result<CreditWallet, LedgerError> {
        let owner = match (self.account_id, self.phone) {
            (Some(id), None) => WalletOwner::Account(id.parse()?),
            (None, Some(phone)) => {
                WalletOwner::Phone(Phone::parse(&phone).map_err(|_| LedgerError::InvalidPhone)?)
            }
            _ => return Err(LedgerError::OwnerRequired),
        };
        Ok(CreditWallet {
            owner,
            amount: Money::new(self.amount_minor.0, self.currency),
            reason: self.reason,
            idempotency_key: self.idempotency_key.to_string(),
        })
    }
}

pub(super) fn store_id(id: &ID) -> Result<StoreId, LedgerError> {
    Ok(id.parse()?)
}

crate::user_errors!(
    /// What was wrong with a request about the books.
    WalletUserError, LedgerError, LedgerErrorCode
);
crate::payload!(
    /// What `walletCredit` answers.
    WalletCreditPayload, LedgerError, {
        /// The wallet as it is now; null when there are `userErrors`.
        wallet: WalletObject
    }
);
