//! Who works for a store: memberships and invitations by phone number.
//!
//! Calls: account, audit, outbox. Called by: store.

mod event;
mod model;
mod service;
mod store;

pub use event::{INVITED, JOINED, REMOVED};
pub use model::{
    INDEXES, INVITATION_INDEXES, Invitation, InvitationStatus, MAX_OPEN_INVITATIONS, MAX_STAFF, StaffMember,
    StaffPerson,
};
pub(super) use service::join_in_tx;
pub use service::{InviteStaff, accept, invitations, invite, list, my_invitations, remove, revoke};
