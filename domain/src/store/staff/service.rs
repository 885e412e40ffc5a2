//! Use cases of staff.

use std::time::Duration;

use daraa_platform::fault::{Denial, Infra};
use daraa_platform::mongo::Tx;
use daraa_platform::transact;
use mongodb::bson::{Document, doc, serialize_to_bson};
use tracing::instrument;

use super::event;
use super::model::{
    Invitation, InvitationStatus, MAX_OPEN_INVITATIONS, MAX_STAFF, MEMBER_INDEX, OPEN_INDEX, StaffMember,
    StaffPerson,
};
use super::store;
use crate::account::{self, AccountError, Phone};
use crate::actor::{Actor, OpsRole, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::{AccountId, InvitationId, StoreId};
use crate::outbox::{self, NewEvent, Topic};
use crate::store::{StoreError, require};

/// An invitation is open this long.
const INVITATION_DAYS: u64 = 7;

/// Asks the person behind a number to work for a store.
#[derive(Debug, Clone)]
pub struct InviteStaff {
    /// The store.
    pub store_id: StoreId,
    /// Whose number.
    pub phone: Phone,
    /// The rank offered.
    pub role: StaffRole,
}

/// Invites (owner).
///
/// # Errors
/// No right, [`StoreError::AlreadyStaff`], [`StoreError::AlreadyInvited`], [`StoreError::TooManyStaff`].
#[instrument(name = "svc.staff.invite", skip_all, fields(store.id = %command.store_id))]
pub async fn invite(app: &App, actor: &Actor, command: InviteStaff) -> Result<Invitation, StoreError> {
    let store_id = command.store_id;
    require(actor, store_id, StaffRole::Owner)?;
    crate::store::get(app, store_id).await?;
    let known = account::find_by_phone(app, &command.phone).await.map_err(account_failed)?;
    if let Some(person) = &known
        && store::is_member(app, store_id, person.id).await?
    {
        return Err(StoreError::AlreadyStaff);
    }
    let now = app.clock.now();
    if store::open_count(app, store_id, now, MAX_OPEN_INVITATIONS).await? >= MAX_OPEN_INVITATIONS {
        return Err(StoreError::TooManyStaff);
    }
    let row = Invitation {
        id: app.ids.next(),
        store_id,
        phone: command.phone,
        role: command.role,
        status: InvitationStatus::Pending,
        invited_by: actor.label(),
        accepted_by: None,
        created_at: now,
        expires_at: now.plus(Duration::from_secs(INVITATION_DAYS * 86_400)),
    };
    let account_id = known.map(|person| person.id);
    let done = transact!(&app.mongo, "staff.invite", StoreError, |tx| {
        store::expire_in_tx(app, tx, store_id, now).await?;
        store::insert_invitation_in_tx(app, tx, &row).await?;
        let data = details(&row)?;
        record(app, tx, actor, event::INVITED, store_id, data.clone()).await?;
        // Nothing in the data says whether the number has an account: the store's people read it, too.
        emit(app, tx, event::INVITED, store_id, account_id, data).await
    });
    match done {
        Err(StoreError::Infra(Infra::Db(e))) if e.duplicate_index() == Some(OPEN_INDEX) => {
            Err(StoreError::AlreadyInvited)
        }
        other => other.map(|()| row),
    }
}

/// Takes the invitation (the person whose number it names). Taken before by the same person is a success.
///
/// # Errors
/// Not signed in, [`StoreError::InvitationNotFound`], [`StoreError::InvitationClosed`],
/// [`StoreError::AlreadyStaff`], [`StoreError::TooManyStaff`], [`StoreError::TooManyStores`].
#[instrument(name = "svc.staff.accept", skip_all)]
pub async fn accept(app: &App, actor: &Actor, id: InvitationId) -> Result<Invitation, StoreError> {
    let me = account::get(app, actor.person()?.account_id).await.map_err(account_failed)?;
    let invitation = store::find_invitation(app, id)
        .await?
        .filter(|invitation| invitation.phone == me.phone)
        .ok_or(StoreError::InvitationNotFound)?;
    if invitation.status == InvitationStatus::Accepted && invitation.accepted_by == Some(me.id) {
        return Ok(invitation);
    }
    if invitation.expires_at <= app.clock.now() {
        return Err(StoreError::InvitationClosed);
    }
    transact!(&app.mongo, "staff.accept", StoreError, |tx| {
        let taken = store::end_invitation_in_tx(app, tx, id, InvitationStatus::Accepted, Some(me.id))
            .await?
            .ok_or(StoreError::InvitationClosed)?;
        join_in_tx(app, tx, taken.store_id, me.id, taken.role).await?;
        let data = details(&taken)?;
        record(app, tx, actor, event::JOINED, taken.store_id, data.clone()).await?;
        emit(app, tx, event::JOINED, taken.store_id, Some(me.id), data).await?;
        Ok(taken)
    })
}

/// Takes an open invitation back (owner).
///
/// # Errors
/// No right, [`StoreError::InvitationNotFound`], [`StoreError::InvitationClosed`].
pub async fn revoke(app: &App, actor: &Actor, id: InvitationId) -> Result<Invitation, StoreError> {
    let invitation = store::find_invitation(app, id).await?.ok_or(StoreError::InvitationNotFound)?;
    require(actor, invitation.store_id, StaffRole::Owner).map_err(|e| match e {
        StoreError::StoreNotFound => StoreError::InvitationNotFound,
        other => other,
    })?;
    if invitation.status == InvitationStatus::Revoked {
        return Ok(invitation);
    }
    transact!(&app.mongo, "staff.revoke", StoreError, |tx| {
        let ended = store::end_invitation_in_tx(app, tx, id, InvitationStatus::Revoked, None)
            .await?
            .ok_or(StoreError::InvitationClosed)?;
        record(app, tx, actor, "staff.revoke", ended.store_id, details(&ended)?).await?;
        Ok(ended)
    })
}

/// Ends a person's work for a store: an owner ends anybody's, everybody their own. The last owner stays.
///
/// # Errors
/// No right, [`StoreError::StaffNotFound`], [`StoreError::LastOwner`].
#[instrument(name = "svc.staff.remove", skip_all, fields(store.id = %store_id))]
pub async fn remove(
    app: &App,
    actor: &Actor,
    store_id: StoreId,
    account_id: AccountId,
) -> Result<(), StoreError> {
    let own = actor.person().is_ok_and(|person| person.account_id == account_id);
    require(actor, store_id, if own { StaffRole::Staff } else { StaffRole::Owner })?;
    transact!(&app.mongo, "staff.remove", StoreError, |tx| {
        // Two owners who remove each other at once meet here.
        if !crate::store::store::touch_in_tx(app, tx, store_id).await? {
            return Err(StoreError::StoreNotFound);
        }
        let members = store::members_in_tx(app, tx, store_id).await?;
        let leaving = members.iter().find(|m| m.account_id == account_id).ok_or(StoreError::StaffNotFound)?;
        let owners = members.iter().filter(|m| m.role == StaffRole::Owner).count();
        if leaving.role == StaffRole::Owner && owners == 1 {
            return Err(StoreError::LastOwner);
        }
        store::delete_in_tx(app, tx, leaving).await?;
        account::set_membership_in_tx(app, tx, account_id, store_id, None).await.map_err(account_failed)?;
        let data = doc! { "store_id": store_id.to_string(), "account_id": account_id.to_string() };
        record(app, tx, actor, event::REMOVED, store_id, data.clone()).await?;
        emit(app, tx, event::REMOVED, store_id, Some(account_id), data).await
    })
}

/// The people of a store, for its staff and ops.
///
/// # Errors
/// No right, or database failure.
pub async fn list(app: &App, actor: &Actor, store_id: StoreId) -> Result<Vec<StaffPerson>, StoreError> {
    may_read(actor, store_id)?;
    let members = store::members(app, store_id).await?;
    let ids: Vec<AccountId> = members.iter().map(|m| m.account_id).collect();
    let accounts = account::get_many(app, &ids).await.map_err(account_failed)?;
    let person = |member: StaffMember| {
        let account = accounts.iter().find(|a| a.id == member.account_id).cloned();
        StaffPerson { member, account }
    };
    Ok(members.into_iter().map(person).collect())
}

/// The open invitations of a store, for its owners and ops.
///
/// # Errors
/// No right, or database failure.
pub async fn invitations(app: &App, actor: &Actor, store_id: StoreId) -> Result<Vec<Invitation>, StoreError> {
    require(actor, store_id, StaffRole::Owner)?;
    Ok(store::open_of_store(app, store_id, app.clock.now()).await?)
}

/// The open invitations for the asker's number.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn my_invitations(app: &App, actor: &Actor) -> Result<Vec<Invitation>, StoreError> {
    let me = account::get(app, actor.person()?.account_id).await.map_err(account_failed)?;
    Ok(store::open_of_phone(app, &me.phone, app.clock.now()).await?)
}

/// Makes a person one of a store's, in the caller's transaction.
pub(in crate::store) async fn join_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    account_id: AccountId,
    role: StaffRole,
) -> Result<(), StoreError> {
    let members = store::members_in_tx(app, tx, store_id).await?;
    if members.iter().any(|m| m.account_id == account_id) {
        return Err(StoreError::AlreadyStaff);
    }
    if u64::try_from(members.len()).unwrap_or(u64::MAX) >= MAX_STAFF {
        return Err(StoreError::TooManyStaff);
    }
    let row = StaffMember { id: app.ids.next_oid(), store_id, account_id, role, since: app.clock.now() };
    store::insert_in_tx(app, tx, &row).await.map_err(|e| match e.duplicate_index() {
        Some(MEMBER_INDEX) => StoreError::AlreadyStaff,
        _ => e.into(),
    })?;
    account::set_membership_in_tx(app, tx, account_id, store_id, Some(role)).await.map_err(account_failed)
}

fn may_read(actor: &Actor, store_id: StoreId) -> Result<(), StoreError> {
    if actor.ops(&[OpsRole::Support, OpsRole::Operations]).is_ok() {
        return Ok(());
    }
    require(actor, store_id, StaffRole::Staff)
}

/// What events and the log say of an invitation; ids are API texts (`inv_…`).
fn details(invitation: &Invitation) -> Result<Document, StoreError> {
    let role = serialize_to_bson(&invitation.role).map_err(Infra::defect)?;
    let (id, store_id) = (invitation.id.to_string(), invitation.store_id.to_string());
    Ok(doc! { "invitation_id": id, "store_id": store_id, "role": role })
}

async fn record(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    store_id: StoreId,
    details: Document,
) -> Result<(), StoreError> {
    audit::record_in_tx(app, tx, NewAudit { actor, action, subject: store_id.to_string(), details }).await?;
    Ok(())
}

async fn emit(
    app: &App,
    tx: &mut Tx,
    kind: &'static str,
    store_id: StoreId,
    account_id: Option<AccountId>,
    data: Document,
) -> Result<(), StoreError> {
    let mut topics = vec![Topic::Store(store_id)];
    topics.extend(account_id.map(Topic::Account));
    outbox::emit_in_tx(app, tx, NewEvent { kind, subject: store_id.to_string(), topics, data }).await?;
    Ok(())
}

fn account_failed(e: AccountError) -> StoreError {
    match e {
        AccountError::TooManyStores { .. } => StoreError::TooManyStores,
        AccountError::InvalidPhone => StoreError::BadPhone,
        AccountError::Infra(cause) => StoreError::Infra(cause),
        AccountError::AccountNotFound => Denial::Unauthenticated.into(),
        other => Infra::defect(other).into(),
    }
}
