//! Changes of stores.

use async_graphql::{Context, Object};
use daraa_domain::store::category;
use daraa_domain::store::hours::parse_date;
use daraa_domain::store::{self, StoreAction};

use super::input::{
    StoreApproveInput, StoreApprovePayload, StoreCategoryCreateInput, StoreCategoryCreatePayload,
    StoreCategoryUpdateInput, StoreCategoryUpdatePayload, StoreCloseInput, StoreClosePayload,
    StoreClosureAddInput, StoreClosureAddPayload, StoreClosureRemoveInput, StoreClosureRemovePayload,
    StoreCommissionSetInput, StoreCommissionSetPayload, StoreCreateInput, StoreCreatePayload,
    StoreDaySetInput, StoreDaySetPayload, StoreHoursSetInput, StoreHoursSetPayload, StorePauseInput,
    StorePausePayload, StoreReopenInput, StoreReopenPayload, StoreResumeInput, StoreResumePayload,
    StoreRushModeSetInput, StoreRushModeSetPayload, StoreSendBackInput, StoreSendBackPayload,
    StoreServiceAreaSetInput, StoreServiceAreaSetPayload, StoreSubmitInput, StoreSubmitPayload,
    StoreSuspendInput, StoreSuspendPayload, StoreUpdateInput, StoreUpdatePayload,
};
use super::types::{StoreCategoryObject, StoreObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

fn version(expected: Option<i32>) -> Option<i64> {
    expected.map(i64::from)
}

/// Changes of stores.
#[derive(Debug, Default)]
pub struct StoreMutation;

#[Object]
impl StoreMutation {
    /// Sets up a store as a draft; you become its owner.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn store_create(
        &self,
        ctx: &Context<'_>,
        input: StoreCreateInput,
    ) -> Result<StoreCreatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { store::create(app, actor, input.parse()?).await }.await;
        StoreCreatePayload::answer(ctx, outcome.map(StoreObject::founded))
    }

    /// Changes a store's profile (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_update(
        &self,
        ctx: &Context<'_>,
        input: StoreUpdateInput,
    ) -> Result<StoreUpdatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::update(app, actor, input.store_id.parse()?, input.parse()?).await }.await;
        StoreUpdatePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Replaces the weekly hours (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_hours_set(
        &self,
        ctx: &Context<'_>,
        input: StoreHoursSetInput,
    ) -> Result<StoreHoursSetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::set_hours(
                app,
                actor,
                input.store_id.parse()?,
                input.hours()?,
                version(input.expected_version),
            )
            .await
        }
        .await;
        StoreHoursSetPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Sets other hours for one day, or goes back to the weekly ones (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_day_set(
        &self,
        ctx: &Context<'_>,
        input: StoreDaySetInput,
    ) -> Result<StoreDaySetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::set_day(app, actor, input.store_id.parse()?, parse_date(&input.date)?, input.ranges()?)
                .await
        }
        .await;
        StoreDaySetPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Closes a store for a while, whatever its hours say (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_closure_add(
        &self,
        ctx: &Context<'_>,
        input: StoreClosureAddInput,
    ) -> Result<StoreClosureAddPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::add_closure(app, actor, input.store_id.parse()?, input.closure()).await }.await;
        StoreClosureAddPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Takes a closure back (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_closure_remove(
        &self,
        ctx: &Context<'_>,
        input: StoreClosureRemoveInput,
    ) -> Result<StoreClosureRemovePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::remove_closure(app, actor, input.store_id.parse()?, input.from).await }.await;
        StoreClosureRemovePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Replaces the area a store delivers to (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_service_area_set(
        &self,
        ctx: &Context<'_>,
        input: StoreServiceAreaSetInput,
    ) -> Result<StoreServiceAreaSetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::set_area(
                app,
                actor,
                input.store_id.parse()?,
                input.area()?,
                version(input.expected_version),
            )
            .await
        }
        .await;
        StoreServiceAreaSetPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Asks ops to let a store sell (owner).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_submit(
        &self,
        ctx: &Context<'_>,
        input: StoreSubmitInput,
    ) -> Result<StoreSubmitPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::act(app, actor, input.store_id.parse()?, StoreAction::Submit, None).await }.await;
        StoreSubmitPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Lets a store sell.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_approve(
        &self,
        ctx: &Context<'_>,
        input: StoreApproveInput,
    ) -> Result<StoreApprovePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::act(app, actor, input.store_id.parse()?, StoreAction::Approve, None).await }.await;
        StoreApprovePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Wants something changed before a store may sell.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_send_back(
        &self,
        ctx: &Context<'_>,
        input: StoreSendBackInput,
    ) -> Result<StoreSendBackPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::act(app, actor, input.store_id.parse()?, StoreAction::SendBack, Some(input.reason)).await
        }
        .await;
        StoreSendBackPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Stops a store.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_suspend(
        &self,
        ctx: &Context<'_>,
        input: StoreSuspendInput,
    ) -> Result<StoreSuspendPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::act(app, actor, input.store_id.parse()?, StoreAction::Suspend, Some(input.reason)).await
        }
        .await;
        StoreSuspendPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Lets a suspended store go on.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_reopen(
        &self,
        ctx: &Context<'_>,
        input: StoreReopenInput,
    ) -> Result<StoreReopenPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::act(app, actor, input.store_id.parse()?, StoreAction::Reopen, None).await }.await;
        StoreReopenPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Ends a store for good (owner, ops).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_close(
        &self,
        ctx: &Context<'_>,
        input: StoreCloseInput,
    ) -> Result<StoreClosePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::act(app, actor, input.store_id.parse()?, StoreAction::Close, None).await }.await;
        StoreClosePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Takes no orders for a while.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_pause(
        &self,
        ctx: &Context<'_>,
        input: StorePauseInput,
    ) -> Result<StorePausePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::pause(app, actor, input.store_id.parse()?, input.minutes.into()).await }.await;
        StorePausePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Takes orders again.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_resume(
        &self,
        ctx: &Context<'_>,
        input: StoreResumeInput,
    ) -> Result<StoreResumePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { store::resume(app, actor, input.store_id.parse()?).await }.await;
        StoreResumePayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Prepares slower for a while, or no longer.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn store_rush_mode_set(
        &self,
        ctx: &Context<'_>,
        input: StoreRushModeSetInput,
    ) -> Result<StoreRushModeSetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { store::set_rush(app, actor, input.store_id.parse()?, input.rush()).await }.await;
        StoreRushModeSetPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Sets a store's own commission rate, or goes back to the platform's.
    #[graphql(directive = requires::apply(vec![Role::Finance]))]
    async fn store_commission_set(
        &self,
        ctx: &Context<'_>,
        input: StoreCommissionSetInput,
    ) -> Result<StoreCommissionSetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            store::set_commission(app, actor, input.store_id.parse()?, input.commission_bps.map(i64::from))
                .await
        }
        .await;
        StoreCommissionSetPayload::answer(ctx, outcome.map(StoreObject::from))
    }

    /// Adds a store category.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_category_create(
        &self,
        ctx: &Context<'_>,
        input: StoreCategoryCreateInput,
    ) -> Result<StoreCategoryCreatePayload, ApiError> {
        let outcome = async { category::create(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        StoreCategoryCreatePayload::answer(ctx, outcome.map(StoreCategoryObject))
    }

    /// Changes a store category or moves it, with everything below it.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn store_category_update(
        &self,
        ctx: &Context<'_>,
        input: StoreCategoryUpdateInput,
    ) -> Result<StoreCategoryUpdatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { category::update(app, actor, input.category_id.parse()?, input.parse()?).await }.await;
        StoreCategoryUpdatePayload::answer(ctx, outcome.map(StoreCategoryObject))
    }
}
