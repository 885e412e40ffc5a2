//! Marking read.

use async_graphql::{Context, Object};
use daraa_domain::notification;

use super::types::{NotificationsMarkReadInput, NotificationsMarkReadPayload};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::BigInt;

/// Marking notifications read.
#[derive(Debug, Default)]
pub struct NotificationMutation;

#[Object]
impl NotificationMutation {
    /// Marks your own notifications read. Doing it twice changes nothing.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn notifications_mark_read(
        &self,
        ctx: &Context<'_>,
        input: NotificationsMarkReadInput,
    ) -> Result<NotificationsMarkReadPayload, ApiError> {
        let outcome = async { notification::mark_read(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        let counted = |n: u64| BigInt(i64::try_from(n).unwrap_or(i64::MAX));
        NotificationsMarkReadPayload::answer(ctx, outcome.map(counted))
    }
}
