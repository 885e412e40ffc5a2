//! The entry and its filter.

use async_graphql::{ID, InputObject, Object};
use daraa_domain::audit::{AuditEntry, AuditFilter};
use daraa_platform::time::Timestamp;

/// A recorded act.
#[derive(Debug, Clone)]
pub struct AuditEntryObject(pub AuditEntry);

/// A recorded privileged act.
#[Object(name = "AuditEntry")]
impl AuditEntryObject {
    /// The id, `aud_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Who: `acc_…`, `system:<name>` or `provider:<name>`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What, as `room.verb`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What was acted on: a prefixed id, or a name.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What a reader needs to understand the act, a JSON object as text.
    async fn details(&self) -> String {
        self.0.details_json()
    }
}

/// Which acts to list; what is left out is any.
#[derive(Debug, Default, InputObject)]
pub struct AuditLogFilter {
    /// Who: `acc_…`, `system:<name>` or `provider:<name>`.
    pub actor: Option<String>,
    /// What, as `room.verb`.
    pub action: Option<String>,
    /// What was acted on.
    pub subject: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

impl From<AuditLogFilter> for AuditFilter {
    fn from(filter: AuditLogFilter) -> Self {
        let AuditLogFilter { actor, action, subject, from, to } = filter;
        Self { actor, action, subject, from, to }
    }
}
