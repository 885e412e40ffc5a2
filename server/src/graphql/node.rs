//! `node(id:)`: any object by its id alone. The room of the prefix decides whether the caller may see it.

use async_graphql::{Context, ID, Interface, Object};
use daraa_domain::ids::{DeliveryId, OrderGroupId, OrderId, PaymentId, ProductId, QuoteId, StoreId};
use daraa_domain::{catalog, delivery, order, payment, pricing, store};
use daraa_platform::ids::TypedId;

use super::access::{Role, requires};
use super::catalog::ProductObject;
use super::context::Ctx as _;
use super::delivery::DeliveryObject;
use super::error::{ApiError, found};
use super::order::{OrderGroupObject, OrderObject};
use super::payment::PaymentObject;
use super::pricing::QuoteObject;
use super::store::StoreObject;

/// An object with an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, with the prefix of its kind."))]
pub enum Node {
    /// How an order is brought.
    Delivery(DeliveryObject),
    /// A store's part of a purchase.
    Order(OrderObject),
    /// A purchase.
    OrderGroup(OrderGroupObject),
    /// A payment.
    Payment(PaymentObject),
    /// A product.
    Product(ProductObject),
    /// A priced promise.
    Quote(QuoteObject),
    /// A store.
    Store(StoreObject),
}

/// Objects by id.
#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none, it is not for you to see, or its kind is no `Node`.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Any prefixed id.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        let (app, actor) = (ctx.app(), ctx.actor());
        Ok(match id.split_once('_').map_or("", |(prefix, _)| prefix) {
            DeliveryId::PREFIX => found(delivery::get_for(app, actor, id.parse::<DeliveryId>()?).await)?
                .map(|row| DeliveryObject::from(row).into()),
            OrderId::PREFIX => found(order::get_for(app, actor, id.parse::<OrderId>()?).await)?
                .map(|row| OrderObject::from(row).into()),
            OrderGroupId::PREFIX => found(order::group_for(app, actor, id.parse::<OrderGroupId>()?).await)?
                .map(|row| OrderGroupObject::from(row).into()),
            PaymentId::PREFIX => found(payment::get(app, actor, id.parse::<PaymentId>()?).await)?
                .map(|row| PaymentObject::from(row).into()),
            ProductId::PREFIX => found(catalog::view(app, actor, id.parse::<ProductId>()?).await)?
                .map(|row| ProductObject::from(row).into()),
            QuoteId::PREFIX => found(pricing::get_for(app, actor, id.parse::<QuoteId>()?).await)?
                .map(|row| QuoteObject::from(row).into()),
            StoreId::PREFIX => found(store::view(app, actor, id.parse::<StoreId>()?).await)?
                .map(|row| StoreObject::from(row).into()),
            // Of another kind, or no id at all: nothing that can be asked for by its id alone.
            _ => None,
        })
    }
}
