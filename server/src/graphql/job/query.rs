//! The schedule and its history.

use async_graphql::{Context, Object};
use daraa_domain::job;

use super::types::{JobObject, JobRunObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::paging::{ConnectionOf, connection, page_request};

/// The schedule and its history.
#[derive(Debug, Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// All scheduled jobs.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance, Role::Operations]))]
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Vec<JobObject>, ApiError> {
        let jobs = job::overview(ctx.app(), ctx.actor()).await?;
        Ok(jobs.into_iter().map(JobObject).collect())
    }

    /// What was run, newest first.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance, Role::Operations]))]
    async fn job_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this job; all when left out.")] name: Option<String>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<JobRunObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        let found = job::history(ctx.app(), ctx.actor(), name.as_deref(), &page).await?;
        Ok(connection(found, JobRunObject))
    }
}
