//! Questions about stores.

use async_graphql::{Context, ID, Object, SimpleObject};
use daraa_domain::ids::StoreId;
use daraa_domain::store::category;
use daraa_domain::store::{self, NearFilter, NearSort, StoreError, StoreStatus};
use daraa_platform::fault::FieldPath;

use super::types::{StoreCategoryObject, StoreObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};
use crate::graphql::paging::{ConnectionOf, ConnectionWith, Near, connection, connection_with, page_request};
use crate::graphql::scalars::{BigInt, PointInput};

/// What an edge of `stores` says beside the store.
#[derive(Debug, SimpleObject)]
pub struct StoreNearEdge {
    /// How far the store is from the point, metres as the crow flies.
    pub distance_m: BigInt,
    /// Takes orders now.
    pub open: bool,
}

/// Questions about stores.
#[derive(Debug, Default)]
pub struct StoreQuery;

#[Object]
impl StoreQuery {
    /// One store; null when there is none, or it is not for you to see.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn store(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, `sto_…`.")] id: ID,
    ) -> Result<Option<StoreObject>, ApiError> {
        let outcome = async { store::view(ctx.app(), ctx.actor(), id.parse::<StoreId>()?).await }.await;
        found(outcome.map(StoreObject::from))
    }

    /// The tree of store categories, in the order it is shown; at most 500.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn store_categories(&self, ctx: &Context<'_>) -> Result<Vec<StoreCategoryObject>, ApiError> {
        let tree = category::all(ctx.app()).await?;
        Ok(tree.iter().cloned().map(StoreCategoryObject).collect())
    }

    /// Active stores that deliver to a point, nearest or best rated first.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn stores(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the goods are to go.")] near: PointInput,
        #[graphql(desc = "Only stores that take orders now.", default = false)] open_now: bool,
        #[graphql(desc = "Only of this category and those below it, `cat_…`.")] category_id: Option<ID>,
        #[graphql(desc = "Which order.", default_with = "NearSort::Distance")] sort: NearSort,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
    ) -> Result<ConnectionWith<StoreObject, StoreNearEdge, Near>, ApiError> {
        let page = page_request(first, after.as_deref(), None, None)?;
        let category_id = category_id.map(|id| id.parse().map_err(StoreError::from)).transpose()?;
        let point = near.parse().map_err(|_| StoreError::BadPoint { path: FieldPath(&["near"]) })?;
        let filter = NearFilter { point, open_now, category_id, sort };
        let found = store::find_near(ctx.app(), &filter, &page).await?;
        Ok(connection_with(found, |near| {
            let edge = StoreNearEdge { distance_m: near.distance_m.into(), open: near.open };
            (StoreObject::from(near.store), edge)
        }))
    }

    /// The stores you work for, at most 100.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn my_stores(&self, ctx: &Context<'_>) -> Result<Vec<StoreObject>, ApiError> {
        Ok(store::mine(ctx.app(), ctx.actor()).await?.into_iter().map(StoreObject::from).collect())
    }

    /// Stores of one status, newest first.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support, Role::Finance]))]
    async fn ops_stores(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.", default_with = "StoreStatus::PendingApproval")] status: StoreStatus,
        #[graphql(desc = "Page size, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size going backward, at most 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ConnectionOf<StoreObject>, ApiError> {
        let page = page_request(first, after.as_deref(), last, before.as_deref())?;
        Ok(connection(store::list(ctx.app(), ctx.actor(), status, &page).await?, StoreObject::from))
    }
}
