//! The roots of the schema: one line a room.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::{MergedObject, MergedSubscription, Object, Schema, SchemaBuilder, Subscription};
use daraa_domain::app::App;
use daraa_platform::time::Timestamp;
use futures_util::Stream;

use super::access::{Role, requires};
use super::account::{AccountMutation, AccountQuery};
use super::address::{AddressMutation, AddressQuery};
use super::audit::AuditQuery;
use super::cart::{CartMutation, CartQuery};
use super::catalog::{CatalogMutation, CatalogQuery, ProductLoader, StockLoader};
use super::check::CheckQuery;
use super::context::Ctx as _;
use super::courier::{CourierLoader, CourierMutation, CourierQuery};
use super::delivery::{DeliveryMutation, DeliveryQuery, DeliverySubscription, OrderDeliveryLoader};
use super::feed::{FeedSubscription, Hub};
use super::job::{JobMutation, JobQuery};
use super::node::NodeQuery;
use super::notification::{NotificationMutation, NotificationQuery};
use super::order::{GroupOrdersLoader, OrderLoader, OrderMutation, OrderQuery, OrderRefundsLoader};
use super::payment::{GroupPaymentLoader, PaymentMutation, PaymentQuery};
use super::pricing::{PricingMutation, PricingQuery};
use super::promotion::{PromotionMutation, PromotionQuery};
use super::review::{CourierRatingLoader, OrderReviewLoader, ReviewMutation, ReviewQuery};
use super::search::SearchRoot;
use super::session::{SessionMutation, SessionQuery};
use super::settings::{SettingsMutation, SettingsQuery};
use super::store::staff::{StaffMutation, StaffQuery};
use super::store::{CategoryLoader, StoreLoader, StoreMutation, StoreQuery};
use super::wallet::{WalletMutation, WalletQuery};

/// All queries.
#[derive(MergedObject, Default)]
pub struct Query(
    AccountQuery,
    AddressQuery,
    AuditQuery,
    CartQuery,
    CheckQuery,
    CatalogQuery,
    CourierQuery,
    DeliveryQuery,
    JobQuery,
    NotificationQuery,
    NodeQuery,
    OrderQuery,
    PaymentQuery,
    PricingQuery,
    PromotionQuery,
    ReviewQuery,
    SearchRoot,
    ServiceQuery,
    SessionQuery,
    SettingsQuery,
    StaffQuery,
    StoreQuery,
    WalletQuery,
);

/// All mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    AccountMutation,
    AddressMutation,
    CartMutation,
    CatalogMutation,
    CourierMutation,
    DeliveryMutation,
    JobMutation,
    NotificationMutation,
    OrderMutation,
    PaymentMutation,
    PricingMutation,
    PromotionMutation,
    ReviewMutation,
    ServiceMutation,
    SessionMutation,
    SettingsMutation,
    StaffMutation,
    StoreMutation,
    WalletMutation,
);

/// All subscriptions.
#[derive(MergedSubscription, Default)]
#[graphql(name = "Subscription")]
#[rustfmt::skip]
pub struct SubscriptionRoot(
    DeliverySubscription,
    FeedSubscription,
    ServiceSubscription,
);

/// The whole schema.
pub type ApiSchema = Schema<Query, Mutation, SubscriptionRoot>;

/// Loaders are shared by all requests: they load by id only and never decide who may see what.
fn with_loaders<Q, M, S>(builder: SchemaBuilder<Q, M, S>, app: &Arc<App>) -> SchemaBuilder<Q, M, S> {
    builder
        .data(loader(OrderRefundsLoader(Arc::clone(app))))
        .data(loader(OrderLoader(Arc::clone(app))))
        .data(loader(GroupOrdersLoader(Arc::clone(app))))
        .data(loader(CategoryLoader(Arc::clone(app))))
        .data(loader(CourierLoader(Arc::clone(app))))
        .data(loader(GroupPaymentLoader(Arc::clone(app))))
        .data(loader(CourierRatingLoader(Arc::clone(app))))
        .data(loader(OrderDeliveryLoader(Arc::clone(app))))
        .data(loader(OrderReviewLoader(Arc::clone(app))))
        .data(loader(ProductLoader(Arc::clone(app))))
        .data(loader(StockLoader(Arc::clone(app))))
        .data(loader(StoreLoader(Arc::clone(app))))
}

/// How long a batch waits for company: long enough for all rows of a list to ask, short beside a query.
const BATCH_WAIT: Duration = Duration::from_micros(200);

/// A loader that batches what one moment asks for and keeps nothing.
#[expect(clippy::disallowed_methods, reason = "a batch lives no longer than the request that waits for it")]
fn loader<L>(of: L) -> DataLoader<L> {
    DataLoader::new(of, tokio::spawn).delay(BATCH_WAIT)
}

/// About the service itself.
#[derive(Debug, Default)]
pub struct ServiceQuery;

#[Object]
impl ServiceQuery {
    /// The time the service goes by.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn server_time(&self, ctx: &async_graphql::Context<'_>) -> Timestamp {
        ctx.app().clock.now()
    }
}

/// Asks nothing and changes nothing.
#[derive(Debug, Default)]
pub struct ServiceMutation;

#[Object]
impl ServiceMutation {
    /// Changes nothing; answers the time. For clients that test their way through proxies.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn ping(&self, ctx: &async_graphql::Context<'_>) -> Timestamp {
        ctx.app().clock.now()
    }
}

/// How often [`ServiceSubscription`] ticks.
const TICK: Duration = Duration::from_secs(10);

/// About the connection itself.
#[derive(Debug, Default)]
pub struct ServiceSubscription;

#[Subscription]
impl ServiceSubscription {
    /// The time the service goes by, at once and then every 10 seconds: shows that the connection lives.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn ticks(&self, ctx: &async_graphql::Context<'_>) -> impl Stream<Item = Timestamp> {
        let app = ctx.app_arc();
        futures_util::stream::unfold(Duration::ZERO, move |wait| {
            let app = Arc::clone(&app);
            async move {
                tokio::time::sleep(wait).await;
                Some((app.clock.now(), TICK))
            }
        })
    }
}

fn builder() -> SchemaBuilder<Query, Mutation, SubscriptionRoot> {
    // Depth, complexity and the rest are judged by our own gate; async-graphql's recursion limit stays as a
    // second wall.
    Schema::build(Query::default(), Mutation::default(), SubscriptionRoot::default()).disable_suggestions()
}

/// The schema, ready to serve.
#[must_use]
pub fn schema(app: Arc<App>, hub: Arc<Hub>, introspection: bool) -> ApiSchema {
    let builder = with_loaders(builder(), &app).data(app).data(hub);
    if introspection { builder } else { builder.disable_introspection() }.finish()
}

/// The schema as text, sorted, as it is committed in `server/schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .prefer_single_line_descriptions();
    builder().finish().sdl_with_options(options)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rules_are_printed() {
        assert!(super::sdl().contains("serverTime: DateTime! @requires(any: [PUBLIC])"), "{}", super::sdl());
    }
}
