//! Changing the settings.

use async_graphql::{Context, Object};
use daraa_domain::settings;

use super::types::{SettingsUpdateInput, SettingsUpdatePayload};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of the settings.
#[derive(Debug, Default)]
pub struct SettingsMutation;

#[Object]
impl SettingsMutation {
    /// Changes the settings; recorded in the audit log. Orders, quotes and offers that exist keep what they were made
    /// with.
    #[graphql(directive = requires::apply(vec![Role::Admin]))]
    async fn settings_update(
        &self,
        ctx: &Context<'_>,
        input: SettingsUpdateInput,
    ) -> Result<SettingsUpdatePayload, ApiError> {
        let outcome = settings::update(ctx.app(), ctx.actor(), input.into()).await;
        SettingsUpdatePayload::answer(ctx, outcome.map(Into::into))
    }
}
