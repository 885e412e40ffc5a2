//! Staff, invitations and their inputs.

use async_graphql::{Context, ID, InputObject, Object};
use daraa_domain::account::Phone;
use daraa_domain::actor::StaffRole;
use daraa_domain::store::StoreError;
use daraa_domain::store::staff::{Invitation, InvitationStatus, InviteStaff, StaffPerson};
use daraa_platform::time::Timestamp;

use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::LocalTextObject;
use crate::graphql::store::StoreLoader;

/// A person who works for a store.
#[derive(Debug, Clone)]
pub struct StaffObject(pub StaffPerson);

/// A person who works for a store.
#[Object(name = "StoreStaff")]
impl StaffObject {
    /// Whose account, `acc_…`.
    async fn account_id(&self) -> ID {
        self.0.member.account_id.to_string().into()
    }

    /// What they are called; empty until they say.
    async fn name(&self) -> &str {
        self.0.account.as_ref().map_or("", |account| account.name.as_str())
    }

    /// Their rank.
    async fn role(&self) -> StaffRole {
        self.0.member.role
    }

    /// Since when.
    async fn since(&self) -> Timestamp {
        self.0.member.since
    }
}

/// A wish that the person behind a number works for a store.
#[derive(Debug, Clone)]
pub struct InvitationObject(pub Invitation);

/// A wish that the person behind a number works for a store. Its owners and the person invited see it.
#[Object(name = "StoreInvitation")]
impl InvitationObject {
    /// The id, `inv_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The store, `sto_…`.
    async fn store_id(&self) -> ID {
        self.0.store_id.to_string().into()
    }

    /// The store's name.
    async fn store_name(&self, ctx: &Context<'_>) -> Result<Option<LocalTextObject>, ApiError> {
        let store = ctx.loader::<StoreLoader, _>().load_one(self.0.store_id).await?;
        Ok(store.map(|store| store.name.clone().into()))
    }

    /// Whose number, E.164.
    async fn phone(&self) -> &str {
        self.0.phone.as_str()
    }

    /// The rank offered.
    async fn role(&self) -> StaffRole {
        self.0.role
    }

    /// What became of it.
    async fn status(&self) -> InvitationStatus {
        self.0.status
    }

    /// When it was written.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Open until then.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }
}

/// Invites somebody to work for a store.
#[derive(Debug, InputObject)]
pub struct StoreStaffInviteInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// Whose number; they need no account yet.
    pub phone: String,
    /// The rank offered.
    pub role: StaffRole,
}

impl StoreStaffInviteInput {
    pub(super) fn parse(&self) -> Result<InviteStaff, StoreError> {
        Ok(InviteStaff {
            store_id: self.store_id.parse()?,
            phone: Phone::parse(&self.phone)?,
            role: self.role,
        })
    }
}

/// Takes an invitation.
#[derive(Debug, InputObject)]
pub struct StoreInvitationAcceptInput {
    /// Which, `inv_…`.
    pub invitation_id: ID,
}

/// Takes an invitation back.
#[derive(Debug, InputObject)]
pub struct StoreInvitationRevokeInput {
    /// Which, `inv_…`.
    pub invitation_id: ID,
}

/// Ends somebody's work for a store.
#[derive(Debug, InputObject)]
pub struct StoreStaffRemoveInput {
    /// Which store, `sto_…`.
    pub store_id: ID,
    /// Whose, `acc_…`.
    pub account_id: ID,
}

crate::payload!(
    /// What `storeStaffInvite` answers.
    StoreStaffInvitePayload, StoreError, {
        /// The invitation; null when there are `userErrors`.
        invitation: InvitationObject
    }
);

crate::payload!(
    /// What `storeInvitationAccept` answers.
    StoreInvitationAcceptPayload, StoreError, {
        /// The invitation as it is now; null when there are `userErrors`.
        invitation: InvitationObject
    }
);

crate::payload!(
    /// What `storeInvitationRevoke` answers.
    StoreInvitationRevokePayload, StoreError, {
        /// The invitation as it is now; null when there are `userErrors`.
        invitation: InvitationObject
    }
);

crate::payload!(
    /// What `storeStaffRemove` answers.
    StoreStaffRemovePayload, StoreError, {
        /// Who no longer works there, `acc_…`; null when there are `userErrors`.
        account_id: ID
    }
);
