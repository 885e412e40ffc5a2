//! Questions about payments.

use async_graphql::{Context, ID, Object};
use daraa_domain::payment::{self, PaymentError};

use super::types::PaymentObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::{ApiError, found};

/// Questions about payments.
#[derive(Debug, Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// A payment of yours (ops: any); null when there is none.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment, `pay_…`.")] id: ID,
    ) -> Result<Option<PaymentObject>, ApiError> {
        let id = id.parse().map_err(PaymentError::from)?;
        found(payment::get(ctx.app(), ctx.actor(), id).await.map(PaymentObject::from))
    }
}
