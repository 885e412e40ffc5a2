//! The notification and how it is marked read.

use async_graphql::{ID, InputObject, Object};
use daraa_domain::notification::{
    Audience, Marking, Notification, NotificationError, NotificationErrorCode, Priority,
};
use daraa_platform::time::Timestamp;

use crate::graphql::scalars::{BigInt, LocalTextObject};

crate::user_errors!(
    /// What was wrong with a request about notifications.
    NotificationUserError, NotificationError, NotificationErrorCode
);

/// Something a person was told.
#[derive(Debug, Clone)]
pub struct NotificationObject(pub Notification);

/// Something you were told in the app; kept for 90 days.
#[Object(name = "Notification")]
impl NotificationObject {
    /// The id, `ntf_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What happened, e.g. `order.accepted`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// As what you were told: the same event reads differently for a customer and a store.
    async fn audience(&self) -> Audience {
        self.0.audience
    }

    /// How much it matters that it is read soon.
    async fn priority(&self) -> Priority {
        self.0.priority
    }

    /// The headline.
    async fn title(&self) -> LocalTextObject {
        self.0.title.clone().into()
    }

    /// The sentence.
    async fn body(&self) -> LocalTextObject {
        self.0.body.clone().into()
    }

    /// The id of what it is about, e.g. `ord_…`.
    async fn subject_id(&self) -> ID {
        self.0.subject_id.clone().into()
    }

    /// Whether you have marked it read.
    async fn is_read(&self) -> bool {
        self.0.is_read
    }

    /// When you marked it read.
    async fn read_at(&self) -> Option<Timestamp> {
        self.0.read_at
    }

    /// When it was written.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// Marks notifications read: those named, or all of yours.
#[derive(InputObject)]
pub struct NotificationsMarkReadInput {
    /// Which, `ntf_…`; at most 100. Those of others are passed over.
    pub ids: Option<Vec<ID>>,
    /// All of yours; `ids` is not looked at then.
    pub all: Option<bool>,
}

impl NotificationsMarkReadInput {
    pub(super) fn parse(&self) -> Result<Marking, NotificationError> {
        if self.all == Some(true) {
            return Ok(Marking::All);
        }
        let ids = self.ids.as_deref().unwrap_or_default();
        Ok(Marking::These(ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?))
    }
}

crate::payload!(
    /// What `notificationsMarkRead` answers.
    NotificationsMarkReadPayload, NotificationError, {
        /// How many were unread until now; null when there are `userErrors`.
        marked: BigInt
    }
);
