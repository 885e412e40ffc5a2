//! Use cases of carts.

use std::collections::HashMap;
use std::sync::Arc;

use daraa_platform::fault::Infra;
use daraa_platform::money::Money;
use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use sha2::{Digest as _, Sha256};

use super::error::CartError;
use super::model::{Cart, CartLine, CartProblem, MAX_MODIFIERS};
use super::rules::{self, LineFacts, Offered, StoreFacts};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::catalog::{self, FreshVariant, StockLevel};
use crate::ids::{AccountId, AddressId, CartLineId, ModifierId, StoreId, VariantId};
use crate::place::Point;
use crate::store::Store;
use crate::{address, store as stores};

/// How often a change is tried when somebody else changes the same cart.
const MAX_TRIES: usize = 8;
/// An untouched cart is abandoned after this.
const ABANDONED_AFTER: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);
/// Carts removed in one go.
const CLEANUP_BATCH: i64 = 500;
/// The longest token anybody may send; ours are 43 characters.
const MAX_TOKEN_CHARS: usize = 100;

/// Whose cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartOwner {
    /// A customer's.
    Account(AccountId),
    /// A guest's, by the hash of the token.
    Guest(String),
}

impl CartOwner {
    /// The guest's cart when a token is given, else the signed-in person's.
    ///
    /// # Errors
    /// Neither token nor sign-in.
    pub fn of(actor: &Actor, guest_token: Option<&str>) -> Result<Self, CartError> {
        match guest_token {
            Some(token) => Ok(Self::Guest(hash(token))),
            None => Ok(Self::Account(actor.person()?.account_id)),
        }
    }
}

fn hash(token: &str) -> String {
    let bounded: String = token.chars().take(MAX_TOKEN_CHARS).collect();
    hex::encode(Sha256::digest(bounded))
}

/// Puts something into the cart.
#[derive(Debug, Clone)]
pub struct AddLine {
    /// What.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
    /// With which choices.
    pub modifier_ids: Vec<ModifierId>,
    /// What the customer asks for.
    pub note: Option<String>,
}

/// The owner's cart; an empty one that is not stored when there is none.
///
/// # Errors
/// No cart for a guest token, or database failure.
pub async fn get(app: &App, owner: &CartOwner) -> Result<Cart, CartError> {
    match (store::find(app, owner).await?, owner) {
        (Some(cart), _) => Ok(cart),
        (None, CartOwner::Account(_)) => Ok(empty(app, owner)),
        (None, CartOwner::Guest(_)) => Err(CartError::GuestCartNotFound),
    }
}

fn empty(app: &App, owner: &CartOwner) -> Cart {
    let (account_id, guest_hash) = match owner {
        CartOwner::Account(id) => (Some(*id), None),
        CartOwner::Guest(hash) => (None, Some(hash.clone())),
    };
    Cart {
        id: app.ids.next(),
        account_id,
        guest_hash,
        lines: Vec::new(),
        version: 0,
        updated_at: app.clock.now(),
    }
}

/// Makes an empty cart for a guest and returns its token, which is stored as a hash only.
///
/// # Errors
/// Database failure.
pub async fn create_guest(app: &App) -> Result<String, CartError> {
    let token = app.random.token();
    store::insert(app, &empty(app, &CartOwner::Guest(hash(&token)))).await?;
    Ok(token)
}

/// Adds a line, or more of the same.
///
/// # Errors
/// Not sold, impossible choices, too much, or database failure.
pub async fn add_line(app: &App, owner: &CartOwner, command: AddLine) -> Result<Cart, CartError> {
    let quantity = rules::quantity(command.quantity)?;
    let note = rules::note(command.note)?;
    if command.modifier_ids.len() > MAX_MODIFIERS {
        return Err(CartError::InvalidChoice);
    }
    let mut modifier_ids = command.modifier_ids;
    modifier_ids.sort_unstable();
    let fresh = catalog::fresh_variants(app, &[command.variant_id]).await?;
    let fresh = fresh.into_iter().next().ok_or(CartError::VariantNotFound)?;
    if !fresh.on_sale() {
        return Err(CartError::VariantUnavailable);
    }
    let seen_price = unit_price(&fresh, &modifier_ids)?;
    let line = CartLine {
        id: app.ids.next(),
        store_id: fresh.product.store_id,
        product_id: fresh.product.id,
        variant_id: command.variant_id,
        quantity,
        modifier_ids,
        note,
        seen_price,
    };
    change(app, owner, |lines| rules::add(lines, line.clone())).await
}

/// Changes how many there are of a line; the customer has seen the price of today by this.
///
/// # Errors
/// No such line, quantity out of range, or database failure.
pub async fn update_line(
    app: &App,
    owner: &CartOwner,
    line_id: CartLineId,
    quantity: i64,
) -> Result<Cart, CartError> {
    let quantity = rules::quantity(quantity)?;
    let cart = get(app, owner).await?;
    let line = cart.lines.iter().find(|line| line.id == line_id).ok_or(CartError::CartLineNotFound)?;
    let fresh = catalog::fresh_variants(app, &[line.variant_id]).await?.into_iter().next();
    let seen = fresh.and_then(|fresh| unit_price(&fresh, &line.modifier_ids).ok());
    change(app, owner, |lines| {
        let line = lines.iter_mut().find(|line| line.id == line_id).ok_or(CartError::CartLineNotFound)?;
        line.quantity = quantity;
        line.seen_price = seen.unwrap_or(line.seen_price);
        Ok(())
    })
    .await
}

/// Takes a line out; a line that is not there any more is success.
///
/// # Errors
/// Database failure.
pub async fn remove_line(app: &App, owner: &CartOwner, line_id: CartLineId) -> Result<Cart, CartError> {
    change(app, owner, |lines| {
        lines.retain(|line| line.id != line_id);
        Ok(())
    })
    .await
}

/// Empties the cart.
///
/// # Errors
/// Database failure.
pub async fn clear(app: &App, owner: &CartOwner) -> Result<Cart, CartError> {
    change(app, owner, |lines| {
        lines.clear();
        Ok(())
    })
    .await
}

/// Changes the lines of the owner's cart by a conditional write, again when somebody else was quicker.
async fn change(
    app: &App,
    owner: &CartOwner,
    apply: impl Fn(&mut Vec<CartLine>) -> Result<(), CartError>,
) -> Result<Cart, CartError> {
    for _ in 0..MAX_TRIES {
        let found = store::find(app, owner).await?;
        if let (None, CartOwner::Guest(_)) = (&found, owner) {
            return Err(CartError::GuestCartNotFound);
        }
        let is_new = found.is_none();
        let cart = found.unwrap_or_else(|| empty(app, owner));
        let mut lines = cart.lines.clone();
        apply(&mut lines)?;
        if lines == cart.lines {
            return Ok(cart);
        }
        if is_new {
            let cart = Cart { lines, version: 1, ..cart };
            match store::insert(app, &cart).await {
                Ok(()) => return Ok(cart),
                // Made by another request just now: change that one.
                Err(e) if e.duplicate_index().is_some() => continue,
                Err(e) => return Err(e.into()),
            }
        }
        if let Some(after) = store::set_lines(app, &cart, &lines, app.clock.now()).await? {
            return Ok(after);
        }
    }
    Err(CartError::CartBusy)
}

/// Moves a guest's lines into the signed-in person's cart; the guest's cart is gone afterwards. Merged before:
/// success without effect.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn merge(app: &App, actor: &Actor, guest_token: &str) -> Result<Cart, CartError> {
    let owner = CartOwner::Account(actor.person()?.account_id);
    let guest_owner = CartOwner::Guest(hash(guest_token));
    transact!(&app.mongo, "cart.merge", CartError, |tx| {
        let Some(guest) = store::find_in_tx(app, tx, &guest_owner).await? else {
            let mine = store::find_in_tx(app, tx, &owner).await?;
            return Ok(mine.unwrap_or_else(|| empty(app, &owner)));
        };
        store::delete_in_tx(app, tx, guest.id).await?;
        add_all_in_tx(app, tx, &owner, guest.lines).await
    })
}

async fn add_all_in_tx(
    app: &App,
    tx: &mut Tx,
    owner: &CartOwner,
    more: Vec<CartLine>,
) -> Result<Cart, CartError> {
    let found = store::find_in_tx(app, tx, owner).await?;
    let is_new = found.is_none();
    let cart = found.unwrap_or_else(|| empty(app, owner));
    let mut lines = cart.lines.clone();
    rules::merge(&mut lines, more);
    if is_new {
        let cart = Cart { lines, version: 1, ..cart };
        store::insert_in_tx(app, tx, &cart).await?;
        return Ok(cart);
    }
    store::set_lines_in_tx(app, tx, &cart, &lines, app.clock.now()).await?.ok_or(CartError::CartBusy)
}

/// Puts lines of an order that came to nothing back into the customer's cart, in the transaction that ends it. What
/// does not fit any more is left out.
///
/// # Errors
/// Database failure.
pub async fn put_back_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    lines: Vec<CartLine>,
) -> Result<(), CartError> {
    add_all_in_tx(app, tx, &CartOwner::Account(account_id), lines).await.map(|_| ())
}

/// Takes placed lines out of the customer's cart, in the transaction that places them; `false` when one of them is not
/// there any more: what was bought or removed meanwhile is not bought again.
///
/// # Errors
/// Database failure.
pub async fn take_lines_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    line_ids: &[CartLineId],
) -> Result<bool, CartError> {
    Ok(store::pull_lines_in_tx(app, tx, account_id, line_ids, app.clock.now()).await?)
}

/// The price of one with its choices.
///
/// # Errors
/// The choices are not possible, or overflow.
fn unit_price(fresh: &FreshVariant, modifier_ids: &[ModifierId]) -> Result<Money, CartError> {
    let extra = catalog::validate_choice(&fresh.product, modifier_ids)?;
    Ok(fresh.variant.price.add(extra)?)
}

/// A line with what it is today.
#[derive(Debug, Clone)]
pub struct LookedLine {
    /// The line.
    pub line: CartLine,
    /// What it is today; `None` when it does not exist any more.
    pub fresh: Option<FreshVariant>,
    /// What one costs today with its choices; `None` when it cannot be bought like this.
    pub unit_price: Option<Money>,
}

impl LookedLine {
    /// What the line costs today.
    ///
    /// # Errors
    /// Overflow.
    pub fn total(&self) -> Result<Option<Money>, CartError> {
        Ok(self.unit_price.map(|price| price.times(self.line.quantity)).transpose()?)
    }
}

/// Lines as they are at this moment, by store, with everything that is wrong.
#[derive(Debug, Clone)]
pub struct Look {
    /// The lines, in order.
    pub lines: Vec<LookedLine>,
    /// The stores that exist, in the order of their first line.
    pub stores: Vec<Arc<Store>>,
    /// What is wrong.
    pub problems: Vec<CartProblem>,
}

impl Look {
    /// What the lines of a store that can be bought cost; `None` when none can.
    ///
    /// # Errors
    /// Overflow.
    pub fn subtotal(&self, store_id: StoreId) -> Result<Option<Money>, CartError> {
        let mut sum: Option<Money> = None;
        for looked in self.lines.iter().filter(|looked| looked.line.store_id == store_id) {
            if let Some(total) = looked.total()? {
                sum = Some(sum.map_or(Ok(total), |sum| sum.add(total))?);
            }
        }
        Ok(sum)
    }
}

/// Looks at lines with prices and stock fresh from the primary. `point`: where it is to be brought, when that is
/// known.
///
/// # Errors
/// Database failure.
pub async fn look(app: &App, lines: &[CartLine], point: Option<Point>) -> Result<Look, CartError> {
    let store_ids = stores_of(lines);
    let (fresh, known) = tokio::try_join!(fresh_variants(app, lines), async {
        stores::get_many(app, &store_ids).await.map_err(CartError::from)
    })?;
    Ok(judge(app, lines, point, &fresh, &known))
}

/// [`look`] with these stores, where the caller must have them as they are stored.
///
/// # Errors
/// Database failure.
pub async fn look_at(
    app: &App,
    lines: &[CartLine],
    point: Option<Point>,
    known: &HashMap<StoreId, Arc<Store>>,
) -> Result<Look, CartError> {
    Ok(judge(app, lines, point, &fresh_variants(app, lines).await?, known))
}

async fn fresh_variants(app: &App, lines: &[CartLine]) -> Result<Vec<FreshVariant>, CartError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<VariantId> = lines.iter().map(|line| line.variant_id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(catalog::fresh_variants(app, &ids).await?)
}

/// The stores of these lines, in the order of the cart.
fn stores_of(lines: &[CartLine]) -> Vec<StoreId> {
    let mut ids: Vec<StoreId> = Vec::new();
    for line in lines {
        if !ids.contains(&line.store_id) {
            ids.push(line.store_id);
        }
    }
    ids
}

fn judge(
    app: &App,
    lines: &[CartLine],
    point: Option<Point>,
    fresh: &[FreshVariant],
    known: &HashMap<StoreId, Arc<Store>>,
) -> Look {
    let now = app.clock.now();
    let looked: Vec<LookedLine> = lines.iter().map(|line| looked(line, fresh)).collect();
    let stores: Vec<Arc<Store>> = stores_of(lines).iter().filter_map(|id| known.get(id).cloned()).collect();
    let store_facts: Vec<StoreFacts> = stores.iter().map(|store| facts(store, point, now)).collect();
    let line_facts: Vec<LineFacts> = looked.iter().map(line_facts).collect();
    let problems = rules::problems(&line_facts, &store_facts);
    Look { lines: looked, stores, problems }
}

fn looked(line: &CartLine, fresh: &[FreshVariant]) -> LookedLine {
    let found = fresh.iter().find(|f| f.variant.id == line.variant_id).cloned();
    let unit_price =
        found.as_ref().filter(|f| f.on_sale()).and_then(|f| unit_price(f, &line.modifier_ids).ok());
    LookedLine { line: line.clone(), fresh: found, unit_price }
}

fn line_facts(looked: &LookedLine) -> LineFacts {
    let available = looked.fresh.as_ref().and_then(|f| match f.stock {
        StockLevel::Left(left) => Some(left),
        StockLevel::Untracked => None,
    });
    LineFacts {
        line_id: looked.line.id,
        store_id: looked.line.store_id,
        variant_id: looked.line.variant_id,
        quantity: looked.line.quantity,
        seen_price: looked.line.seen_price,
        offered: looked.unit_price.map(|unit_price| Offered { unit_price, available }),
    }
}

fn facts(store: &Store, point: Option<Point>, now: Timestamp) -> StoreFacts {
    StoreFacts {
        store_id: store.id,
        currency: store.currency,
        open: stores::is_open(store, now),
        covers: point.map(|point| stores::covers(store, point)),
        min_order: store.min_order,
    }
}

/// The place of one of the customer's addresses, for the cart's problems.
///
/// # Errors
/// Not signed in, no such address, or database failure.
pub async fn place_of(app: &App, actor: &Actor, address_id: AddressId) -> Result<Point, CartError> {
    let account_id = actor.person()?.account_id;
    match address::get(app, account_id, address_id).await {
        Ok(found) => Ok(found.point),
        Err(address::AddressError::Infra(cause)) => Err(CartError::Infra(cause)),
        Err(_) => Err(CartError::AddressNotFound),
    }
}

/// Removes a batch of carts nobody has touched for seven days; says how many.
///
/// # Errors
/// Database failure.
pub async fn remove_abandoned(app: &App) -> Result<u64, Infra> {
    Ok(store::delete_abandoned(app, app.clock.now().minus(ABANDONED_AFTER), CLEANUP_BATCH).await?)
}
