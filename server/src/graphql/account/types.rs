//! The account and its inputs.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use daraa_domain::account::{
    Account, AccountError, AccountErrorCode, GrantOpsRole, PersonName, Phone, UpdateAccount,
};
use daraa_domain::actor::{OpsRole, StaffRole};
use daraa_platform::fault::Lang;
use daraa_platform::time::Timestamp;

crate::user_errors!(
    /// What was wrong with a request about an account.
    AccountUserError, AccountError, AccountErrorCode
);

/// A person. Only they themselves and admins see it.
#[derive(Debug, Clone)]
pub struct AccountObject(pub Arc<Account>);

impl From<Account> for AccountObject {
    fn from(account: Account) -> Self {
        Self(Arc::new(account))
    }
}

/// A person with all their roles. Only they themselves and admins see it.
#[Object(name = "Account")]
impl AccountObject {
    /// The id, `acc_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What they sign in with, E.164.
    async fn phone(&self) -> &str {
        self.0.phone.as_str()
    }

    /// What others call them; empty until they say.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The language of messages to them.
    async fn lang(&self) -> Lang {
        self.0.lang
    }

    /// Their role among ops people; null for everybody else.
    async fn ops_role(&self) -> Option<OpsRole> {
        self.0.ops
    }

    /// The approved courier they are, `cou_…`; null for everybody else.
    async fn courier_id(&self) -> Option<ID> {
        self.0.courier_id.map(|id| id.to_string().into())
    }

    /// The stores they work for, at most 100.
    async fn memberships(&self) -> Vec<Membership> {
        let of = |staff: &daraa_domain::actor::StaffOf| Membership {
            store_id: staff.store_id.to_string().into(),
            role: staff.role,
        };
        self.0.memberships.iter().map(of).collect()
    }

    /// When the account was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// A person's place in a store.
#[derive(Debug, SimpleObject)]
pub struct Membership {
    /// The store, `sto_…`.
    pub store_id: ID,
    /// The rank there.
    pub role: StaffRole,
}

/// Changes one's own account; what is left out stays.
#[derive(Debug, InputObject)]
pub struct AccountUpdateInput {
    /// The new name, 1 to 80 characters.
    pub name: Option<String>,
    /// The new language of messages.
    pub lang: Option<Lang>,
}

impl AccountUpdateInput {
    pub(super) fn parse(self) -> Result<UpdateAccount, AccountError> {
        let name = self.name.as_deref().map(PersonName::parse).transpose()?;
        Ok(UpdateAccount { name, lang: self.lang })
    }
}

crate::payload!(
    /// What `accountUpdate` answers.
    AccountUpdatePayload, AccountError, {
        /// The account as it is now; null when there are `userErrors`.
        account: AccountObject
    }
);

/// Gives or takes an ops role.
#[derive(Debug, InputObject)]
pub struct OpsRoleGrantInput {
    /// Whose: the phone of an existing account.
    pub phone: String,
    /// The new role.
    pub role: OpsRoleChange,
}

/// An ops role to be given, or `NONE` to take the role away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OpsRoleChange {
    /// No ops role any more.
    None,
    /// Helps customers, stores and couriers.
    Support,
    /// Money: refunds, settlements, payouts.
    Finance,
    /// Stores, couriers, dispatch, jobs.
    Operations,
    /// Everything, roles and settings included.
    Admin,
}

impl OpsRoleGrantInput {
    pub(super) fn parse(&self) -> Result<GrantOpsRole, AccountError> {
        let role = match self.role {
            OpsRoleChange::None => None,
            OpsRoleChange::Support => Some(OpsRole::Support),
            OpsRoleChange::Finance => Some(OpsRole::Finance),
            OpsRoleChange::Operations => Some(OpsRole::Operations),
            OpsRoleChange::Admin => Some(OpsRole::Admin),
        };
        Ok(GrantOpsRole { phone: Phone::parse(&self.phone)?, role })
    }
}

crate::payload!(
    /// What `opsRoleGrant` answers.
    OpsRoleGrantPayload, AccountError, {
        /// The account as it is now; null when there are `userErrors`.
        account: AccountObject
    }
);
