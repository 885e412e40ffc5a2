//! One's own notifications.

use async_graphql::{Context, Object};
use daraa_domain::notification;

use super::types::NotificationObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};
use crate::graphql::scalars::BigInt;

/// One's own notifications.
#[derive(Debug, Default)]
pub struct NotificationQuery;

#[Object]
impl NotificationQuery {
    /// Your own notifications, newest first.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those you have not marked read.", default = false)] unread_only: bool,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<NotificationObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let found = notification::list(ctx.app(), ctx.actor(), unread_only, &page).await?;
        Ok(connection(found, NotificationObject))
    }

    /// How many of your notifications are unread; 1000 means that many or more.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn unread_notification_count(&self, ctx: &Context<'_>) -> Result<BigInt, ApiError> {
        let unread = notification::count_unread(ctx.app(), ctx.actor()).await?;
        Ok(BigInt(i64::try_from(unread).unwrap_or(i64::MAX)))
    }
}
