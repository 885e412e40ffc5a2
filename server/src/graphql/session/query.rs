//! Where I am signed in.

use async_graphql::{Context, Object};
use daraa_domain::session;

use super::types::SessionObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Queries about sessions.
#[derive(Debug, Default)]
pub struct SessionQuery;

#[Object]
impl SessionQuery {
    /// The devices the signed-in person is signed in on, newest first; at most 20.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_sessions(&self, ctx: &Context<'_>) -> Result<Vec<SessionObject>, ApiError> {
        let sessions = session::list(ctx.app(), ctx.actor()).await?;
        Ok(sessions.into_iter().map(SessionObject).collect())
    }
}
