//! The live position of a delivery's courier.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Subscription};
use daraa_domain::actor::Actor;
use daraa_domain::app::App;
use daraa_domain::courier::Position;
use daraa_domain::delivery::{self, DeliveryError};
use daraa_domain::ids::DeliveryId;
use futures_util::{Stream, stream};

use super::types::PositionObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// How often the position is looked up: couriers tell it about every four seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Live positions.
#[derive(Debug, Default)]
pub struct DeliverySubscription;

#[Subscription]
impl DeliverySubscription {
    /// Where the courier is, now and whenever he has moved; ends when the delivery is over or changes hands.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn delivery_position(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `dlv_…`.")] delivery_id: ID,
    ) -> Result<impl Stream<Item = PositionObject>, ApiError> {
        let id = delivery_id.parse().map_err(DeliveryError::from)?;
        delivery::get_for(ctx.app(), ctx.actor(), id).await?;
        let watch =
            Watch { app: ctx.app_arc(), actor: ctx.actor().clone(), id, last: None, wait: Duration::ZERO };
        Ok(stream::unfold(watch, |mut watch| async move { watch.next().await.map(|next| (next, watch)) }))
    }
}

/// A viewer of one delivery's courier.
struct Watch {
    app: Arc<App>,
    actor: Actor,
    id: DeliveryId,
    last: Option<Position>,
    wait: Duration,
}

impl Watch {
    /// The next position that differs; `None` when there is nothing to see any more.
    async fn next(&mut self) -> Option<PositionObject> {
        loop {
            tokio::time::sleep(self.wait).await;
            self.wait = LOOK_EVERY;
            // The delivery itself is asked every time: who is no party any more sees nothing more.
            let delivery = delivery::get_for(&self.app, &self.actor, self.id).await.ok()?;
            if delivery.status.is_final() {
                return None;
            }
            let seen = delivery::position_for(&self.app, &self.actor, &delivery).await.ok()?;
            if seen.is_some() && seen != self.last {
                self.last = seen;
                return seen.map(PositionObject::from);
            }
        }
    }
}
