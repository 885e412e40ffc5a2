//! The use case.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::mongo::Tx;
use daraa_platform::transact;
use mongodb::bson::{Document, doc};
use tracing::{instrument, warn};

use super::rules::{self, Codes, Purchase};
use crate::actor::Actor;
use crate::app::App;
use crate::code::HAND_OVER_DIGITS;
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::{AccountId, OrderGroupId, OrderId, QuoteId, StoreId, VariantId};
use crate::ledger::PaymentMethod;
use crate::order::error::OrderError;
use crate::order::model::{Order, OrderGroup};
use crate::order::rules::{OrderAction, OrderStatus};
use crate::order::{effect, event, store};
use crate::payment::{self, Authorisation, NewPayment};
use crate::pricing::{self, Claim, Claimed, Quote, QuotedStore, Recheck, Terms};
use crate::store::Store;
use crate::{account, cart, catalog, outbox, promotion};

/// How long a repeated request waits for the one that is at work, in real time: longer than an ordinary checkout,
/// shorter than a client's patience.
const WAIT_STEP: Duration = Duration::from_millis(50);
/// How many such waits.
const WAIT_STEPS: u32 = 100;
/// A number for people is drawn again this often when it is taken.
const NUMBER_TRIES: u32 = 5;
/// The unique index of the numbers of groups.
const NUMBER_INDEX: &str = "order_groups_number";

/// Places a quote.
#[derive(Clone)]
pub struct PlaceOrder {
    /// The quote.
    pub quote_id: QuoteId,
    /// The card, as the provider's token; needed for a quote to be paid by card.
    pub card_token: Option<String>,
    /// The client's key for this request.
    pub idempotency_key: String,
}

impl std::fmt::Debug for PlaceOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlaceOrder").field("quote_id", &self.quote_id).finish_non_exhaustive()
    }
}

/// Places a quote: one group, one order per store. The same key again answers the same group.
///
/// # Errors
/// The quote does not hold any more, something is sold out, the payment is refused, the key was used for another
/// request, or database failure.
#[instrument(name = "svc.order.place", skip_all, fields(quote.id = %command.quote_id))]
pub async fn place(app: &App, actor: &Actor, command: PlaceOrder) -> Result<OrderGroup, OrderError> {
    let account_id = actor.person()?.account_id;
    if command
        .card_token
        .as_ref()
        .is_some_and(|token| token.is_empty() || token.len() > payment::MAX_CARD_TOKEN_BYTES)
    {
        return Err(OrderError::BadCardToken);
    }
    let content =
        serde_json::json!({ "quote_id": command.quote_id.to_string(), "card_token": command.card_token });
    let request = IdempotentRequest::new(account_id, "order.place", &command.idempotency_key, &content)
        .ok_or(OrderError::BadIdempotencyKey)?;
    for _ in 0..WAIT_STEPS {
        if let Some(group) = replay(app, &request).await? {
            return Ok(group);
        }
        let (quote, claimed) =
            pricing::claim(app, account_id, command.quote_id, &command.idempotency_key).await?;
        match claimed {
            Claimed::Mine { claim, abandoned } => {
                let checkout = Checkout { app, actor, account_id, request: &request, quote, claim };
                return match checkout.run(abandoned, command.card_token.clone()).await {
                    // Another request with the key was quicker, with the same content or another one.
                    Err(OrderError::Infra(Infra::Db(e))) if idempotency::raced(&e) => {
                        replay(app, &request).await?.ok_or(OrderError::RequestInProgress)
                    }
                    other => other,
                };
            }
            Claimed::Expired => return Err(OrderError::QuoteExpired),
            Claimed::Busy { key } | Claimed::Placed { key } if key != command.idempotency_key => {
                return Err(OrderError::QuoteUsed);
            }
            // Its answer was removed long ago, or is about to appear.
            Claimed::Busy { .. } | Claimed::Placed { .. } => tokio::time::sleep(WAIT_STEP).await,
        }
    }
    Err(OrderError::RequestInProgress)
}

/// The answer of the same request, when it was done before.
async fn replay(app: &App, request: &IdempotentRequest) -> Result<Option<OrderGroup>, OrderError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(None),
        Replay::KeyReused => Err(OrderError::IdempotencyKeyReused),
        Replay::Done(answer) => {
            let id = answer.get_object_id("group_id").map_err(Infra::defect)?;
            Ok(store::get_group(app, OrderGroupId::from(id)).await?)
        }
    }
}

/// One claimed checkout at work.
struct Checkout<'a> {
    app: &'a App,
    actor: &'a Actor,
    account_id: AccountId,
    request: &'a IdempotentRequest,
    quote: Quote,
    claim: Claim,
}

impl Checkout<'_> {
    async fn run(
        &self,
        abandoned: Option<Claim>,
        card_token: Option<String>,
    ) -> Result<OrderGroup, OrderError> {
        if let Some(old) = abandoned {
            self.give_back(&old).await;
        }
        let terms = match self.prepare(card_token.is_some()).await {
            Ok(terms) => terms,
            Err(e) => {
                self.undo().await;
                return Err(e);
            }
        };
        let group = match self.write(&terms, card_token).await {
            Ok(group) => group,
            Err(e) => {
                // After a failure below the rooms nobody knows whether it was written; then nothing is given back,
                // and what was reserved expires by itself unless the order exists. A refused key is known to have
                // written nothing.
                let key_taken = matches!(&e, OrderError::Infra(Infra::Db(db)) if idempotency::raced(db));
                if e.user_code().is_some() || key_taken {
                    self.undo().await;
                }
                return Err(e);
            }
        };
        if group.payment_method == PaymentMethod::Card {
            self.pay(&group).await;
        }
        Ok(group)
    }

    /// Checks the quote again and reserves stock and coupon; answers the terms the order is placed on.
    async fn prepare(&self, has_card: bool) -> Result<Terms, OrderError> {
        if self.quote.payment_method == PaymentMethod::Card && !has_card {
            return Err(OrderError::CardRequired);
        }
        if !self.quote.problems.is_empty() {
            return Err(rules::refusal(&self.quote.problems));
        }
        let terms = pricing::terms(self.app, &self.quote).await?;
        match pricing::recheck(self.app, &self.quote, &terms).await? {
            Recheck::Holds => {}
            Recheck::Changed => return Err(OrderError::QuoteChanged),
            Recheck::Problems(problems) => return Err(rules::refusal(&problems)),
        }
        let expires_at = self.app.clock.now().plus(terms.settings.deadlines.reservation());
        for (order_id, part) in self.parts() {
            catalog::reserve(self.app, order_id, &stock_lines(part), expires_at).await?;
        }
        if let Some(coupon) = &self.quote.coupon {
            promotion::reserve(self.app, coupon.id, self.claim.group_id, self.account_id, expires_at).await?;
        }
        Ok(terms)
    }

    fn parts(&self) -> impl Iterator<Item = (OrderId, &QuotedStore)> {
        self.claim.order_ids.iter().copied().zip(self.quote.stores.iter())
    }

    /// Writes everything in one transaction.
    async fn write(&self, terms: &Terms, card_token: Option<String>) -> Result<OrderGroup, OrderError> {
        let app = self.app;
        let customer_name = account::get(app, self.account_id).await?.name.clone();
        for _ in 0..NUMBER_TRIES {
            let number = rules::number(|bound| app.random.below(bound));
            let purchase = Purchase {
                quote: &self.quote,
                claim: &self.claim,
                number: &number,
                payment_id: app.ids.next(),
                customer_name: &customer_name,
                settings: &terms.settings,
                actor: self.actor.label(),
                now: app.clock.now(),
            };
            let group = rules::group(&purchase);
            let orders = self.orders(&purchase, &terms.stores)?;
            let payment = NewPayment {
                id: purchase.payment_id,
                group_id: group.id,
                account_id: self.account_id,
                method: group.payment_method,
                splits: orders.iter().map(|order| (order.id, order.money.total)).collect(),
                card_token: card_token.clone(),
            };
            let written = transact!(&app.mongo, "order.place", OrderError, |tx| {
                self.write_in_tx(tx, &group, &orders, &payment).await
            });
            match written {
                Ok(()) => return Ok(group),
                Err(OrderError::Infra(Infra::Db(e))) if e.duplicate_index() == Some(NUMBER_INDEX) => {}
                Err(e) => return Err(e),
            }
        }
        Err(Infra::defect("no free order number").into())
    }

    fn orders(
        &self,
        purchase: &Purchase<'_>,
        stores: &HashMap<StoreId, Arc<Store>>,
    ) -> Result<Vec<Order>, OrderError> {
        let app = self.app;
        self.parts()
            .enumerate()
            .map(|(place, (order_id, part))| {
                let store = stores.get(&part.store_id).ok_or(OrderError::QuoteChanged)?;
                let digits = || app.random.digits(HAND_OVER_DIGITS);
                let codes = Codes { store_code: digits(), dropoff_pin: digits() };
                Ok(rules::order(&app.ids, purchase, part, order_id, place, store, codes))
            })
            .collect()
    }

    async fn write_in_tx(
        &self,
        tx: &mut Tx,
        group: &OrderGroup,
        orders: &[Order],
        payment: &NewPayment,
    ) -> Result<(), OrderError> {
        let app = self.app;
        if !pricing::place_in_tx(app, tx, self.quote.id, &self.claim).await? {
            return Err(OrderError::RequestInProgress);
        }
        idempotency::record_in_tx(app, tx, self.request, doc! { "group_id": group.id }).await?;
        payment::create_in_tx(app, tx, payment.clone()).await?;
        store::insert_in_tx(app, tx, group, orders).await?;
        let line_ids: Vec<_> =
            self.quote.stores.iter().flat_map(|p| p.items.iter().map(|i| i.line_id)).collect();
        if !cart::take_lines_in_tx(app, tx, self.account_id, &line_ids).await? {
            return Err(OrderError::QuoteChanged);
        }
        for order in orders {
            let action = match order.status {
                OrderStatus::PendingPayment => OrderAction::Place,
                _ => OrderAction::Authorise,
            };
            if let Some(kind) = event::kind_of(action, order.status) {
                outbox::emit_in_tx(app, tx, event::of(order, kind, Document::new())).await?;
            }
        }
        Ok(())
    }

    /// Asks the provider and places the orders when it says yes at once. Whatever fails here is done later: by the
    /// payment's events, its webhook, or the deadline for unpaid orders.
    async fn pay(&self, group: &OrderGroup) {
        match payment::authorise(self.app, group.payment_id).await {
            Ok(payment) => {
                let known = match payment.authorisation {
                    Authorisation::Denied => effect::expire_refused(self.app, group.id).await,
                    _ => effect::place_paid(self.app, group.id).await,
                };
                if let Err(e) = known {
                    warn!(group.id = %group.id, error = %e, "what follows from the payment is left to its event");
                }
            }
            Err(e) => warn!(group.id = %group.id, error = %e, "authorising is left to webhook and poll"),
        }
    }

    /// Gives everything back after a failure.
    async fn undo(&self) {
        self.give_back(&self.claim).await;
        if let Err(e) = pricing::reopen(self.app, self.quote.id, &self.claim).await {
            warn!(quote.id = %self.quote.id, error = %e, "a claimed quote stays claimed until it is abandoned");
        }
    }

    async fn give_back(&self, claim: &Claim) {
        for (order_id, part) in claim.order_ids.iter().zip(&self.quote.stores) {
            if let Err(e) = catalog::release(self.app, *order_id, &stock_lines(part)).await {
                warn!(order.id = %order_id, error = %e, "a stock reservation is left to expire");
            }
        }
        if let Some(coupon) = &self.quote.coupon
            && let Err(e) = promotion::release(self.app, coupon.id, claim.group_id, self.account_id).await
        {
            warn!(group.id = %claim.group_id, error = %e, "a coupon reservation is left to expire");
        }
    }
}

fn stock_lines(part: &QuotedStore) -> Vec<(VariantId, i64)> {
    part.items.iter().map(|item| (item.variant_id, item.quantity)).collect()
}

/// Looks at a batch of stock reservations past their time: of an order that lives they are kept, of one that ended or
/// never was they are given back. Says how many were given back.
///
/// # Errors
/// Database failure.
pub async fn release_expired(app: &App) -> Result<u64, OrderError> {
    let mut released = 0_u64;
    for due in catalog::stock::expired(app).await? {
        let lines = [(due.variant_id, due.quantity)];
        let order = store::get(app, due.order_id).await?;
        match order.map(|order| order.status) {
            // Waits for its payment until its own deadline, which is sooner than the next look.
            Some(OrderStatus::PendingPayment) => {}
            Some(OrderStatus::Completed | OrderStatus::Failed) => {
                catalog::consume(app, due.order_id, &lines).await?
            }
            Some(status) if !status.is_final() => catalog::confirm(app, due.order_id, &lines).await?,
            _ => {
                catalog::release(app, due.order_id, &lines).await?;
                released = released.saturating_add(1);
            }
        }
    }
    Ok(released)
}
