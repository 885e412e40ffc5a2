//! The collection `quotes`.

use daraa_platform::mongo::{Coll, DbError, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{doc, serialize_to_bson};

use super::model::{COLLECTION, Claim, Quote};
use crate::app::App;
use crate::ids::{AccountId, QuoteId};

fn quotes(app: &App) -> Coll<Quote> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn insert(app: &App, quote: &Quote) -> Result<(), DbError> {
    quotes(app).insert("db.quote.insert", quote).await
}

pub(super) async fn find(app: &App, account_id: AccountId, id: QuoteId) -> Result<Option<Quote>, DbError> {
    quotes(app).find_one("db.quote.find", doc! { "_id": id, "account_id": account_id }).await
}

/// Claims an open quote that still holds.
pub(super) async fn claim_open(app: &App, read: &Quote, claim: &Claim) -> Result<bool, DbError> {
    let previous = read.claim.as_ref().map_or(0, |claim| claim.attempt);
    let mut filter = doc! { "_id": read.id, "state": "OPEN", "expires_at": { "$gt": claim.since } };
    if previous > 0 {
        filter.insert("claim.attempt", previous);
    }
    let update = doc! { "$set": { "state": "PLACING", "claim": serialize_to_bson(claim)? } };
    quotes(app).update_one("db.quote.claim", filter, update).await
}

/// Takes an abandoned claim over; its old holder can no longer commit.
pub(super) async fn claim_abandoned(
    app: &App,
    read: &Quote,
    old: &Claim,
    claim: &Claim,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": read.id, "state": "PLACING", "claim.attempt": old.attempt };
    let update = doc! { "$set": { "claim": serialize_to_bson(claim)? } };
    quotes(app).update_one("db.quote.take_over", filter, update).await
}

/// Whether the holder of the claim may commit: marks the quote as placed.
pub(super) async fn place_in_tx(app: &App, tx: &mut Tx, id: QuoteId, claim: &Claim) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "state": "PLACING", "claim.attempt": claim.attempt };
    let update = doc! { "$set": { "state": "PLACED" } };
    quotes(app).update_one_in_tx(tx, "db.quote.place", filter, update).await
}

pub(super) async fn reopen(app: &App, id: QuoteId, claim: &Claim) -> Result<(), DbError> {
    let filter = doc! { "_id": id, "state": "PLACING", "claim.attempt": claim.attempt };
    let update = doc! { "$set": { "state": "OPEN" } };
    quotes(app).update_one("db.quote.reopen", filter, update).await.map(|_| ())
}

/// Deletes up to `limit` quotes that expired before `before`; says how many.
pub(super) async fn delete_old(app: &App, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    let ids = quotes(app).ids("db.quote.old", doc! { "expires_at": { "$lt": before } }, limit).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    quotes(app).delete_many("db.quote.delete_old", doc! { "_id": { "$in": ids } }).await
}
