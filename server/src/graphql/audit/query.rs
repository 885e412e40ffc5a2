//! Reading the audit log.

use async_graphql::{Context, Object};
use daraa_domain::audit;

use super::types::{AuditEntryObject, AuditLogFilter};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// Queries about the audit log.
#[derive(Debug, Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Recorded privileged acts, newest first.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which acts; all when left out.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<AuditEntryObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default().into();
        Ok(connection(audit::list(ctx.app(), ctx.actor(), &filter, &page).await?, AuditEntryObject))
    }
}
