//! The collections of sessions and one-time codes.

mod cache;

pub use cache::SessionCache;

use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson, serialize_to_document};

use super::model::{CODES, COLLECTION, Ended, Session, StoredCode};
use super::rules::MAX_ATTEMPTS;
use crate::app::App;
use crate::ids::{AccountId, SessionId};

/// Puts a new code in the place of the phone's last one.
pub(super) async fn put_code(app: &App, code: &StoredCode) -> Result<(), DbError> {
    let mut fields = serialize_to_document(code)?;
    fields.remove("_id");
    let coll = app.mongo.coll::<StoredCode>(CODES);
    let (filter, update) = (doc! { "_id": &code.id }, doc! { "$set": fields });
    match coll.upsert("db.session.put_code", filter.clone(), update.clone()).await {
        // Two first requests of one phone met; now there is a document to update.
        Err(e) if e.duplicate_index().is_some() => {
            coll.update_one("db.session.put_code", filter, update).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

/// Counts a try and returns the code it may be compared with; `None` when there is none that may be tried.
pub(super) async fn count_attempt(
    app: &App,
    id: &str,
    now: Timestamp,
) -> Result<Option<StoredCode>, DbError> {
    let filter = doc! {
        "_id": id,
        "used_at": null,
        "attempts": { "$lt": MAX_ATTEMPTS },
        "expires_at": { "$gt": now },
    };
    let update = doc! { "$inc": { "attempts": 1_i64 } };
    app.mongo.coll(CODES).find_one_and_update("db.session.count_attempt", filter, update).await
}

/// Marks a code as used; `false` when it was used or replaced meanwhile.
pub(super) async fn use_code_in_tx(
    app: &App,
    tx: &mut Tx,
    code: &StoredCode,
    now: Timestamp,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": &code.id, "mac": &code.mac, "created_at": code.created_at, "used_at": null };
    let update = doc! { "$set": { "used_at": now } };
    app.mongo.coll::<StoredCode>(CODES).update_one_in_tx(tx, "db.session.use_code", filter, update).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, session: &Session) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert_in_tx(tx, "db.session.insert", session).await
}

/// From the primary: a session that was ended must be refused.
pub(super) async fn find(app: &App, id: SessionId) -> Result<Option<Session>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.session.find", doc! { "_id": id }).await
}

fn alive(account_id: AccountId, now: Timestamp) -> Document {
    doc! { "account_id": account_id, "ended": null, "expires_at": { "$gt": now } }
}

/// The sessions of a person that are alive, newest first.
pub(super) async fn alive_of(
    app: &App,
    account_id: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Session>, DbError> {
    let sort = doc! { "created_at": -1, "_id": -1 };
    app.mongo.coll(COLLECTION).find_many("db.session.alive_of", alive(account_id, now), sort, limit).await
}

/// [`alive_of`] inside a transaction.
pub(super) async fn alive_of_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Session>, DbError> {
    let sort = doc! { "created_at": -1, "_id": -1 };
    let coll = app.mongo.coll(COLLECTION);
    coll.find_many_in_tx(tx, "db.session.alive_of", alive(account_id, now), sort, limit).await
}

fn ending(ended: Ended) -> Result<Document, DbError> {
    // Its TTL runs from the end.
    Ok(doc! { "$set": { "ended": serialize_to_bson(&ended)?, "expires_at": ended.at } })
}

/// Ends a session that has not ended; `false` when it has.
pub(super) async fn end(app: &App, id: SessionId, ended: Ended) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "ended": null };
    app.mongo.coll::<Session>(COLLECTION).update_one("db.session.end", filter, ending(ended)?).await
}

/// [`end`] inside a transaction.
pub(super) async fn end_in_tx(app: &App, tx: &mut Tx, id: SessionId, ended: Ended) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "ended": null };
    let coll = app.mongo.coll::<Session>(COLLECTION);
    coll.update_one_in_tx(tx, "db.session.end", filter, ending(ended)?).await
}

/// Makes the next generation of refresh tokens the valid one; `None` when another request did, or the session ended.
pub(super) async fn rotate(
    app: &App,
    session: &Session,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Option<Session>, DbError> {
    let filter = doc! { "_id": session.id, "ended": null, "refresh.generation": session.refresh.generation };
    let update = doc! {
        "$inc": { "refresh.generation": 1_i64 },
        "$set": { "refreshed_at": now, "expires_at": expires_at },
    };
    app.mongo.coll(COLLECTION).find_one_and_update("db.session.rotate", filter, update).await
}
