//! Use cases of quotes.

mod coupon;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use daraa_platform::fault::{FieldPath, Infra};
use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::Tx;

use super::error::PricingError;
use super::model::{
    AddressSnapshot, Claim, FulfillmentMethod, PricedItem, PricedModifier, Quote, QuoteState, QuotedCoupon,
    QuotedStore,
};
use super::rules::{self, FeeRules, PriceInput, StoreInput};
use super::store;
use crate::actor::Actor;
use crate::address;
use crate::app::App;
use crate::cart::{self, CartLine, CartOwner, CartProblem, CartProblemCode, Look, LookedLine};
use crate::catalog::TaxClass;
use crate::ids::{AccountId, AddressId, QuoteId, StoreId};
use crate::ledger::PaymentMethod;
use crate::settings::{self, Settings};
use crate::store::{self as stores, Store};

/// The largest tip, minor units: keeps typing mistakes small and every sum far from overflow.
const MAX_TIP_MINOR: i64 = 1_000_000_000;
/// A claim older than this is abandoned: its holder died. Longer than any transaction may take.
const CLAIM_ABANDONED_AFTER: Duration = Duration::from_secs(30);
/// Quotes are kept this long after they expired.
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(86_400);
/// Quotes removed in one go.
const CLEANUP_BATCH: i64 = 500;

/// Asks for a quote of the cart.
#[derive(Debug, Clone)]
pub struct CreateQuote {
    /// Where to bring it; needed for delivery.
    pub address_id: Option<AddressId>,
    /// How the goods reach the customer.
    pub fulfillment: FulfillmentMethod,
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// A coupon to use.
    pub coupon_code: Option<String>,
    /// For the couriers, minor units of the cart's currency.
    pub courier_tip_minor: i64,
    /// For the stores, minor units of the cart's currency.
    pub store_tip_minor: i64,
}

/// What a quote is computed from, whether it is made or checked again.
struct Draft<'a> {
    account_id: AccountId,
    fulfillment: FulfillmentMethod,
    payment_method: PaymentMethod,
    address: Option<&'a AddressSnapshot>,
    lines: &'a [CartLine],
    coupon_code: Option<&'a str>,
    courier_tip_minor: i64,
    store_tip_minor: i64,
}

/// The computed part of a quote.
struct Priced {
    currency: Currency,
    stores: Vec<QuotedStore>,
    total: Money,
    coupon: Option<QuotedCoupon>,
    problems: Vec<CartProblem>,
}

/// Prices the actor's cart and keeps the promise.
///
/// # Errors
/// Empty cart, no address, a coupon that cannot be used, or database failure.
pub async fn create(app: &App, actor: &Actor, command: CreateQuote) -> Result<Quote, PricingError> {
    let account_id = actor.person()?.account_id;
    let delivery = command.fulfillment == FulfillmentMethod::Delivery;
    for (path, tip) in
        [(&["courierTipMinor"], command.courier_tip_minor), (&["storeTipMinor"], command.store_tip_minor)]
    {
        if !(0..=MAX_TIP_MINOR).contains(&tip) {
            return Err(PricingError::BadTip { path: FieldPath(path) });
        }
    }
    if !delivery && command.courier_tip_minor > 0 {
        return Err(PricingError::TipNotApplicable);
    }
    let address = match (delivery, command.address_id) {
        (false, _) => None,
        (true, None) => return Err(PricingError::AddressRequired),
        (true, Some(id)) => Some(address::get(app, account_id, id).await?),
    };
    let snapshot = address.as_ref().map(|a| AddressSnapshot {
        point: a.point,
        label: a.label.clone(),
        notes: a.notes.clone(),
    });
    let cart = cart::get(app, &CartOwner::Account(account_id)).await?;
    let draft = Draft {
        account_id,
        fulfillment: command.fulfillment,
        payment_method: command.payment_method,
        address: snapshot.as_ref(),
        lines: &cart.lines,
        coupon_code: command.coupon_code.as_deref(),
        courier_tip_minor: command.courier_tip_minor,
        store_tip_minor: command.store_tip_minor,
    };
    let settings = settings::get(app).await?;
    let look = cart::look(app, draft.lines, draft.address.map(|a| a.point)).await?;
    let priced = priced(app, &settings, &draft, look).await?;
    let now = app.clock.now();
    let quote = Quote {
        id: app.ids.next(),
        account_id,
        fulfillment: command.fulfillment,
        payment_method: command.payment_method,
        currency: priced.currency,
        address_id: address.map(|a| a.id),
        address: snapshot,
        coupon: priced.coupon,
        courier_tip: Money::new(command.courier_tip_minor, priced.currency),
        store_tip: Money::new(command.store_tip_minor, priced.currency),
        stores: priced.stores,
        total: priced.total,
        problems: priced.problems,
        created_at: now,
        expires_at: now.plus(settings.deadlines.quote()),
        state: QuoteState::Open,
        claim: None,
    };
    store::insert(app, &quote).await?;
    Ok(quote)
}

/// One of the actor's quotes.
///
/// # Errors
/// Not found (or somebody else's), or database failure.
pub async fn get_for(app: &App, actor: &Actor, id: QuoteId) -> Result<Quote, PricingError> {
    store::find(app, actor.person()?.account_id, id).await?.ok_or(PricingError::QuoteNotFound)
}

/// What has become of a quote when it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// Everything is as it was.
    Holds,
    /// Something keeps it from being placed.
    Problems(Vec<CartProblem>),
    /// Another amount would come out today.
    Changed,
}

/// What a placed order is made of besides its quote, as it is stored, not as the cache remembers it.
#[derive(Debug)]
pub struct Terms {
    /// Fees, shares, deadlines.
    pub settings: Arc<Settings>,
    /// The stores of the quote: hours, area, minimum, commission.
    pub stores: HashMap<StoreId, Arc<Store>>,
}

/// The terms of a quote at this moment.
///
/// # Errors
/// Database failure.
pub async fn terms(app: &App, quote: &Quote) -> Result<Terms, PricingError> {
    let ids: Vec<StoreId> = quote.stores.iter().map(|part| part.store_id).collect();
    let (settings, stores) =
        tokio::try_join!(async { settings::fresh(app).await.map_err(PricingError::from) }, async {
            stores::get_many_fresh(app, &ids).await.map_err(PricingError::from)
        },)?;
    Ok(Terms { settings, stores })
}

/// Computes the quote again from prices, stock, hours, area and rules of this moment.
///
/// # Errors
/// The coupon cannot be used any more, or database failure.
pub async fn recheck(app: &App, quote: &Quote, terms: &Terms) -> Result<Recheck, PricingError> {
    let lines: Vec<CartLine> =
        quote.stores.iter().flat_map(|part| part.items.iter().map(|item| cart_line(part, item))).collect();
    let draft = Draft {
        account_id: quote.account_id,
        fulfillment: quote.fulfillment,
        payment_method: quote.payment_method,
        address: quote.address.as_ref(),
        lines: &lines,
        coupon_code: quote.coupon.as_ref().map(|coupon| coupon.code.as_str()),
        courier_tip_minor: quote.courier_tip.amount_minor,
        store_tip_minor: quote.store_tip.amount_minor,
    };
    let look = cart::look_at(app, &lines, draft.address.map(|a| a.point), &terms.stores).await?;
    let today = match priced(app, &terms.settings, &draft, look).await {
        Ok(today) => today,
        Err(PricingError::NothingAvailable | PricingError::MixedCurrencies) => return Ok(Recheck::Changed),
        Err(e) => return Err(e),
    };
    if !today.problems.is_empty() {
        return Ok(Recheck::Problems(today.problems));
    }
    Ok(if today.stores == quote.stores && today.total == quote.total {
        Recheck::Holds
    } else {
        Recheck::Changed
    })
}

fn cart_line(part: &QuotedStore, item: &PricedItem) -> CartLine {
    CartLine {
        id: item.line_id,
        store_id: part.store_id,
        product_id: item.product_id,
        variant_id: item.variant_id,
        quantity: item.quantity,
        modifier_ids: item.modifiers.iter().map(|modifier| modifier.id).collect(),
        note: item.note.clone(),
        seen_price: item.unit_price,
    }
}

async fn priced(
    app: &App,
    settings: &Settings,
    draft: &Draft<'_>,
    look: Look,
) -> Result<Priced, PricingError> {
    if draft.lines.is_empty() {
        return Err(PricingError::CartEmpty);
    }
    let currency = look.stores.first().map(|s| s.currency).ok_or(PricingError::NothingAvailable)?;
    if look.stores.iter().any(|store| store.currency != currency) {
        return Err(PricingError::MixedCurrencies);
    }
    let stores = look
        .stores
        .iter()
        .filter_map(|store| store_input(store, &look, draft, settings).transpose())
        .collect::<Result<Vec<StoreInput>, PricingError>>()?;
    if stores.is_empty() {
        return Err(PricingError::NothingAvailable);
    }
    let coupon = match draft.coupon_code {
        Some(code) => Some(coupon::terms(app, code, draft.account_id, currency).await?),
        None => None,
    };
    let (quoted_coupon, discount) = coupon.unzip();
    let parts = rules::price(PriceInput {
        currency,
        stores,
        fulfillment: draft.fulfillment,
        payment_method: draft.payment_method,
        discount,
        courier_tip: Money::new(draft.courier_tip_minor, currency),
        store_tip: Money::new(draft.store_tip_minor, currency),
        fees: fees(settings, currency, draft.fulfillment)?,
    })?;
    let total = Money::sum(currency, parts.iter().map(|part| part.money.total))?;
    // A quote shows today's price: that it is not the one of the cart is no problem of the quote.
    let problems = look.problems.into_iter().filter(|p| p.code != CartProblemCode::PriceChanged).collect();
    Ok(Priced { currency, stores: parts, total, coupon: quoted_coupon, problems })
}

/// One store's part; `None` when nothing of it can be bought.
fn store_input(
    store: &Arc<Store>,
    look: &Look,
    draft: &Draft<'_>,
    settings: &Settings,
) -> Result<Option<StoreInput>, PricingError> {
    let items = look
        .lines
        .iter()
        .filter(|looked| looked.line.store_id == store.id)
        .filter_map(|looked| item(looked, settings).transpose())
        .collect::<Result<Vec<PricedItem>, PricingError>>()?;
    if items.is_empty() {
        return Ok(None);
    }
    let distance_m = draft.address.map(|address| address.point.distance_m(store.point));
    Ok(Some(StoreInput { store_id: store.id, distance_m, items }))
}

fn item(looked: &LookedLine, settings: &Settings) -> Result<Option<PricedItem>, PricingError> {
    let (Some(fresh), Some(unit_price), Some(total)) = (&looked.fresh, looked.unit_price, looked.total()?)
    else {
        return Ok(None);
    };
    let modifiers = looked
        .line
        .modifier_ids
        .iter()
        .filter_map(|id| fresh.product.modifier(*id))
        .map(|(_, m)| PricedModifier { id: m.id, name: m.name.clone(), price: m.price })
        .collect();
    let zero = Money::zero(total.currency);
    Ok(Some(PricedItem {
        line_id: looked.line.id,
        product_id: fresh.product.id,
        variant_id: fresh.variant.id,
        name: fresh.product.name.clone(),
        variant_name: fresh.variant.name.clone(),
        quantity: looked.line.quantity,
        modifiers,
        unit_price,
        total,
        tax_bps: tax_bps(fresh.product.tax_class, settings.tax_bps),
        discount: zero,
        tax: zero,
        note: looked.line.note.clone(),
    }))
}

/// The rate of a tax class: the reduced rate is half the standard one.
fn tax_bps(class: TaxClass, standard_bps: i64) -> i64 {
    match class {
        TaxClass::Standard => standard_bps,
        TaxClass::Reduced => standard_bps / 2,
        TaxClass::Exempt => 0,
    }
}

/// The fee rules in the quote's currency. The platform has fees in one currency; in another it sells takeaway only.
fn fees(
    settings: &Settings,
    currency: Currency,
    fulfillment: FulfillmentMethod,
) -> Result<FeeRules, PricingError> {
    if currency != settings.currency {
        return match fulfillment {
            FulfillmentMethod::Delivery => Err(PricingError::CurrencyNotServed),
            FulfillmentMethod::Pickup => Ok(FeeRules::none(currency)),
        };
    }
    let money = |minor| Money::new(minor, currency);
    let rules = settings.delivery_fee;
    Ok(FeeRules {
        base: money(rules.base_minor),
        included_m: rules.included_m,
        per_km: money(rules.per_km_minor),
        max: money(rules.max_minor),
        free_over: Some(rules.free_over_minor).filter(|minor| *minor > 0).map(money),
        cash_fee: money(settings.cash_fee_minor),
    })
}

/// What came of asking for a quote to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The asker's; nobody else can place it now. With an abandoned claim it replaced, whose reservations are to be
    /// released.
    Mine {
        /// The claim.
        claim: Claim,
        /// The one it replaced.
        abandoned: Option<Claim>,
    },
    /// Another checkout is at work, with this key.
    Busy {
        /// Its key.
        key: String,
    },
    /// It was placed, with this key.
    Placed {
        /// Its key.
        key: String,
    },
    /// It no longer holds.
    Expired,
}

/// Claims a quote for one checkout.
///
/// # Errors
/// Not found, or database failure.
pub async fn claim(
    app: &App,
    account_id: AccountId,
    id: QuoteId,
    key: &str,
) -> Result<(Quote, Claimed), PricingError> {
    let quote = store::find(app, account_id, id).await?.ok_or(PricingError::QuoteNotFound)?;
    let now = app.clock.now();
    let next = Claim {
        key: key.to_owned(),
        attempt: quote.claim.as_ref().map_or(0, |claim| claim.attempt).saturating_add(1),
        group_id: app.ids.next(),
        order_ids: quote.stores.iter().map(|_| app.ids.next()).collect(),
        since: now,
    };
    let lost = |key: &str| Claimed::Busy { key: key.to_owned() };
    let outcome = match (quote.state, &quote.claim) {
        (QuoteState::Placed, held) => {
            Claimed::Placed { key: held.as_ref().map(|claim| claim.key.clone()).unwrap_or_default() }
        }
        (QuoteState::Placing, Some(held)) if held.since.plus(CLAIM_ABANDONED_AFTER) > now => lost(&held.key),
        (QuoteState::Placing, Some(held)) => {
            if store::claim_abandoned(app, &quote, held, &next).await? {
                Claimed::Mine { claim: next, abandoned: Some(held.clone()) }
            } else {
                lost(&held.key)
            }
        }
        (QuoteState::Open | QuoteState::Placing, _) if quote.expires_at <= now => Claimed::Expired,
        (QuoteState::Open | QuoteState::Placing, _) => {
            if store::claim_open(app, &quote, &next).await? {
                Claimed::Mine { claim: next, abandoned: None }
            } else {
                lost(key)
            }
        }
    };
    Ok((quote, outcome))
}

/// Marks the quote as placed in the transaction that writes the orders. `false`: the claim was lost to another
/// checkout, and the transaction must fail.
///
/// # Errors
/// Database failure.
pub async fn place_in_tx(app: &App, tx: &mut Tx, id: QuoteId, claim: &Claim) -> Result<bool, PricingError> {
    Ok(store::place_in_tx(app, tx, id, claim).await?)
}

/// Gives a claimed quote back after its checkout failed.
///
/// # Errors
/// Database failure.
pub async fn reopen(app: &App, id: QuoteId, claim: &Claim) -> Result<(), PricingError> {
    Ok(store::reopen(app, id, claim).await?)
}

/// Removes a batch of quotes that expired more than a day ago; says how many.
///
/// # Errors
/// Database failure.
pub async fn remove_old(app: &App) -> Result<u64, Infra> {
    Ok(store::delete_old(app, app.clock.now().minus(KEPT_AFTER_EXPIRY), CLEANUP_BATCH).await?)
}
