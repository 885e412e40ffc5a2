//! Writing, answering, hiding and reading reviews.

use std::collections::HashMap;

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::Tx;
use daraa_platform::paging::{Cursor, Page, PageRequest};
use daraa_platform::transact;
use mongodb::bson::{Bson, doc};

use super::error::ReviewError;
use super::model::{CreateReview, ORDER, Reply, Review, ReviewStatus, ReviewText};
use super::{rules, store};
use crate::actor::{Actor, OpsRole, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::catalog::{self, CatalogError};
use crate::ids::{CourierId, OrderId, ReviewId, StoreId};
use crate::outbox::{self, NewEvent, Topic};
use crate::store::Rating;
use crate::{order, store as stores};

/// Writes the review of the actor's own completed order and counts it, all in one transaction.
///
/// # Errors
/// Not theirs, not completed, reviewed already, a line or courier the order does not have, or database failure.
pub async fn create(app: &App, actor: &Actor, command: CreateReview) -> Result<Review, ReviewError> {
    let author = actor.person()?.account_id;
    let order = order::get_for(app, actor, command.order_id).await?;
    let items = rules::check(&order, author, &command)?;
    let review = Review {
        id: app.ids.next(),
        order_id: order.id,
        order_number: order.number.clone(),
        account_id: author,
        store_id: order.store_id,
        courier_id: order.courier_id,
        store_stars: command.store_stars,
        courier_stars: command.courier_stars,
        items,
        comment: command.comment.map(ReviewText::into_inner),
        reply: None,
        status: ReviewStatus::Published,
        hidden_reason: None,
        version: 1,
        created_at: app.clock.now(),
    };
    let written = transact!(&app.mongo, "review.create", ReviewError, |tx| {
        store::insert_in_tx(app, tx, &review).await?;
        count_in_tx(app, tx, &review, ReviewStatus::Published).await?;
        outbox::emit_in_tx(app, tx, announced(&review, "review.created")).await?;
        Ok(())
    });
    match written {
        Ok(()) => Ok(review),
        Err(ReviewError::Infra(daraa_platform::fault::Infra::Db(e)))
            if e.duplicate_index() == Some(ORDER) =>
        {
            Err(ReviewError::AlreadyReviewed)
        }
        Err(e) => Err(e),
    }
}

/// Counts a review, or takes it out of the counts.
async fn count_in_tx(app: &App, tx: &mut Tx, review: &Review, to: ReviewStatus) -> Result<(), ReviewError> {
    let (store_id, stars) = (review.store_id, review.store_stars.number());
    let sign = match to {
        ReviewStatus::Published => {
            stores::add_rating_in_tx(app, tx, store_id, stars).await?;
            1
        }
        ReviewStatus::Hidden => {
            stores::remove_rating_in_tx(app, tx, store_id, stars).await?;
            -1
        }
    };
    if let Some((courier, stars)) = review.courier_id.zip(review.courier_stars) {
        let sum = stars.number().saturating_mul(sign);
        store::score_in_tx(app, tx, &courier.to_string(), sign, sum).await?;
    }
    for item in &review.items {
        let stars = item.stars.number();
        let counted = match to {
            ReviewStatus::Published => catalog::add_rating_in_tx(app, tx, item.product_id, stars).await,
            ReviewStatus::Hidden => catalog::remove_rating_in_tx(app, tx, item.product_id, stars).await,
        };
        match counted {
            // A product that left the menu has no rating to keep.
            Ok(()) | Err(CatalogError::ProductNotFound) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn announced(review: &Review, kind: &'static str) -> NewEvent {
    NewEvent {
        kind,
        subject: review.id.to_string(),
        topics: vec![Topic::Store(review.store_id), Topic::Account(review.account_id)],
        data: doc! {
            "order_id": review.order_id.to_string(),
            "store_id": review.store_id.to_string(),
            "account_id": review.account_id.to_string(),
            "status": review.status.as_str(),
            "version": review.version,
        },
    }
}

/// Answers a review for the store, or changes the answer (managers and owners of that store).
///
/// # Errors
/// Not found or another store's, below manager, changed meanwhile, or database failure.
pub async fn reply(app: &App, actor: &Actor, id: ReviewId, text: ReviewText) -> Result<Review, ReviewError> {
    actor.person()?;
    let review = store::get(app, id).await?.ok_or(ReviewError::ReviewNotFound)?;
    match actor.rank_in(review.store_id) {
        None => return Err(ReviewError::ReviewNotFound),
        Some(StaffRole::Staff) => return Err(daraa_platform::fault::Denial::Forbidden.into()),
        Some(StaffRole::Manager | StaffRole::Owner) => {}
    }
    let reply = Reply { text: text.into_inner(), at: app.clock.now(), by: actor.label() };
    let set = doc! { "reply": { "text": &reply.text, "at": reply.at, "by": &reply.by } };
    transact!(&app.mongo, "review.reply", ReviewError, |tx| {
        let changed =
            store::change_in_tx(app, tx, &review, set.clone()).await?.ok_or(ReviewError::StaleVersion)?;
        outbox::emit_in_tx(app, tx, announced(&changed, "review.replied")).await?;
        Ok(changed)
    })
}

/// Hides a review or shows it again (support); a hidden one does not count. The same state again changes nothing.
///
/// # Errors
/// No right, not found, changed meanwhile, or database failure.
pub async fn moderate(
    app: &App,
    actor: &Actor,
    id: ReviewId,
    to: ReviewStatus,
    reason: ReviewText,
) -> Result<Review, ReviewError> {
    actor.ops(&[OpsRole::Support])?;
    let review = store::get(app, id).await?.ok_or(ReviewError::ReviewNotFound)?;
    if !rules::moderates(review.status, to) {
        return Ok(review);
    }
    let reason = reason.into_inner();
    let hidden_reason = match to {
        ReviewStatus::Hidden => Bson::String(reason.clone()),
        ReviewStatus::Published => Bson::Null,
    };
    let set = doc! { "status": to.as_str(), "hidden_reason": hidden_reason };
    transact!(&app.mongo, "review.moderate", ReviewError, |tx| {
        let changed =
            store::change_in_tx(app, tx, &review, set.clone()).await?.ok_or(ReviewError::StaleVersion)?;
        count_in_tx(app, tx, &review, to).await?;
        let entry = NewAudit {
            actor,
            action: "review.moderate",
            subject: review.id.to_string(),
            details: doc! { "to": to.as_str(), "reason": &reason },
        };
        audit::record_in_tx(app, tx, entry).await?;
        outbox::emit_in_tx(app, tx, announced(&changed, "review.moderated")).await?;
        Ok(changed)
    })
}

/// Whether the actor sees reviews of this store that are hidden, too.
fn sees_all(actor: &Actor, store_id: StoreId) -> bool {
    actor.is_ops() || actor.rank_in(store_id).is_some()
}

/// A store's reviews, newest first; hidden ones only for its staff and ops.
///
/// # Errors
/// Database failure.
pub async fn of_store(
    app: &App,
    actor: &Actor,
    store_id: StoreId,
    page: &PageRequest,
) -> Result<Page<Review>, ReviewError> {
    let only = (!sees_all(actor, store_id)).then_some(ReviewStatus::Published);
    let rows = store::of_store(app, store_id, only, page).await?;
    Ok(Page::build(page, rows, |row| Cursor { key: row.created_at.millis(), id: row.id.oid() }))
}

/// The reviews of orders, for loaders; the caller may see the orders.
///
/// # Errors
/// Database failure.
pub async fn of_orders(app: &App, ids: &[OrderId]) -> Result<HashMap<OrderId, Review>, ReviewError> {
    let rows = store::of_orders(app, ids).await?;
    Ok(rows.into_iter().map(|review| (review.order_id, review)).collect())
}

/// The ratings of couriers, for loaders; those without any are left out.
///
/// # Errors
/// Database failure.
pub async fn ratings(app: &App, couriers: &[CourierId]) -> Result<HashMap<CourierId, Rating>, ReviewError> {
    let subjects: Vec<String> = couriers.iter().map(CourierId::to_string).collect();
    let rows = store::scores(app, &subjects).await?;
    let rated = rows.into_iter().filter_map(|row| {
        let rating = Rating { count: row.count, sum: row.sum, average_milli: row.average_milli() };
        Some((row.subject.parse().ok()?, rating))
    });
    Ok(rated.collect())
}
