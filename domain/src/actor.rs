//! Who acts: every use case is told, and asks it for the right it needs.

use daraa_platform::fault::Denial;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId, SessionId, StoreId};

/// What an ops person may do. `Admin` may do everything the others may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OpsRole {
    /// Helps customers, stores and couriers.
    Support,
    /// Money: refunds, settlements, payouts.
    Finance,
    /// Stores, couriers, dispatch, jobs.
    Operations,
    /// Everything, roles and settings included.
    Admin,
}

/// What a person may do in a store. The order is the rank: an owner may do whatever a manager may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StaffRole {
    /// Works the order queue and the stock.
    Staff,
    /// Also changes catalogue, hours and prices.
    Manager,
    /// Also invites staff and sees the money.
    Owner,
}

/// A person's place in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaffOf {
    /// The store.
    pub store_id: StoreId,
    /// The rank there.
    pub role: StaffRole,
}

/// A signed-in person with all their roles. Everybody signed in is a customer, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The account.
    pub account_id: AccountId,
    /// The device session the request came with.
    pub session_id: SessionId,
    /// The role among ops people.
    pub ops: Option<OpsRole>,
    /// The approved courier this person is.
    pub courier_id: Option<CourierId>,
    /// The stores this person works for.
    pub staff: Vec<StaffOf>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody we know.
    Anonymous,
    /// Somebody signed in.
    Person(Person),
    /// The system itself: a job or a reaction, by name.
    System(&'static str),
    /// A payment provider, by name.
    Provider(&'static str),
}

impl Actor {
    /// The signed-in person.
    ///
    /// # Errors
    /// [`Denial::Unauthenticated`] for anybody else.
    pub fn person(&self) -> Result<&Person, Denial> {
        match self {
            Self::Person(person) => Ok(person),
            _ => Err(Denial::Unauthenticated),
        }
    }

    /// An ops person with one of the roles (admins always pass).
    ///
    /// # Errors
    /// Not signed in, or without the role.
    pub fn ops(&self, any: &[OpsRole]) -> Result<&Person, Denial> {
        let person = self.person()?;
        match person.ops {
            Some(role) if role == OpsRole::Admin || any.contains(&role) => Ok(person),
            _ => Err(Denial::Forbidden),
        }
    }

    /// Whether an ops person of any role asks.
    #[must_use]
    pub fn is_ops(&self) -> bool {
        matches!(self, Self::Person(Person { ops: Some(_), .. }))
    }

    /// Whether the system itself acts.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self, Self::System(_))
    }

    /// The approved courier who asks.
    ///
    /// # Errors
    /// Not signed in, or no courier.
    pub fn courier(&self) -> Result<CourierId, Denial> {
        self.person()?.courier_id.ok_or(Denial::Forbidden)
    }

    /// The rank of the person in a store; `None` when they do not work there. Rooms answer "not found" then,
    /// never "forbidden".
    #[must_use]
    pub fn rank_in(&self, store_id: StoreId) -> Option<StaffRole> {
        match self {
            Self::Person(person) => person.staff.iter().find(|s| s.store_id == store_id).map(|s| s.role),
            _ => None,
        }
    }

    /// Who it was, for histories and the audit log: `acc_…`, `system:expire-unpaid`, `provider:card`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Person(person) => person.account_id.to_string(),
            Self::System(name) => format!("system:{name}"),
            Self::Provider(name) => format!("provider:{name}"),
        }
    }
}
