//! The feeds a caller may follow. Topics come from who the caller is, never from an id they invent.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use daraa_domain::ids::StoreId;
use daraa_domain::outbox::Topic;
use daraa_platform::fault::{Fault, FaultKind, Infra, Lang};
use futures_util::{Stream, StreamExt as _};

use super::{FeedEventObject, Hub};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::BigInt;

/// Live feeds.
#[derive(Debug, Default)]
pub struct FeedSubscription;

/// Not a store the caller works for.
#[derive(Debug, thiserror::Error)]
#[error("no such store for this caller")]
struct NoSuchStore;

impl Fault for NoSuchStore {
    fn kind(&self) -> FaultKind {
        FaultKind::NotFound
    }

    fn code(&self) -> &'static str {
        "STORE_NOT_FOUND"
    }

    fn public(&self, lang: Lang) -> String {
        match lang {
            Lang::En => "There is no such store.",
            Lang::Ar => "لا يوجد متجر كهذا.",
        }
        .to_owned()
    }
}

fn follow(
    ctx: &Context<'_>,
    topic: Topic,
    after: Option<BigInt>,
) -> Result<impl Stream<Item = FeedEventObject> + use<>, ApiError> {
    let hub = ctx.data_opt::<Arc<Hub>>().ok_or_else(|| Infra::defect("no feed hub"))?;
    Ok(hub.events(topic, after.map(|n| n.0)).map(FeedEventObject))
}

#[Subscription]
impl FeedSubscription {
    /// What happens to the caller's own orders, payments and deliveries. Without `after`: from now on.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn customer_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Resume after this sequence number.")] after: Option<BigInt>,
    ) -> Result<impl Stream<Item = FeedEventObject>, ApiError> {
        let me = ctx.actor().person().map_err(Infra::from)?.account_id;
        follow(ctx, Topic::Account(me), after)
    }

    /// What happens in a store the caller works for. Without `after`: from now on.
    #[graphql(directive = requires::apply(vec![Role::Staff]))]
    async fn store_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The store.")] store_id: ID,
        #[graphql(desc = "Resume after this sequence number.")] after: Option<BigInt>,
    ) -> Result<impl Stream<Item = FeedEventObject>, ApiError> {
        let store_id: StoreId = store_id.parse()?;
        ctx.actor().rank_in(store_id).ok_or(NoSuchStore)?;
        follow(ctx, Topic::Store(store_id), after)
    }

    /// Offers and deliveries of the calling courier. Without `after`: from now on.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn courier_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Resume after this sequence number.")] after: Option<BigInt>,
    ) -> Result<impl Stream<Item = FeedEventObject>, ApiError> {
        let courier_id = ctx.actor().courier().map_err(Infra::from)?;
        follow(ctx, Topic::Courier(courier_id), after)
    }

    /// What ops people should see: escalations, approvals to give. Without `after`: from now on.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance, Role::Operations]))]
    async fn ops_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Resume after this sequence number.")] after: Option<BigInt>,
    ) -> Result<impl Stream<Item = FeedEventObject>, ApiError> {
        follow(ctx, Topic::Ops, after)
    }
}
