//! Use cases of the books.

use std::collections::BTreeMap;
use std::time::Duration;

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};

use super::error::LedgerError;
use super::model::{
    COMMISSION_INDEX, CashFloat, Commission, CommissionStatus, Earning, EarningStatus, LedgerAccount,
    LedgerEntry, LedgerProblem, LedgerTransaction, NewTransaction, Payee, REFERENCE_INDEX, RefundPosting,
    Settlement, TransactionKind,
};
use super::{rules, store, wallet};
use crate::actor::{Actor, OpsRole, StaffRole};
use crate::app::App;
use crate::ids::{CourierId, LedgerTransactionId, StoreId};

/// Earnings are held back this long, so that complaints can still be charged to them.
const EARNING_HOLD: Duration = Duration::from_secs(24 * 3600);
/// Earnings made available in one go by the job.
const RELEASE_BATCH: i64 = 500;

/// A booked transaction with the balances it led to.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The transaction.
    pub id: LedgerTransactionId,
    /// The cached balances right after, minor units.
    pub balances_after: Vec<(LedgerAccount, i64)>,
}

impl Posted {
    /// The cached balance of an account right after, minor units.
    #[must_use]
    pub fn balance_after(&self, account: LedgerAccount) -> Option<i64> {
        self.balances_after.iter().find(|(a, _)| *a == account).map(|(_, balance)| *balance)
    }
}

/// Books a transaction inside the caller's.
///
/// # Errors
/// [`LedgerError::InsufficientFunds`] when a wallet holds too little, [`LedgerError::AlreadyPosted`] when the
/// reference was booked before; entries that do not sum to zero are a defect.
pub async fn post_in_tx(app: &App, tx: &mut Tx, new: NewTransaction) -> Result<Posted, LedgerError> {
    let entries = rules::balanced(&new.entries).map_err(daraa_platform::fault::Infra::from)?;
    if store::find_transaction_in_tx(app, tx, &new.reference).await?.is_some() {
        return Err(LedgerError::AlreadyPosted);
    }
    let now = app.clock.now();
    let id = app.ids.next();
    let mut rows = Vec::with_capacity(entries.len());
    let mut balances_after = Vec::new();
    for (account, amount) in entries {
        let balance_after_minor = match account {
            LedgerAccount::CustomerWallet(account_id) => {
                Some(wallet::move_in_tx(app, tx, account_id, amount).await?)
            }
            _ if account.has_cached_balance() => {
                Some(store::add_to_balance_in_tx(app, tx, account, amount, now).await?)
            }
            _ => None,
        };
        if let Some(balance) = balance_after_minor {
            balances_after.push((account, balance));
        }
        rows.push(LedgerEntry {
            id: app.ids.next(),
            transaction_id: id,
            account,
            currency: amount.currency,
            amount_minor: amount.amount_minor,
            balance_after_minor,
            kind: new.kind,
            order_id: new.order_id,
            at: now,
        });
    }
    let transaction = LedgerTransaction {
        id,
        reference: new.reference,
        kind: new.kind,
        order_id: new.order_id,
        actor: new.actor,
        entry_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        at: now,
    };
    store::insert_in_tx(app, tx, &transaction, &rows).await.map_err(already_posted)?;
    Ok(Posted { id, balances_after })
}

fn already_posted(e: DbError) -> LedgerError {
    match e.duplicate_index() {
        Some(REFERENCE_INDEX | COMMISSION_INDEX) => LedgerError::AlreadyPosted,
        _ => e.into(),
    }
}

/// Whether a cause is booked, asked inside the caller's transaction.
///
/// # Errors
/// Database failure.
pub async fn is_posted_in_tx(app: &App, tx: &mut Tx, reference: &str) -> Result<bool, LedgerError> {
    Ok(store::find_transaction_in_tx(app, tx, reference).await?.is_some())
}

/// Divides a completed order's money among its parties, with its commission and earnings. Called again for the
/// same order it does nothing: the commission, which every settled order has, be it zero, is the mark.
///
/// # Errors
/// Figures that do not sum are a defect; database failure.
pub async fn settle_order_in_tx(app: &App, tx: &mut Tx, order: &Settlement) -> Result<(), LedgerError> {
    if store::commission_in_tx(app, tx, order.order_id).await?.is_some() {
        return Ok(());
    }
    let division = rules::divide(order).map_err(daraa_platform::fault::Infra::from)?;
    if !division.entries.is_empty() {
        let new = NewTransaction {
            reference: format!("settle:{}", order.order_id),
            kind: TransactionKind::Settlement,
            order_id: Some(order.order_id),
            actor: "system:settle".to_owned(),
            entries: division.entries,
        };
        post_in_tx(app, tx, new).await?;
    }
    let now = app.clock.now();
    let commission = Commission {
        id: app.ids.next(),
        order_id: order.order_id,
        store_account_id: order.store_id,
        courier_account_id: order.courier_id,
        base_minor: division.commission_base.amount_minor,
        bps: order.commission_bps,
        amount_minor: division.commission.amount_minor,
        refunded_base_minor: 0,
        refunded_items_minor: 0,
        reversed_minor: 0,
        currency: order.total.currency,
        status: CommissionStatus::Final,
        created_at: now,
    };
    store::insert_commission_in_tx(app, tx, &commission).await.map_err(already_posted)?;
    let earnings: Vec<Earning> = division
        .earnings
        .into_iter()
        .map(|(payee, kind, amount)| Earning {
            id: app.ids.next(),
            order_id: order.order_id,
            payee,
            kind,
            amount_minor: amount.amount_minor,
            reversed_minor: 0,
            currency: amount.currency,
            status: EarningStatus::Pending,
            available_at: now.plus(EARNING_HOLD),
            created_at: now,
        })
        .collect();
    store::insert_earnings_in_tx(app, tx, &earnings).await?;
    Ok(())
}

/// Charges a refund of a settled order to the liable party and gives its commission back. Called again for the
/// same refund it does nothing. The customer's side is booked by the payment room when the money goes back.
///
/// # Errors
/// [`LedgerError::NotSettled`] before the order is settled (call again later); figures out of bounds are a
/// defect; database failure.
pub async fn reverse_for_refund_in_tx(
    app: &App,
    tx: &mut Tx,
    refund: &RefundPosting,
) -> Result<(), LedgerError> {
    let reference = format!("refund_charge:{}", refund.refund_id);
    if is_posted_in_tx(app, tx, &reference).await? {
        return Ok(());
    }
    // Charged before the settlement, the refund would leave the commission on what was given back.
    let before = store::commission_in_tx(app, tx, refund.order_id).await?.ok_or(LedgerError::NotSettled)?;
    let charge = rules::charge_refund(refund, &before).map_err(daraa_platform::fault::Infra::from)?;
    let new = NewTransaction {
        reference,
        kind: TransactionKind::RefundCharge,
        order_id: Some(refund.order_id),
        actor: "system:refund".to_owned(),
        entries: charge.entries,
    };
    post_in_tx(app, tx, new).await?;
    if charge.refunded_items_minor != before.refunded_items_minor {
        let reversed_minor = before.reversed_minor.saturating_add(charge.commission_back.amount_minor);
        let after = Commission {
            refunded_base_minor: charge.refunded_base_minor,
            refunded_items_minor: charge.refunded_items_minor,
            reversed_minor,
            status: rules::commission_status(before.amount_minor, reversed_minor),
            ..before.clone()
        };
        store::reverse_commission_in_tx(app, tx, &before, &after).await?;
    }
    for (payee, kind, amount) in charge.taken_back {
        store::take_back_in_tx(app, tx, refund.order_id, payee, kind, amount.amount_minor).await?;
    }
    Ok(())
}

/// The cash a courier carries for us.
///
/// # Errors
/// Database failure.
pub async fn float_of(
    app: &App,
    courier_id: CourierId,
    currency: Currency,
) -> Result<CashFloat, LedgerError> {
    let balance = balance_of(app, LedgerAccount::CourierFloat(courier_id), currency).await?;
    Ok(CashFloat { courier_id, owed: balance.negate()? })
}

/// The cash of many couriers at once; those who carry none may be missing.
///
/// # Errors
/// Database failure.
pub async fn floats_of(
    app: &App,
    courier_ids: &[CourierId],
    currency: Currency,
) -> Result<Vec<CashFloat>, LedgerError> {
    let accounts: BTreeMap<LedgerAccount, CourierId> =
        courier_ids.iter().map(|id| (LedgerAccount::CourierFloat(*id), *id)).collect();
    let wanted: Vec<LedgerAccount> = accounts.keys().copied().collect();
    let mut floats = Vec::new();
    for balance in store::balances(app, &wanted, currency).await? {
        if let Some(courier_id) = accounts.get(&balance.account) {
            let owed = Money::new(balance.balance_minor, currency).negate()?;
            floats.push(CashFloat { courier_id: *courier_id, owed });
        }
    }
    Ok(floats)
}

/// What a courier has earned and was not paid out yet.
///
/// # Errors
/// Database failure.
pub async fn courier_balance(
    app: &App,
    courier_id: CourierId,
    currency: Currency,
) -> Result<Money, LedgerError> {
    balance_of(app, LedgerAccount::CourierPayable(courier_id), currency).await
}

/// The balance of an account: the cached one, or for the platform's own accounts the fold of all entries.
///
/// # Errors
/// Database failure.
pub async fn balance_of(app: &App, account: LedgerAccount, currency: Currency) -> Result<Money, LedgerError> {
    let minor = match account {
        LedgerAccount::CustomerWallet(account_id) => {
            wallet::of(app, account_id, currency).await?.map_or(0, |w| w.balance_minor)
        }
        _ if account.has_cached_balance() => {
            store::balance(app, account, currency).await?.map_or(0, |b| b.balance_minor)
        }
        _ => store::fold(app, account, currency).await?,
    };
    Ok(Money::new(minor, currency))
}

/// What we owe a store, a balance a currency; for its owner and for finance.
///
/// # Errors
/// [`LedgerError::AccountNotFound`] for anybody else.
pub async fn store_balances(app: &App, actor: &Actor, store_id: StoreId) -> Result<Vec<Money>, LedgerError> {
    may_see_store(actor, store_id)?;
    let balances = store::balances_of(app, LedgerAccount::StorePayable(store_id)).await?;
    Ok(balances.into_iter().map(|b| Money::new(b.balance_minor, b.currency)).collect())
}

/// A store's earnings, newest first; for its owner and for finance.
///
/// # Errors
/// [`LedgerError::AccountNotFound`] for anybody else.
pub async fn store_earnings(
    app: &App,
    actor: &Actor,
    store_id: StoreId,
    page: &PageRequest,
) -> Result<Page<Earning>, LedgerError> {
    may_see_store(actor, store_id)?;
    Ok(store::earnings_of(app, Payee::Store(store_id), page).await?)
}

/// The asking courier's earnings, newest first.
///
/// # Errors
/// Not a courier.
pub async fn my_earnings(app: &App, actor: &Actor, page: &PageRequest) -> Result<Page<Earning>, LedgerError> {
    Ok(store::earnings_of(app, Payee::Courier(actor.courier()?), page).await?)
}

/// Commissions of one status, newest first: a store's for its owner, all for finance.
///
/// # Errors
/// [`LedgerError::AccountNotFound`] for somebody else's store; all of them without the role.
pub async fn commissions(
    app: &App,
    actor: &Actor,
    store_id: Option<StoreId>,
    status: CommissionStatus,
    page: &PageRequest,
) -> Result<Page<Commission>, LedgerError> {
    match store_id {
        Some(store_id) => may_see_store(actor, store_id)?,
        None => {
            actor.ops(&[OpsRole::Finance])?;
        }
    }
    Ok(store::commissions(app, store_id, status, page).await?)
}

fn may_see_store(actor: &Actor, store_id: StoreId) -> Result<(), LedgerError> {
    actor.person()?;
    let owner = actor.rank_in(store_id).is_some_and(|rank| rank >= StaffRole::Owner);
    if owner || actor.ops(&[OpsRole::Finance, OpsRole::Support]).is_ok() {
        Ok(())
    } else {
        Err(LedgerError::AccountNotFound)
    }
}

/// Makes earnings available whose hold is over; says how many. A bounded batch: call again while it is full.
///
/// # Errors
/// Database failure.
pub async fn release_earnings(app: &App) -> Result<u64, LedgerError> {
    let due = store::due_earnings(app, app.clock.now(), RELEASE_BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let ids = due.iter().map(|earning| earning.id).collect();
    Ok(store::move_earnings(app, ids, EarningStatus::Pending, EarningStatus::Available).await?)
}

/// Checks the books: every transaction is whole and sums to zero, every cached balance is the fold of its entries.
/// Walks all entries; for jobs and tests. The list is empty when all is well.
///
/// # Errors
/// Database failure.
pub async fn check(app: &App) -> Result<Vec<LedgerProblem>, LedgerError> {
    let mut problems = unbalanced(app).await?;
    problems.extend(incomplete(app).await?);
    problems.extend(wrong_balances(app).await?);
    problems.extend(wrong_wallets(app).await?);
    Ok(problems)
}

/// Of [`check`]: transactions whose entries do not sum to zero in a currency.
///
/// # Errors
/// Database failure.
pub async fn unbalanced(app: &App) -> Result<Vec<LedgerProblem>, LedgerError> {
    Ok(problems(store::unbalanced(app, app.mongo.long_deadline()).await?, "minor units"))
}

/// Of [`check`]: transactions that have more or fewer entries than they say.
///
/// # Errors
/// Database failure.
pub async fn incomplete(app: &App) -> Result<Vec<LedgerProblem>, LedgerError> {
    Ok(problems(store::incomplete(app, app.mongo.long_deadline()).await?, "entries"))
}

/// Of [`check`]: cached balances that are not the fold of their entries.
///
/// # Errors
/// Database failure.
pub async fn wrong_balances(app: &App) -> Result<Vec<LedgerProblem>, LedgerError> {
    Ok(problems(store::wrong_balances(app, app.mongo.long_deadline()).await?, "minor units"))
}

/// Of [`check`]: wallets whose balance is not the fold of their entries.
///
/// # Errors
/// Database failure.
pub async fn wrong_wallets(app: &App) -> Result<Vec<LedgerProblem>, LedgerError> {
    Ok(problems(store::wrong_wallets(app, app.mongo.long_deadline()).await?, "minor units"))
}

fn problems(differences: Vec<store::Difference>, of: &str) -> Vec<LedgerProblem> {
    let told = |d: store::Difference| LedgerProblem {
        subject: d.subject,
        what: format!("expected {} {of}, found {}", d.expected, d.found),
    };
    differences.into_iter().map(told).collect()
}
