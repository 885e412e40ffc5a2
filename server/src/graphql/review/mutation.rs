//! Writing, answering and moderating reviews.

use async_graphql::{Context, Object};
use daraa_domain::review;

use super::types::{
    ReviewCreateInput, ReviewCreatePayload, ReviewModerateInput, ReviewModeratePayload, ReviewObject,
    ReviewReplyInput, ReviewReplyPayload,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Writing, answering and moderating reviews.
#[derive(Debug, Default)]
pub struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// Reviews your own completed order, once.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn review_create(
        &self,
        ctx: &Context<'_>,
        input: ReviewCreateInput,
    ) -> Result<ReviewCreatePayload, ApiError> {
        let outcome = async { review::create(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        ReviewCreatePayload::answer(ctx, outcome.map(ReviewObject::from))
    }

    /// Answers a review for your store, or changes the answer (managers and owners).
    #[graphql(directive = requires::apply(vec![Role::Staff]))]
    async fn review_reply(
        &self,
        ctx: &Context<'_>,
        input: ReviewReplyInput,
    ) -> Result<ReviewReplyPayload, ApiError> {
        let outcome = async {
            let (id, text) = input.parse()?;
            review::reply(ctx.app(), ctx.actor(), id, text).await
        };
        ReviewReplyPayload::answer(ctx, outcome.await.map(ReviewObject::from))
    }

    /// Hides a review, so that it is neither seen nor counted, or shows it again. Audited.
    #[graphql(directive = requires::apply(vec![Role::Support]))]
    async fn review_moderate(
        &self,
        ctx: &Context<'_>,
        input: ReviewModerateInput,
    ) -> Result<ReviewModeratePayload, ApiError> {
        let outcome = async {
            let (id, status, reason) = input.parse()?;
            review::moderate(ctx.app(), ctx.actor(), id, status, reason).await
        };
        ReviewModeratePayload::answer(ctx, outcome.await.map(ReviewObject::from))
    }
}
