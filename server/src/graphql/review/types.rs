//! The review and its inputs.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use daraa_domain::ids::ReviewId;
use daraa_domain::review::{
    CreateReview, Review, ReviewError, ReviewErrorCode, ReviewStatus, ReviewText, Stars,
};
use daraa_platform::fault::FieldPath;
use daraa_platform::time::Timestamp;

use crate::graphql::context::Ctx as _;
use crate::graphql::scalars::BigInt;

crate::user_errors!(
    /// What was wrong with a request about a review.
    ReviewUserError, ReviewError, ReviewErrorCode
);

/// A review.
#[derive(Debug, Clone)]
pub struct ReviewObject(pub Arc<Review>);

impl From<Review> for ReviewObject {
    fn from(review: Review) -> Self {
        Self(Arc::new(review))
    }
}

/// Stars for one thing that was bought.
#[derive(Debug, SimpleObject)]
pub struct ReviewItem {
    /// The line of the order, `oln_…`.
    pub line_id: ID,
    /// The product, `prd_…`.
    pub product_id: ID,
    /// 1 to 5.
    pub stars: BigInt,
}

/// What the store answered.
#[derive(Debug, SimpleObject)]
pub struct ReviewReplyObject {
    /// The answer.
    pub text: String,
    /// When it was given or last changed.
    pub at: Timestamp,
}

/// What a customer said about a completed order. Who wrote it is not shown.
#[Object(name = "Review")]
impl ReviewObject {
    /// The id, `rev_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The order's number; null unless you wrote the review, work for the store or are ops.
    async fn order_number(&self, ctx: &Context<'_>) -> Option<&str> {
        let actor = ctx.actor();
        let mine = actor.person().is_ok_and(|person| person.account_id == self.0.account_id);
        let may = mine || actor.is_ops() || actor.rank_in(self.0.store_id).is_some();
        may.then_some(self.0.order_number.as_str())
    }

    /// The store, `sto_…`.
    async fn store_id(&self) -> ID {
        self.0.store_id.to_string().into()
    }

    /// How good the store was, 1 to 5.
    async fn store_stars(&self) -> BigInt {
        self.0.store_stars.number().into()
    }

    /// How good the courier was, 1 to 5.
    async fn courier_stars(&self) -> Option<BigInt> {
        self.0.courier_stars.map(|stars| stars.number().into())
    }

    /// How good single things were.
    async fn items(&self) -> Vec<ReviewItem> {
        let item = |item: &daraa_domain::review::ItemStars| ReviewItem {
            line_id: item.line_id.to_string().into(),
            product_id: item.product_id.to_string().into(),
            stars: item.stars.number().into(),
        };
        self.0.items.iter().map(item).collect()
    }

    /// In words.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// What the store answered.
    async fn reply(&self) -> Option<ReviewReplyObject> {
        self.0.reply.as_ref().map(|reply| ReviewReplyObject { text: reply.text.clone(), at: reply.at })
    }

    /// Whether others see it.
    async fn status(&self) -> ReviewStatus {
        self.0.status
    }

    /// When it was written.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// Stars for one thing that was bought.
#[derive(InputObject)]
pub struct ReviewItemInput {
    /// The line of the order, `oln_…`.
    pub line_id: ID,
    /// 1 to 5.
    pub stars: i32,
}

/// Reviews one's own completed order, once.
#[derive(InputObject)]
pub struct ReviewCreateInput {
    /// The order, `ord_…`.
    pub order_id: ID,
    /// How good the store was, 1 to 5.
    pub store_stars: i32,
    /// How good the courier was, 1 to 5; only for delivered orders.
    pub courier_stars: Option<i32>,
    /// In words, up to 1000 characters.
    pub comment: Option<String>,
    /// How good single things were.
    pub items: Option<Vec<ReviewItemInput>>,
}

impl ReviewCreateInput {
    pub(super) fn parse(self) -> Result<CreateReview, ReviewError> {
        let stars = |n: i32, path| Stars::new(i64::from(n), FieldPath(path));
        let items = self.items.unwrap_or_default();
        Ok(CreateReview {
            order_id: self.order_id.parse()?,
            store_stars: stars(self.store_stars, &["storeStars"])?,
            courier_stars: self.courier_stars.map(|n| stars(n, &["courierStars"])).transpose()?,
            comment: self
                .comment
                .map(|text| ReviewText::parse(&text, FieldPath(&["comment"])))
                .transpose()?,
            items: items
                .iter()
                .map(|item| Ok((item.line_id.parse()?, stars(item.stars, &["items", "stars"])?)))
                .collect::<Result<_, ReviewError>>()?,
        })
    }
}

crate::payload!(
    /// What `reviewCreate` answers.
    ReviewCreatePayload, ReviewError, {
        /// The review; null when there are `userErrors`.
        review: ReviewObject
    }
);

/// Answers a review for the store, or changes the answer.
#[derive(InputObject)]
pub struct ReviewReplyInput {
    /// Which, `rev_…`.
    pub review_id: ID,
    /// The answer, 1 to 1000 characters.
    pub text: String,
}

impl ReviewReplyInput {
    pub(super) fn parse(&self) -> Result<(ReviewId, ReviewText), ReviewError> {
        Ok((self.review_id.parse()?, ReviewText::parse(&self.text, FieldPath(&["text"]))?))
    }
}

crate::payload!(
    /// What `reviewReply` answers.
    ReviewReplyPayload, ReviewError, {
        /// The review as it is now; null when there are `userErrors`.
        review: ReviewObject
    }
);

/// Hides a review or shows it again.
#[derive(InputObject)]
pub struct ReviewModerateInput {
    /// Which, `rev_…`.
    pub review_id: ID,
    /// Whether others are to see it.
    pub status: ReviewStatus,
    /// Why, for the audit log, 1 to 1000 characters.
    pub reason: String,
}

impl ReviewModerateInput {
    pub(super) fn parse(&self) -> Result<(ReviewId, ReviewStatus, ReviewText), ReviewError> {
        let reason = ReviewText::parse(&self.reason, FieldPath(&["reason"]))?;
        Ok((self.review_id.parse()?, self.status, reason))
    }
}

crate::payload!(
    /// What `reviewModerate` answers.
    ReviewModeratePayload, ReviewError, {
        /// The review as it is now; null when there are `userErrors`.
        review: ReviewObject
    }
);
