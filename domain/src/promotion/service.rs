//! Use cases of coupons.
//!
//! A use is promised in two single-document steps, the customer's limit first, then the total; a step that fails
//! takes the one before back, and a promise nobody takes back expires by itself.

use daraa_platform::mongo::DbError;
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::doc;

use super::error::PromotionError;
use super::model::{CODE_INDEX, CostBearer, Coupon, CouponReservation, CouponStatus, NewCoupon, UseState};
use super::{rules, store};
use crate::actor::{Actor, OpsRole, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::{AccountId, CouponId, OrderGroupId, StoreId};

/// Creates a coupon: ops for the platform or any store, a manager for their own store (which then pays for it).
///
/// # Errors
/// Without the right, terms that make no sense, a code that is taken.
pub async fn create(app: &App, actor: &Actor, new: NewCoupon) -> Result<Coupon, PromotionError> {
    let bearer = may_create(actor, &new)?;
    let code = rules::check_terms(&new)?;
    let coupon = Coupon {
        id: app.ids.next(),
        code,
        kind: new.kind,
        value: rules::kept_value(&new),
        currency: new.currency,
        max_discount_minor: new.max_discount_minor,
        min_order_minor: new.min_order_minor,
        store_id: new.store_id,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        limit_total: new.limit_total,
        limit_per_customer: new.limit_per_customer,
        bearer,
        status: CouponStatus::Active,
        used: 0,
        reservations: Vec::new(),
        confirmed: Vec::new(),
        returned: Vec::new(),
        version: 1,
        created_at: app.clock.now(),
    };
    transact!(&app.mongo, "promotion.create", PromotionError, |tx| {
        store::insert_in_tx(app, tx, &coupon).await.map_err(|e: DbError| {
            if e.duplicate_index() == Some(CODE_INDEX) { PromotionError::CodeTaken } else { e.into() }
        })?;
        let details = doc! { "code": &coupon.code, "value": coupon.value, "limit_total": coupon.limit_total };
        let act = NewAudit { actor, action: "coupon.create", subject: coupon.id.to_string(), details };
        audit::record_in_tx(app, tx, act).await?;
        Ok(())
    })?;
    Ok(coupon)
}

fn may_create(actor: &Actor, new: &NewCoupon) -> Result<CostBearer, PromotionError> {
    if actor.ops(&[OpsRole::Operations, OpsRole::Finance]).is_ok() || actor.is_system() {
        return Ok(new.bearer);
    }
    actor.person()?;
    match new.store_id {
        Some(id) if actor.rank_in(id).is_some_and(|rank| rank >= StaffRole::Manager) => Ok(CostBearer::Store),
        Some(_) => Err(PromotionError::StoreNotFound),
        None => Err(daraa_platform::fault::Denial::Forbidden.into()),
    }
}

/// Switches a coupon off for good: ops any, a manager their own store's. Purchases under way keep the use they were
/// promised. Off already is a success without effect.
///
/// # Errors
/// Without the right, no such coupon (also when it is somebody else's), or database failure.
pub async fn disable(app: &App, actor: &Actor, id: CouponId) -> Result<Coupon, PromotionError> {
    let coupon = store::find(app, id).await?.ok_or(PromotionError::NoSuchCoupon)?;
    may_disable(actor, &coupon)?;
    let disabled = transact!(&app.mongo, "promotion.disable", PromotionError, |tx| {
        let Some(disabled) = store::disable_in_tx(app, tx, id).await? else { return Ok(None) };
        let details = doc! { "code": &disabled.code, "used": disabled.used };
        let act = NewAudit { actor, action: "coupon.disable", subject: id.to_string(), details };
        audit::record_in_tx(app, tx, act).await?;
        Ok(Some(disabled))
    })?;
    match disabled {
        Some(disabled) => Ok(disabled),
        None => store::find(app, id).await?.ok_or(PromotionError::NoSuchCoupon),
    }
}

fn may_disable(actor: &Actor, coupon: &Coupon) -> Result<(), PromotionError> {
    if actor.ops(&[OpsRole::Operations, OpsRole::Finance]).is_ok() || actor.is_system() {
        return Ok(());
    }
    actor.person()?;
    match coupon.store_id.and_then(|id| actor.rank_in(id)) {
        Some(rank) if rank >= StaffRole::Manager => Ok(()),
        Some(_) => Err(daraa_platform::fault::Denial::Forbidden.into()),
        None => Err(PromotionError::NoSuchCoupon),
    }
}

/// The coupons of a store (for its managers and ops), or the platform's own (for ops), newest first.
///
/// # Errors
/// [`PromotionError::StoreNotFound`] for somebody else's store; the platform's without a role.
pub async fn list(
    app: &App,
    actor: &Actor,
    store_id: Option<StoreId>,
    page: &PageRequest,
) -> Result<Page<Coupon>, PromotionError> {
    let ops = actor.ops(&[OpsRole::Operations, OpsRole::Finance, OpsRole::Support]);
    match store_id {
        Some(id) if actor.rank_in(id).is_some_and(|rank| rank >= StaffRole::Manager) => {}
        Some(_) if ops.is_err() => {
            actor.person()?;
            return Err(PromotionError::StoreNotFound);
        }
        _ => {
            ops?;
        }
    }
    Ok(store::page(app, store_id, page).await?)
}

/// The coupon behind a code, when this customer may use it now. Promises nothing; limits are taken by [`reserve`].
///
/// # Errors
/// No such coupon, outside its period, a limit reached.
pub async fn preview(
    app: &App,
    code: &str,
    account_id: AccountId,
    now: Timestamp,
) -> Result<Coupon, PromotionError> {
    let code = rules::fold_code(code).ok_or(PromotionError::CouponNotFound)?;
    let coupon = store::find_by_code(app, &code).await?.ok_or(PromotionError::CouponNotFound)?;
    rules::usable(&coupon, now)?;
    rules::left_in_all(&coupon, None, now)?;
    let uses = store::uses_of(app, coupon.id, account_id).await?;
    rules::left_for_customer(&coupon, uses.as_ref(), None, now)?;
    Ok(coupon)
}

/// Promises a use to a purchase until `expires_at`. Called again for the same purchase it does nothing.
///
/// # Errors
/// Outside its period, a limit reached ([`PromotionError::CouponExhausted`],
/// [`PromotionError::CouponAlreadyUsed`]).
pub async fn reserve(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
    account_id: AccountId,
    expires_at: Timestamp,
) -> Result<(), PromotionError> {
    let now = app.clock.now();
    let coupon = store::find(app, coupon_id).await?.ok_or(PromotionError::CouponNotFound)?;
    rules::usable(&coupon, now)?;
    store::drop_expired(app, coupon_id, account_id, now).await?;
    store::open_uses(app, coupon_id, account_id).await?;
    let reservation = CouponReservation { group_id, account_id, expires_at };
    if !store::reserve_use(app, &coupon, &reservation).await? {
        let uses = store::uses_of(app, coupon_id, account_id).await?;
        let has = uses.is_some_and(|u| u.uses.iter().any(|u| u.group_id == group_id));
        if !has {
            return Err(PromotionError::CouponAlreadyUsed);
        }
    }
    if store::reserve(app, coupon_id, &reservation).await? {
        return Ok(());
    }
    let coupon = store::find(app, coupon_id).await?.ok_or(PromotionError::CouponNotFound)?;
    if coupon.reservations.iter().any(|r| r.group_id == group_id) {
        return Ok(());
    }
    let uses = store::uses_of(app, coupon_id, account_id).await?;
    let confirmed =
        uses.is_some_and(|u| u.uses.iter().any(|u| u.group_id == group_id && u.state == UseState::Confirmed));
    if confirmed {
        return Ok(());
    }
    store::remove_use(app, coupon_id, account_id, group_id).await?;
    rules::usable(&coupon, now)?;
    rules::left_in_all(&coupon, Some(group_id), now)?;
    Err(PromotionError::CouponBusy)
}

/// Turns a purchase's promise into a use, when the purchase is placed. Called again it does nothing, or what a call cut
/// short left to do.
///
/// # Errors
/// [`PromotionError::ReservationLost`] when the promise has expired and was not kept.
pub async fn confirm(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
    account_id: AccountId,
) -> Result<(), PromotionError> {
    if !store::confirm(app, coupon_id, group_id).await? {
        let coupon = store::find(app, coupon_id).await?.ok_or(PromotionError::CouponNotFound)?;
        if !coupon.confirmed.contains(&group_id) {
            // Counted long ago, or never: the customer's own record tells.
            let uses = store::uses_of(app, coupon_id, account_id).await?;
            let used = uses.is_some_and(|u| {
                u.uses.iter().any(|u| u.group_id == group_id && u.state != UseState::Reserved)
            });
            return if used { Ok(()) } else { Err(PromotionError::ReservationLost) };
        }
    }
    note_use(app, coupon_id, group_id, account_id).await
}

/// Counts the use of a purchase that was placed with the coupon although its promise is lost: it has its discount, so it
/// counts, even beyond the limits. Called again it does nothing.
///
/// # Errors
/// Database failure.
pub async fn confirm_without_promise(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
    account_id: AccountId,
) -> Result<(), PromotionError> {
    if store::count(app, coupon_id, group_id).await? {
        note_use(app, coupon_id, group_id, account_id).await?;
    }
    Ok(())
}

/// The customer's side of a counted use.
async fn note_use(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
    account_id: AccountId,
) -> Result<(), PromotionError> {
    let (from, to) = (UseState::Reserved, UseState::Confirmed);
    if store::set_use_state(app, coupon_id, account_id, group_id, from, to).await? {
        return Ok(());
    }
    // Its promise may have been dropped as dead.
    store::open_uses(app, coupon_id, account_id).await?;
    store::add_use(app, coupon_id, account_id, group_id, app.clock.now()).await?;
    Ok(())
}

/// Takes a purchase's promise or use back, when the whole purchase came to nothing. Called again it does nothing.
///
/// # Errors
/// Database failure.
pub async fn release(
    app: &App,
    coupon_id: CouponId,
    group_id: OrderGroupId,
    account_id: AccountId,
) -> Result<(), PromotionError> {
    if !store::release(app, coupon_id, group_id).await? {
        // Marked first, so that a process that dies in between leaves a return that is finished by the next call.
        let (from, to) = (UseState::Confirmed, UseState::Returning);
        store::set_use_state(app, coupon_id, account_id, group_id, from, to).await?;
        let uses = store::uses_of(app, coupon_id, account_id).await?;
        let returning = uses
            .is_some_and(|u| u.uses.iter().any(|u| u.group_id == group_id && u.state == UseState::Returning));
        // A confirmation cut short has counted the use and not noted it with the customer.
        let coupon = store::find(app, coupon_id).await?;
        if returning || coupon.is_some_and(|coupon| coupon.confirmed.contains(&group_id)) {
            store::give_back(app, coupon_id, group_id).await?;
        }
    }
    store::remove_use(app, coupon_id, account_id, group_id).await?;
    Ok(())
}
