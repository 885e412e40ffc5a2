//! Couriers as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use daraa_domain::courier::{
    Apply, Approve, Courier, CourierError, CourierErrorCode, CourierStatus, GoOnline, Vehicle,
};
use daraa_domain::ledger;
use daraa_platform::money::Money;
use daraa_platform::time::Timestamp;

use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::review::of_courier;
use crate::graphql::scalars::{BigInt, GeoPoint, MoneyObject, PointInput};
use crate::graphql::store::RatingObject;

/// A courier as he sees himself and as ops see him.
#[derive(Debug, Clone)]
pub struct CourierObject(pub Arc<Courier>);

impl From<Courier> for CourierObject {
    fn from(courier: Courier) -> Self {
        Self(Arc::new(courier))
    }
}

/// A courier as he sees himself and as ops see him.
#[Object(name = "Courier")]
impl CourierObject {
    /// The id, `cou_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The account of the person, `acc_…`.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support, Role::Finance]))]
    async fn account_id(&self) -> ID {
        self.0.account_id.to_string().into()
    }

    /// The name that customers and stores see during a delivery.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What he rides.
    async fn vehicle(&self) -> Vehicle {
        self.0.vehicle
    }

    /// How many deliveries he may have at once.
    async fn capacity(&self) -> BigInt {
        BigInt(self.0.capacity)
    }

    /// Where he stands with the platform.
    async fn status(&self) -> CourierStatus {
        self.0.status
    }

    /// Whether he takes offers now.
    async fn online(&self) -> bool {
        self.0.online
    }

    /// End of the shift; null means open end.
    async fn shift_until(&self) -> Option<Timestamp> {
        self.0.shift_until
    }

    /// The last stored position.
    async fn last_point(&self) -> Option<GeoPoint> {
        self.0.point.map(GeoPoint)
    }

    /// When that was.
    async fn seen_at(&self) -> Option<Timestamp> {
        self.0.seen_at
    }

    /// Deliveries he has now.
    async fn active_deliveries(&self) -> BigInt {
        BigInt(self.0.active_deliveries)
    }

    /// How much of the platform's cash he may hold.
    async fn cash_limit(&self) -> MoneyObject {
        self.0.cash_limit.into()
    }

    /// How much of the platform's cash he holds.
    async fn cash_float(&self, ctx: &Context<'_>) -> Result<MoneyObject, ApiError> {
        Ok(ledger::float_of(ctx.app(), self.0.id, self.0.cash_limit.currency).await?.owed.into())
    }

    /// What he has earned and was not paid out yet.
    async fn earnings(&self, ctx: &Context<'_>) -> Result<MoneyObject, ApiError> {
        Ok(ledger::courier_balance(ctx.app(), self.0.id, self.0.cash_limit.currency).await?.into())
    }

    /// How customers rate him.
    async fn rating(&self, ctx: &Context<'_>) -> Result<RatingObject, ApiError> {
        of_courier(ctx, self.0.id).await
    }

    /// When he applied.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Counts changes of his standing.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }
}

/// A courier as the customer and the store of a delivery see him.
#[derive(Debug, Clone)]
pub struct DeliveryCourierObject(pub Arc<Courier>);

/// A courier as the customer and the store of a delivery see him.
#[Object(name = "DeliveryCourier")]
impl DeliveryCourierObject {
    /// The id, `cou_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// His name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What he rides.
    async fn vehicle(&self) -> Vehicle {
        self.0.vehicle
    }

    /// How customers rate him.
    async fn rating(&self, ctx: &Context<'_>) -> Result<RatingObject, ApiError> {
        of_courier(ctx, self.0.id).await
    }
}

/// Applies as a courier.
#[derive(Debug, InputObject)]
pub struct CourierApplyInput {
    /// What you ride.
    pub vehicle: Vehicle,
    /// How many deliveries you can have at once, 1 to 5; 1 when not said.
    pub capacity: Option<i32>,
}

impl CourierApplyInput {
    pub(super) fn parse(self) -> Apply {
        Apply { vehicle: self.vehicle, capacity: self.capacity.map(i64::from) }
    }
}

/// Lets a courier work.
#[derive(Debug, InputObject)]
pub struct CourierApproveInput {
    /// Who.
    pub courier_id: ID,
    /// How much of the platform's cash he may hold, minor units of the platform's currency; the default when not
    /// said.
    pub cash_limit_minor: Option<BigInt>,
}

impl CourierApproveInput {
    pub(super) fn parse(self, currency: daraa_platform::money::Currency) -> Result<Approve, CourierError> {
        Ok(Approve {
            courier_id: self.courier_id.parse()?,
            cash_limit: self.cash_limit_minor.map(|minor| Money::new(minor.0, currency)),
        })
    }
}

/// Stops a courier.
#[derive(Debug, InputObject)]
pub struct CourierSuspendInput {
    /// Who.
    pub courier_id: ID,
}

/// Begins a shift.
#[derive(Debug, InputObject)]
pub struct CourierOnlineInput {
    /// Where you are.
    pub point: PointInput,
    /// When the shift ends, within 24 hours: nothing is picked up after it. Open end when not said.
    pub until: Option<Timestamp>,
}

impl CourierOnlineInput {
    pub(super) fn parse(self) -> Result<GoOnline, CourierError> {
        Ok(GoOnline { point: self.point.parse()?, until: self.until })
    }
}

/// Ends a shift.
#[derive(Debug, InputObject)]
pub struct CourierOfflineInput {
    /// An own mark for the request, written nowhere; an input needs a field.
    pub client_mutation_id: Option<String>,
}

/// A position ping.
#[derive(Debug, InputObject)]
pub struct CourierMoveInput {
    /// Where you are.
    pub point: PointInput,
}

crate::user_errors!(
    /// What was wrong with a request about a courier.
    CourierUserError, CourierError, CourierErrorCode
);

crate::payload!(
    /// What `courierApply` answers.
    CourierApplyPayload, CourierError, {
        /// The application.
        courier: CourierObject
    }
);
crate::payload!(
    /// What `courierApprove` answers.
    CourierApprovePayload, CourierError, {
        /// The courier as he stands now.
        courier: CourierObject
    }
);
crate::payload!(
    /// What `courierSuspend` answers.
    CourierSuspendPayload, CourierError, {
        /// The courier as he stands now.
        courier: CourierObject
    }
);
crate::payload!(
    /// What `courierOnline` answers.
    CourierOnlinePayload, CourierError, {
        /// The courier as he stands now.
        courier: CourierObject
    }
);
crate::payload!(
    /// What `courierOffline` answers.
    CourierOfflinePayload, CourierError, {
        /// The courier as he stands now.
        courier: CourierObject
    }
);
crate::payload!(
    /// What `courierMove` answers.
    CourierMovePayload, CourierError, {
        /// Who moved; the position itself is live and not stored at every ping.
        courier: MovedCourier
    }
);

/// A courier who has told his position: a ping is answered without a look into the database.
#[derive(Debug, async_graphql::SimpleObject)]
pub struct MovedCourier {
    /// The id, `cou_…`.
    pub id: ID,
}
