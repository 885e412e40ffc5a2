//! What a name may be, and who may change roles.

use std::fmt;

use super::error::AccountError;
use super::model::{Account, MAX_MEMBERSHIPS};
use crate::actor::{Actor, StaffOf, StaffRole};
use crate::ids::StoreId;
use crate::text::{Lines, clean_within};

/// The longest name, characters.
pub const MAX_NAME_CHARS: usize = 80;

/// A person's name: 1 to [`MAX_NAME_CHARS`] characters on one line, trimmed.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`AccountError::InvalidName`] when empty, too long, or with characters that cannot be shown.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        clean_within(text, Lines::One, 1..=MAX_NAME_CHARS)
            .map(|name| Self(name.to_owned()))
            .ok_or(AccountError::InvalidName { max: MAX_NAME_CHARS })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    // Personal data never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}

/// Whether the actor may change this person's ops role: admins may, but not their own (the last admin cannot lock
/// everybody out), and the system may, to make the first admin.
pub(super) fn may_grant(actor: &Actor, target: &Account) -> Result<(), AccountError> {
    if actor.is_system() {
        return Ok(());
    }
    if actor.ops(&[])?.account_id == target.id {
        return Err(AccountError::OwnRole);
    }
    Ok(())
}

/// The stores a person works for, after a change in one of them; `None` when nothing changes.
pub(super) fn with_membership(
    account: &Account,
    store_id: StoreId,
    role: Option<StaffRole>,
) -> Result<Option<Vec<StaffOf>>, AccountError> {
    let mut next: Vec<StaffOf> =
        account.memberships.iter().filter(|staff| staff.store_id != store_id).copied().collect();
    next.extend(role.map(|role| StaffOf { store_id, role }));
    next.sort_by_key(|staff| staff.store_id);
    if next.len() > MAX_MEMBERSHIPS {
        return Err(AccountError::TooManyStores { max: MAX_MEMBERSHIPS });
    }
    Ok((next != account.memberships).then_some(next))
}
