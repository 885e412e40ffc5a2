//! Reading the settings.

use async_graphql::{Context, Object};
use daraa_domain::settings;

use super::types::SettingsObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Queries about the settings.
#[derive(Debug, Default)]
pub struct SettingsQuery;

#[Object]
impl SettingsQuery {
    /// The settings in force.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance, Role::Operations]))]
    async fn settings(&self, ctx: &Context<'_>) -> Result<SettingsObject, ApiError> {
        Ok(SettingsObject(settings::get(ctx.app()).await?))
    }
}
