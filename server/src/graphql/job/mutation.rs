//! What ops do with jobs.

use async_graphql::{Context, Object};
use daraa_domain::job;

use super::types::{
    JobObject, JobPauseInput, JobPausePayload, JobResumeInput, JobResumePayload, JobRunInput, JobRunObject,
    JobRunPayload,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// What ops do with jobs.
#[derive(Debug, Default)]
pub struct JobMutation;

#[Object]
impl JobMutation {
    /// Asks for a run now; a jobs service begins it, usually within a second. Audited.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn job_run(&self, ctx: &Context<'_>, input: JobRunInput) -> Result<JobRunPayload, ApiError> {
        let outcome = job::run_now(ctx.app(), ctx.actor(), &input.name).await;
        JobRunPayload::answer(ctx, outcome.map(JobRunObject))
    }

    /// Stops the schedule of a job: its times are recorded as skipped. Audited.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn job_pause(&self, ctx: &Context<'_>, input: JobPauseInput) -> Result<JobPausePayload, ApiError> {
        let outcome = job::pause(ctx.app(), ctx.actor(), &input.name).await;
        JobPausePayload::answer(ctx, outcome.map(JobObject))
    }

    /// Lets the schedule of a job go on. Audited.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn job_resume(
        &self,
        ctx: &Context<'_>,
        input: JobResumeInput,
    ) -> Result<JobResumePayload, ApiError> {
        let outcome = job::resume(ctx.app(), ctx.actor(), &input.name).await;
        JobResumePayload::answer(ctx, outcome.map(JobObject))
    }
}
