//! The card payment provider: authorise, capture, void, refund, look up, and its signed webhooks.
//!
//! Every call carries our own `reference`, the provider's idempotency key: sending the same request again is
//! always safe. An answer that was lost is [`PayOutcome::Unknown`] and never guessed; it is resolved by
//! [`CardProvider::lookup`] or by sending the same request again.

mod http;
mod webhook;

pub use http::{HttpPay, PAY_CALL_DEADLINE, PayConfig};
pub use webhook::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WEBHOOK_TOLERANCE, WebhookError, sign};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};

/// A request to reserve an amount on a card.
#[derive(Debug, Clone)]
pub struct AuthoriseRequest {
    /// Our idempotency key for this request.
    pub reference: String,
    /// The provider's token for the card; card numbers never reach us.
    pub token: String,
    /// How much to reserve.
    pub amount: Money,
    /// What the customer reads on the bank's page, e.g. the order group's number.
    pub description: String,
}

/// A request that changes a payment the provider knows: capture, void or refund.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Our idempotency key for this request.
    pub reference: String,
    /// The provider's id of the payment.
    pub provider_id: String,
    /// How much of it; a part is allowed.
    pub amount: Money,
}

/// Where a payment stands at the provider. The amounts beside it decide; the state is their summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// The customer has to confirm on the bank's page.
    RequiresAction,
    /// Reserved, nothing taken.
    Authorised,
    /// Some of it taken.
    PartiallyCaptured,
    /// All that was not released is taken.
    Captured,
    /// All released.
    Voided,
    /// Some of what was taken has gone back.
    PartiallyRefunded,
    /// All that was taken has gone back.
    Refunded,
    /// The bank said no.
    Declined,
}

/// A payment as the provider's books show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderPayment {
    /// The provider's id.
    pub id: String,
    /// The reference of the authorisation.
    pub reference: String,
    /// Summary of the amounts.
    pub state: ProviderState,
    /// Counts the changes of this payment; a higher version is newer, whatever order news arrives in.
    pub version: i64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Reserved in the beginning.
    pub authorised_minor: i64,
    /// Taken so far.
    pub captured_minor: i64,
    /// Released so far.
    pub voided_minor: i64,
    /// Gone back so far.
    pub refunded_minor: i64,
    /// Where the customer confirms, while the state is [`ProviderState::RequiresAction`].
    pub action_url: Option<String>,
}

impl ProviderPayment {
    /// Reserved in the beginning.
    #[must_use]
    pub fn authorised(&self) -> Money {
        Money::new(self.authorised_minor, self.currency)
    }

    /// Taken so far.
    #[must_use]
    pub fn captured(&self) -> Money {
        Money::new(self.captured_minor, self.currency)
    }

    /// Gone back so far.
    #[must_use]
    pub fn refunded(&self) -> Money {
        Money::new(self.refunded_minor, self.currency)
    }

    /// Reserved and neither taken nor released.
    ///
    /// # Errors
    /// Amounts that no books can hold.
    pub fn still_reserved(&self) -> Result<Money, MoneyError> {
        self.authorised().sub(self.captured())?.sub(Money::new(self.voided_minor, self.currency))
    }
}

/// Why the bank said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// The bank gave no reason.
    Declined,
    /// Not enough money on the card.
    InsufficientFunds,
    /// The provider does not know the card token, or it has expired.
    InvalidCard,
    /// The customer did not confirm, or failed to.
    ActionFailed,
    /// A reason this version does not know.
    #[serde(other)]
    Other,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayOutcome {
    /// It is done; this is the payment afterwards.
    Done(ProviderPayment),
    /// It waits for the customer to confirm at `payment.action_url`.
    RequiresAction(ProviderPayment),
    /// The bank said no; the request is finished and has no effect.
    Declined {
        /// Why.
        code: DeclineCode,
    },
    /// The provider will never do this request: amount too high, wrong state, reused reference. No effect.
    Refused {
        /// The provider's code.
        code: String,
    },
    /// It certainly never reached the provider; send it again later.
    NotSent {
        /// No use trying before.
        retry_after: Duration,
    },
    /// It may or may not have happened: look it up, or send the same request again. Never guess.
    Unknown {
        /// What went wrong, for the log.
        cause: String,
    },
}

/// What the provider knows about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayLookup {
    /// The request arrived; this became of it.
    Found(PayOutcome),
    /// No request with this reference has arrived so far. One may still be on its way, so the only safe
    /// next step is to send the same request again.
    NotSeen,
    /// The provider could not be asked.
    Unknown {
        /// What went wrong, for the log.
        cause: String,
    },
}

/// What kind of request a reference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayOperationKind {
    /// Reserve.
    Authorise,
    /// Take.
    Capture,
    /// Release.
    Void,
    /// Give back.
    Refund,
}

/// How a request ended at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayOperationStatus {
    /// Done.
    Succeeded,
    /// Waits for the customer.
    RequiresAction,
    /// Refused by the bank.
    Declined,
}

/// One request as the provider recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayOperation {
    /// Our idempotency key.
    pub reference: String,
    /// What was asked.
    pub kind: PayOperationKind,
    /// How it ended.
    pub status: PayOperationStatus,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: i64,
    /// Why it was declined.
    pub decline_code: Option<DeclineCode>,
}

/// One news item of the provider, sent late, twice or out of order: `id` tells repeats, `payment.version` age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayEvent {
    /// The provider's id of the news item; the same for every repeat.
    pub id: String,
    /// When it happened at the provider, ms since the epoch by its clock.
    pub created_ms: i64,
    /// The request that changed the payment.
    pub operation: PayOperation,
    /// The payment right after that change.
    pub payment: ProviderPayment,
}

impl PayEvent {
    /// Reads the body of a webhook whose signature was verified before.
    ///
    /// # Errors
    /// [`WebhookError::Malformed`] when it is not a news item.
    pub fn parse(body: &[u8]) -> Result<Self, WebhookError> {
        serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)
    }
}

/// The card provider port.
#[derive(Debug, Clone)]
pub enum CardProvider {
    /// A provider reached over HTTP.
    Http(HttpPay),
    /// This deployment takes no cards: every request is refused, every webhook unsigned.
    Absent,
}

/// The refusal code of [`CardProvider::Absent`].
pub const NO_CARDS: &str = "card_payments_off";

impl CardProvider {
    /// Whether cards are taken at all.
    #[must_use]
    pub fn takes_cards(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// Reserves an amount on a card.
    pub async fn authorise(&self, request: &AuthoriseRequest) -> PayOutcome {
        match self {
            Self::Http(http) => http.authorise(request).await,
            Self::Absent => PayOutcome::Refused { code: NO_CARDS.to_owned() },
        }
    }

    /// Takes a reserved amount or a part of it.
    pub async fn capture(&self, request: &ChangeRequest) -> PayOutcome {
        self.change(PayOperationKind::Capture, request).await
    }

    /// Releases a reserved amount or a part of it.
    pub async fn void(&self, request: &ChangeRequest) -> PayOutcome {
        self.change(PayOperationKind::Void, request).await
    }

    /// Gives a taken amount or a part of it back.
    pub async fn refund(&self, request: &ChangeRequest) -> PayOutcome {
        self.change(PayOperationKind::Refund, request).await
    }

    async fn change(&self, kind: PayOperationKind, request: &ChangeRequest) -> PayOutcome {
        match self {
            Self::Http(http) => http.change(kind, request).await,
            Self::Absent => PayOutcome::Refused { code: NO_CARDS.to_owned() },
        }
    }

    /// What became of the request with this reference.
    pub async fn lookup(&self, reference: &str) -> PayLookup {
        match self {
            Self::Http(http) => http.lookup(reference).await,
            Self::Absent => PayLookup::NotSeen,
        }
    }

    /// Checks that a webhook was signed by the provider, not long ago.
    ///
    /// The age is measured by the machine's clock, never by the injected one: the provider knows nothing of
    /// simulated time.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub fn verify_webhook(&self, timestamp: &str, signature: &str, body: &[u8]) -> Result<(), WebhookError> {
        match self {
            Self::Http(http) => http.verify_webhook(timestamp, signature, body),
            Self::Absent => Err(WebhookError::Signature),
        }
    }
}
