//! Changes of menus and stock.

use async_graphql::{Context, Object};
use daraa_domain::catalog::{self, ProductAction, stock};

use super::input::{
    MenuSectionCreateInput, MenuSectionCreatePayload, MenuSectionDeleteInput, MenuSectionDeletePayload,
    MenuSectionUpdateInput, MenuSectionUpdatePayload, ProductArchiveInput, ProductArchivePayload,
    ProductCreateInput, ProductCreatePayload, ProductHideInput, ProductHidePayload, ProductPublishInput,
    ProductPublishPayload, ProductUpdateInput, ProductUpdatePayload, StockAdjustInput, StockAdjustPayload,
    VariantAvailabilitySetInput, VariantAvailabilitySetPayload,
};
use super::types::{MenuSectionObject, ProductObject, StockObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of menus and stock.
#[derive(Debug, Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Adds a section to a menu (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn menu_section_create(
        &self,
        ctx: &Context<'_>,
        input: MenuSectionCreateInput,
    ) -> Result<MenuSectionCreatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { catalog::create_section(app, actor, input.parse()?).await }.await;
        MenuSectionCreatePayload::answer(ctx, outcome.map(MenuSectionObject))
    }

    /// Changes a section of a menu (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn menu_section_update(
        &self,
        ctx: &Context<'_>,
        input: MenuSectionUpdateInput,
    ) -> Result<MenuSectionUpdatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            let id = input.section_id.parse()?;
            let (name, position) = (input.name.map(Into::into), input.position.map(i64::from));
            catalog::update_section(app, actor, id, name, position).await
        }
        .await;
        MenuSectionUpdatePayload::answer(ctx, outcome.map(MenuSectionObject))
    }

    /// Deletes a section that no product is in (manager); move or archive its products first.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn menu_section_delete(
        &self,
        ctx: &Context<'_>,
        input: MenuSectionDeleteInput,
    ) -> Result<MenuSectionDeletePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { catalog::delete_section(app, actor, input.section_id.parse()?).await }.await;
        MenuSectionDeletePayload::answer(ctx, outcome.map(|id| id.to_string().into()))
    }

    /// Adds a product as a draft (manager); `productPublish` puts it on the menu.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        input: ProductCreateInput,
    ) -> Result<ProductCreatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { catalog::create_product(app, actor, input.parse()?).await }.await;
        ProductCreatePayload::answer(ctx, outcome.map(ProductObject::from))
    }

    /// Changes a product (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        input: ProductUpdateInput,
    ) -> Result<ProductUpdatePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { catalog::update_product(app, actor, input.product_id.parse()?, input.parse()?).await }
                .await;
        ProductUpdatePayload::answer(ctx, outcome.map(ProductObject::from))
    }

    /// Puts a product on the menu (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn product_publish(
        &self,
        ctx: &Context<'_>,
        input: ProductPublishInput,
    ) -> Result<ProductPublishPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { catalog::act(app, actor, input.product_id.parse()?, ProductAction::Publish).await }.await;
        ProductPublishPayload::answer(ctx, outcome.map(ProductObject::from))
    }

    /// Takes a product off the menu (manager).
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn product_hide(
        &self,
        ctx: &Context<'_>,
        input: ProductHideInput,
    ) -> Result<ProductHidePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { catalog::act(app, actor, input.product_id.parse()?, ProductAction::Hide).await }.await;
        ProductHidePayload::answer(ctx, outcome.map(ProductObject::from))
    }

    /// Archives a product for good (manager): it cannot be bought, changed or put back on the menu, and is in no list and
    /// no section. Orders keep it.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn product_archive(
        &self,
        ctx: &Context<'_>,
        input: ProductArchiveInput,
    ) -> Result<ProductArchivePayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome =
            async { catalog::act(app, actor, input.product_id.parse()?, ProductAction::Archive).await }.await;
        ProductArchivePayload::answer(ctx, outcome.map(ProductObject::from))
    }

    /// Moves the stock of a variant by hand.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn stock_adjust(
        &self,
        ctx: &Context<'_>,
        input: StockAdjustInput,
    ) -> Result<StockAdjustPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async { stock::adjust(app, actor, input.parse()?).await }.await;
        StockAdjustPayload::answer(ctx, outcome.map(StockObject))
    }

    /// Switches a variant on or off, whatever its stock.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
    async fn variant_availability_set(
        &self,
        ctx: &Context<'_>,
        input: VariantAvailabilitySetInput,
    ) -> Result<VariantAvailabilitySetPayload, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let outcome = async {
            catalog::set_variant_status(app, actor, input.variant_id.parse()?, input.status()).await
        }
        .await;
        VariantAvailabilitySetPayload::answer(ctx, outcome.map(ProductObject::from))
    }
}
