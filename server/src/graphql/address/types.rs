//! The address and its inputs.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use daraa_domain::address::{
    Address, AddressError, AddressErrorCode, AddressLabel, AddressNotes, CreateAddress, UpdateAddress,
};
use daraa_domain::ids::AddressId;
use daraa_domain::store;
use daraa_platform::time::Timestamp;

use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::{BigInt, GeoPoint, PointInput};

crate::user_errors!(
    /// What was wrong with a request about an address.
    AddressUserError, AddressError, AddressErrorCode
);

/// A saved address.
#[derive(Debug, Clone)]
pub struct AddressObject(pub Address);

/// A saved address. Only the person who saved it sees it; an order keeps its own copy.
#[Object(name = "Address")]
impl AddressObject {
    /// The id, `adr_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What the person calls it.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Where it is.
    async fn point(&self) -> GeoPoint {
        self.0.point.into()
    }

    /// How the courier finds the door.
    async fn notes(&self) -> Option<&str> {
        self.0.notes.as_deref()
    }

    /// How many active stores deliver here, counted up to 100; 0 means nobody does yet.
    async fn served_by_count(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        let count = store::count_serving(ctx.app(), self.0.point).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// When it was saved.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }
}

/// Saves an address.
#[derive(InputObject)]
pub struct AddressCreateInput {
    /// What the person calls it, 1 to 60 characters.
    pub label: String,
    /// Where it is.
    pub point: PointInput,
    /// How the courier finds the door, up to 500 characters.
    pub notes: Option<String>,
}

impl AddressCreateInput {
    pub(super) fn parse(&self) -> Result<CreateAddress, AddressError> {
        Ok(CreateAddress {
            label: AddressLabel::parse(&self.label)?,
            point: self.point.parse()?,
            notes: self.notes.as_deref().map_or(Ok(None), AddressNotes::parse)?,
        })
    }
}

crate::payload!(
    /// What `addressCreate` answers.
    AddressCreatePayload, AddressError, {
        /// The saved address; null when there are `userErrors`.
        address: AddressObject
    }
);

/// Changes an address; what is left out stays.
#[derive(InputObject)]
pub struct AddressUpdateInput {
    /// Which, `adr_…`.
    pub address_id: ID,
    /// The new label, 1 to 60 characters.
    pub label: Option<String>,
    /// The new place.
    pub point: Option<PointInput>,
    /// The new notes; null removes them.
    pub notes: MaybeUndefined<String>,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
}

impl AddressUpdateInput {
    pub(super) fn parse(self) -> Result<UpdateAddress, AddressError> {
        Ok(UpdateAddress {
            id: self.address_id.parse::<AddressId>()?,
            label: self.label.as_deref().map(AddressLabel::parse).transpose()?,
            point: self.point.map(PointInput::parse).transpose()?,
            notes: match self.notes {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(text) => Some(AddressNotes::parse(&text)?),
            },
            expected_version: self.expected_version.map(i64::from),
        })
    }
}

crate::payload!(
    /// What `addressUpdate` answers.
    AddressUpdatePayload, AddressError, {
        /// The address as it is now; null when there are `userErrors`.
        address: AddressObject
    }
);

/// Forgets an address.
#[derive(Debug, InputObject)]
pub struct AddressDeleteInput {
    /// Which, `adr_…`.
    pub address_id: ID,
}

impl AddressDeleteInput {
    pub(super) fn parse(&self) -> Result<AddressId, AddressError> {
        Ok(self.address_id.parse()?)
    }
}

crate::payload!(
    /// What `addressDelete` answers.
    AddressDeletePayload, AddressError, {
        /// The forgotten address, `adr_…`; null when there are `userErrors`.
        address_id: ID
    }
);
