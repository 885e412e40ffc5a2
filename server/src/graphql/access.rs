//! Who may ask for a field at all. Each rule is stated once, as a directive that is printed in the schema;
//! what is printed is what is enforced, for the gate reads the rules from the schema itself.

use async_graphql::{Enum, TypeDirective};
use daraa_domain::actor::{Actor, OpsRole, Person};

/// A role a caller may have. Admins may do whatever another ops role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
pub enum Role {
    /// Anybody, signed in or not.
    Public,
    /// Anybody who is signed in.
    Customer,
    /// Who works for a store; for which one, and in which rank, the field's room decides.
    Staff,
    /// An approved courier.
    Courier,
    /// Ops: helps customers, stores and couriers.
    Support,
    /// Ops: money.
    Finance,
    /// Ops: stores, couriers, dispatch, jobs.
    Operations,
    /// Ops: everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Public,
        Self::Customer,
        Self::Staff,
        Self::Courier,
        Self::Support,
        Self::Finance,
        Self::Operations,
        Self::Admin,
    ];

    /// As the schema prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Customer => "CUSTOMER",
            Self::Staff => "STAFF",
            Self::Courier => "COURIER",
            Self::Support => "SUPPORT",
            Self::Finance => "FINANCE",
            Self::Operations => "OPERATIONS",
            Self::Admin => "ADMIN",
        }
    }

    /// Whether `actor` has this role.
    #[must_use]
    pub fn held_by(self, actor: &Actor) -> bool {
        let Actor::Person(Person { ops, courier_id, staff, .. }) = actor else {
            return self == Self::Public;
        };
        let ops_is = |role: OpsRole| *ops == Some(role) || *ops == Some(OpsRole::Admin);
        match self {
            Self::Public | Self::Customer => true,
            Self::Staff => !staff.is_empty(),
            Self::Courier => courier_id.is_some(),
            Self::Support => ops_is(OpsRole::Support),
            Self::Finance => ops_is(OpsRole::Finance),
            Self::Operations => ops_is(OpsRole::Operations),
            Self::Admin => *ops == Some(OpsRole::Admin),
        }
    }
}

pub use directive::requires;

mod directive {
    #![expect(missing_docs, reason = "the macro makes an item without passing the comment on")]

    use super::{Role, TypeDirective};

    /// Who may ask for this field: anybody with at least one of these roles.
    #[TypeDirective(location = "FieldDefinition")]
    pub fn requires(any: Vec<Role>) {}
}
