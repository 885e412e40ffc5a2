//! The collections of memberships and invitations.

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};

use super::model::{INVITATIONS, Invitation, InvitationStatus, STAFF, StaffMember};
use crate::account::Phone;
use crate::app::App;
use crate::ids::{AccountId, InvitationId, StoreId};

pub(super) async fn members(app: &App, store_id: StoreId) -> Result<Vec<StaffMember>, DbError> {
    let sort = doc! { "store_id": 1, "account_id": 1 };
    app.mongo.coll(STAFF).find_many("db.staff.of_store", doc! { "store_id": store_id }, sort, MAX_ROWS).await
}

pub(super) async fn members_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
) -> Result<Vec<StaffMember>, DbError> {
    let sort = doc! { "store_id": 1, "account_id": 1 };
    let filter = doc! { "store_id": store_id };
    app.mongo.coll(STAFF).find_many_in_tx(tx, "db.staff.of_store", filter, sort, MAX_ROWS).await
}

pub(super) async fn is_member(app: &App, store_id: StoreId, account_id: AccountId) -> Result<bool, DbError> {
    let filter = doc! { "store_id": store_id, "account_id": account_id };
    Ok(app.mongo.coll::<StaffMember>(STAFF).find_one("db.staff.find", filter).await?.is_some())
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, row: &StaffMember) -> Result<(), DbError> {
    app.mongo.coll(STAFF).insert_in_tx(tx, "db.staff.insert", row).await
}

pub(super) async fn delete_in_tx(app: &App, tx: &mut Tx, row: &StaffMember) -> Result<u64, DbError> {
    let filter = doc! { "_id": row.id };
    app.mongo.coll::<StaffMember>(STAFF).delete_many_in_tx(tx, "db.staff.delete", filter).await
}

pub(super) async fn insert_invitation_in_tx(app: &App, tx: &mut Tx, row: &Invitation) -> Result<(), DbError> {
    app.mongo.coll(INVITATIONS).insert_in_tx(tx, "db.invitation.insert", row).await
}

pub(super) async fn find_invitation(app: &App, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    app.mongo.coll(INVITATIONS).find_one("db.invitation.find", doc! { "_id": id }).await
}

/// Ends an open invitation; `None` when it is not open.
pub(super) async fn end_invitation_in_tx(
    app: &App,
    tx: &mut Tx,
    id: InvitationId,
    to: InvitationStatus,
    accepted_by: Option<AccountId>,
) -> Result<Option<Invitation>, DbError> {
    let filter = doc! { "_id": id, "status": InvitationStatus::Pending.as_str() };
    let update = doc! { "$set": { "status": to.as_str(), "accepted_by": accepted_by } };
    app.mongo.coll(INVITATIONS).find_one_and_update_in_tx(tx, "db.invitation.end", filter, update).await
}

/// Closes the store's invitations whose time is over, so that a number can be invited again.
pub(super) async fn expire_in_tx(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    now: Timestamp,
) -> Result<u64, DbError> {
    let filter = doc! {
        "store_id": store_id,
        "status": InvitationStatus::Pending.as_str(),
        "expires_at": { "$lte": now },
    };
    let update = doc! { "$set": { "status": InvitationStatus::Expired.as_str() } };
    app.mongo
        .coll::<Invitation>(INVITATIONS)
        .update_many_in_tx(tx, "db.invitation.expire", filter, update)
        .await
}

pub(super) async fn open_count(
    app: &App,
    store_id: StoreId,
    now: Timestamp,
    cap: u64,
) -> Result<u64, DbError> {
    let status = InvitationStatus::Pending.as_str();
    let filter = doc! { "store_id": store_id, "status": status, "expires_at": { "$gt": now } };
    app.mongo.coll::<Invitation>(INVITATIONS).count_up_to("db.invitation.count", filter, cap).await
}

pub(super) async fn open_of_store(
    app: &App,
    store_id: StoreId,
    now: Timestamp,
) -> Result<Vec<Invitation>, DbError> {
    open(app, doc! { "store_id": store_id }, now).await
}

pub(super) async fn open_of_phone(
    app: &App,
    phone: &Phone,
    now: Timestamp,
) -> Result<Vec<Invitation>, DbError> {
    open(app, doc! { "phone": phone.clone() }, now).await
}

async fn open(app: &App, mut filter: Document, now: Timestamp) -> Result<Vec<Invitation>, DbError> {
    filter.insert("status", InvitationStatus::Pending.as_str());
    filter.insert("expires_at", doc! { "$gt": now });
    // Each is open for the same time: the newest ends last.
    let sort = doc! { "expires_at": -1, "_id": -1 };
    app.mongo.coll(INVITATIONS).find_many("db.invitation.open", filter, sort, 100).await
}
