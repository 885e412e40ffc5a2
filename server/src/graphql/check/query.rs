//! The integrity check and the backlog of events.

use async_graphql::{Context, Object};
use daraa_domain::{check, outbox};
use daraa_platform::fault::Infra;

use super::types::{EventBacklogObject, IntegrityRuleObject, rules};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::BigInt;

/// Pending events are counted up to this.
const PENDING_CAP: u64 = 10_000;
/// Dead events are counted up to this.
const DEAD_CAP: i64 = 100;

/// What must hold, for ops people.
#[derive(Debug, Default)]
pub struct CheckQuery;

#[Object]
impl CheckQuery {
    /// Looks through all orders, payments, stock and books for what must not be. Reads everything: not for a
    /// page that refreshes itself.
    #[graphql(directive = requires::apply(vec![Role::Finance, Role::Operations]))]
    async fn integrity_check(&self, ctx: &Context<'_>) -> Result<Vec<IntegrityRuleObject>, ApiError> {
        Ok(rules(&check::run(ctx.app()).await?))
    }

    /// Events that are not delivered to all their consumers yet.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance, Role::Operations]))]
    async fn event_backlog(&self, ctx: &Context<'_>) -> Result<EventBacklogObject, ApiError> {
        let pending = outbox::count_pending(ctx.app(), PENDING_CAP).await.map_err(Infra::from)?;
        let dead = outbox::dead(ctx.app(), DEAD_CAP).await.map_err(Infra::from)?.len();
        Ok(EventBacklogObject {
            pending: BigInt(i64::try_from(pending).unwrap_or(i64::MAX)),
            dead: BigInt(i64::try_from(dead).unwrap_or(i64::MAX)),
        })
    }
}
