//! Inputs and answers of the delivery mutations.

use async_graphql::{ID, InputObject};
use daraa_domain::delivery::offer::DeclineReason;
use daraa_domain::delivery::{Complete, DeliveryError, DeliveryErrorCode, FailureReason, PickUp};
use daraa_domain::place::Point;

use super::types::{DeliveryObject, OfferObject};
use crate::graphql::scalars::{BigInt, PointInput};

/// Takes an offer.
#[derive(Debug, InputObject)]
pub struct OfferAcceptInput {
    /// Which offer.
    pub offer_id: ID,
}

/// Declines an offer.
#[derive(Debug, InputObject)]
pub struct OfferDeclineInput {
    /// Which offer.
    pub offer_id: ID,
    /// Why.
    pub reason: DeclineReason,
}

/// Sets off: to the store, or with the goods to the customer.
#[derive(Debug, InputObject)]
pub struct DeliveryDepartInput {
    /// Which delivery.
    pub delivery_id: ID,
}

/// Tries the door again.
#[derive(Debug, InputObject)]
pub struct DeliveryRetryInput {
    /// Which delivery.
    pub delivery_id: ID,
}

/// Brings it back to the store.
#[derive(Debug, InputObject)]
pub struct DeliveryReturnInput {
    /// Which delivery.
    pub delivery_id: ID,
}

/// Says it is back in the store.
#[derive(Debug, InputObject)]
pub struct DeliveryReturnedInput {
    /// Which delivery.
    pub delivery_id: ID,
}

/// Says it is lost.
#[derive(Debug, InputObject)]
pub struct DeliveryLoseInput {
    /// Which delivery.
    pub delivery_id: ID,
}

/// Arrives: in the store, or at the door.
#[derive(Debug, InputObject)]
pub struct DeliveryArriveInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// Where you are; your last position when not said.
    pub point: Option<PointInput>,
}

impl DeliveryArriveInput {
    pub(super) fn point(&self) -> Result<Option<Point>, DeliveryError> {
        Ok(self.point.map(PointInput::parse).transpose()?)
    }
}

/// Takes the goods from the store.
#[derive(Debug, InputObject)]
pub struct DeliveryPickUpInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// Which of its orders; checked when said.
    pub order_id: Option<ID>,
    /// The four digits the store shows.
    pub store_code: String,
}

impl DeliveryPickUpInput {
    pub(super) fn parse(self) -> Result<PickUp, DeliveryError> {
        Ok(PickUp {
            delivery_id: self.delivery_id.parse()?,
            order_id: self.order_id.map(|id| id.parse()).transpose()?,
            store_code: self.store_code,
        })
    }
}

/// Hands it to the customer.
#[derive(Debug, InputObject)]
pub struct DeliveryCompleteInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// The four digits the customer tells.
    pub pin: String,
    /// The cash you took, minor units; exactly what is due when not said.
    pub cash_collected_minor: Option<BigInt>,
}

impl DeliveryCompleteInput {
    pub(super) fn parse(self) -> Result<Complete, DeliveryError> {
        Ok(Complete {
            delivery_id: self.delivery_id.parse()?,
            pin: self.pin,
            cash_collected_minor: self.cash_collected_minor.map(|minor| minor.0),
        })
    }
}

/// Gives up at the door.
#[derive(Debug, InputObject)]
pub struct DeliveryFailInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// Why.
    pub reason: FailureReason,
}

/// Gives it to a courier by hand.
#[derive(Debug, InputObject)]
pub struct DeliveryAssignInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// To whom; need not be online.
    pub courier_id: ID,
}

/// Takes it away from its courier before pickup.
#[derive(Debug, InputObject)]
pub struct DeliveryUnassignInput {
    /// Which delivery.
    pub delivery_id: ID,
    /// Why, at most 200 characters.
    pub reason: String,
}

crate::user_errors!(
    /// What was wrong with a request about a delivery or an offer.
    DeliveryUserError, DeliveryError, DeliveryErrorCode,
    extras {
        /// How many tries at the code are left before a pause.
        tries_left: i32 = |e: &DeliveryError| match e {
            DeliveryError::WrongPin { tries_left } | DeliveryError::WrongStoreCode { tries_left } => i32::try_from(*tries_left).ok(),
            _ => None,
        },
        /// How far from the stop you are, metres.
        distance_m: i32 = |e: &DeliveryError| match e {
            DeliveryError::TooFarAway { distance_m } => i32::try_from(*distance_m).ok(),
            _ => None,
        },
    }
);

crate::payload!(
    /// What `offerAccept` answers.
    OfferAcceptPayload, DeliveryError, {
        /// The delivery that is yours now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `offerDecline` answers.
    OfferDeclinePayload, DeliveryError, {
        /// The offer as it stands now.
        offer: OfferObject
    }
);
crate::payload!(
    /// What `deliveryDepart` answers.
    DeliveryDepartPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryArrive` answers.
    DeliveryArrivePayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryPickUp` answers.
    DeliveryPickUpPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryComplete` answers.
    DeliveryCompletePayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryFail` answers.
    DeliveryFailPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryRetry` answers.
    DeliveryRetryPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryReturn` answers.
    DeliveryReturnPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryReturned` answers.
    DeliveryReturnedPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryLose` answers.
    DeliveryLosePayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryAssign` answers.
    DeliveryAssignPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
crate::payload!(
    /// What `deliveryUnassign` answers.
    DeliveryUnassignPayload, DeliveryError, {
        /// The delivery as it stands now.
        delivery: DeliveryObject
    }
);
