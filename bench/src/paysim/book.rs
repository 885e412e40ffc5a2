//! The provider's books: payments, requests by reference, and the append-only log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A payment as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Our id.
    pub id: String,
    /// The client's reference of the authorisation.
    pub reference: String,
    /// Summary of the amounts.
    pub state: State,
    /// Counts the changes.
    pub version: i64,
    /// ISO 4217.
    pub currency: String,
    /// Reserved in the beginning, minor units.
    pub authorised_minor: i64,
    /// Taken so far.
    pub captured_minor: i64,
    /// Released so far.
    pub voided_minor: i64,
    /// Gone back so far.
    pub refunded_minor: i64,
    /// Where the customer confirms.
    pub action_url: Option<String>,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for the customer.
    RequiresAction,
    /// Reserved.
    Authorised,
    /// Some taken.
    PartiallyCaptured,
    /// All that was not released is taken.
    Captured,
    /// All released.
    Voided,
    /// Some gone back.
    PartiallyRefunded,
    /// All gone back.
    Refunded,
    /// Refused.
    Declined,
}

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Reserve.
    Authorise,
    /// Take.
    Capture,
    /// Release.
    Void,
    /// Give back.
    Refund,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Succeeded,
    /// Waits for the customer.
    RequiresAction,
    /// Refused by the bank.
    Declined,
}

/// One request, kept for ever under its reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The client's idempotency key.
    pub reference: String,
    /// What was asked.
    pub kind: Kind,
    /// How it ended.
    pub status: Status,
    /// Minor units of the payment's currency.
    pub amount_minor: i64,
    /// Why it was declined.
    pub decline_code: Option<String>,
}

/// One line of the log: a request that took effect, and the payment right after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// 1, 2, 3 …
    pub seq: u64,
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// The card token of the payment.
    pub token: String,
    /// The request.
    pub operation: Operation,
    /// The payment right after.
    pub payment: Payment,
}

/// Why a request is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such payment or reference.
    NotFound,
    /// The reference was used with another request.
    ReferenceReused,
    /// More than is left, or not positive.
    Amount,
    /// The payment is not in a state for it.
    State,
    /// The currency is not the payment's, or unknown.
    Currency,
    /// The log cannot be written; nothing was done.
    Log,
}

impl Refusal {
    /// The code clients see.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::ReferenceReused => "reference_reused",
            Self::Amount => "amount_not_allowed",
            Self::State => "wrong_state",
            Self::Currency => "wrong_currency",
            Self::Log => "log_unavailable",
        }
    }
}

/// What a request led to.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The request.
    pub operation: Operation,
    /// The payment now.
    pub payment: Payment,
    /// The token of its card.
    pub token: String,
    /// The log line, when this request (and not an earlier one of the same reference) made it.
    pub fresh: Option<LogEntry>,
}

/// A change of an existing payment.
#[derive(Debug, Clone, Deserialize)]
pub struct Change {
    /// The client's idempotency key.
    pub reference: String,
    /// How much.
    pub amount_minor: i64,
    /// Must be the payment's.
    pub currency: String,
}

/// A new payment.
#[derive(Debug, Clone, Deserialize)]
pub struct Authorise {
    /// The client's idempotency key.
    pub reference: String,
    /// The card.
    pub token: String,
    /// How much.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// For the bank's page.
    #[serde(default)]
    pub description: String,
}

#[derive(Debug, Clone)]
struct Known {
    operation: Operation,
    payment_id: String,
}

/// The books.
#[derive(Debug, Default)]
pub struct Book {
    payments: HashMap<String, (Payment, String)>,
    references: HashMap<String, Known>,
    log: Vec<LogEntry>,
    file: Option<File>,
}

const CURRENCIES: &[&str] = &["SYP", "USD", "KWD", "JOD", "JPY"];

impl Book {
    /// Opens the books kept in `file`; without a file they live in memory only.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(file: Option<&Path>) -> std::io::Result<Self> {
        let mut book = Self::default();
        let Some(path) = file else { return Ok(book) };
        if path.exists() {
            for line in BufReader::new(File::open(path)?).lines() {
                let entry: LogEntry = serde_json::from_str(&line?)?;
                book.remember(entry);
            }
        }
        book.file = Some(std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?);
        Ok(book)
    }

    fn remember(&mut self, entry: LogEntry) {
        let known = Known { operation: entry.operation.clone(), payment_id: entry.payment.id.clone() };
        self.references.insert(entry.operation.reference.clone(), known);
        self.payments.insert(entry.payment.id.clone(), (entry.payment.clone(), entry.token.clone()));
        self.log.push(entry);
    }

    /// The log after entry number `after`, at most `limit` lines.
    #[must_use]
    pub fn log_after(&self, after: u64, limit: usize) -> Vec<LogEntry> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        self.log.iter().skip(skip).take(limit).cloned().collect()
    }

    /// What became of a reference.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn lookup(&self, reference: &str) -> Result<Effect, Refusal> {
        let known = self.references.get(reference).ok_or(Refusal::NotFound)?;
        let (payment, token) = self.payments.get(&known.payment_id).ok_or(Refusal::NotFound)?;
        Ok(Effect {
            operation: known.operation.clone(),
            payment: payment.clone(),
            token: token.clone(),
            fresh: None,
        })
    }

    fn record(
        &mut self,
        at_ms: i64,
        token: String,
        operation: Operation,
        mut payment: Payment,
    ) -> Result<Effect, Refusal> {
        payment.version += 1;
        let seq = u64::try_from(self.log.len()).unwrap_or(u64::MAX).saturating_add(1);
        let entry = LogEntry { seq, at_ms, token, operation, payment };
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_string(&entry).map_err(|_| Refusal::Log)?;
            line.push('\n');
            file.write_all(line.as_bytes()).map_err(|_| Refusal::Log)?;
        }
        self.remember(entry.clone());
        Ok(Effect {
            operation: entry.operation.clone(),
            payment: entry.payment.clone(),
            token: entry.token.clone(),
            fresh: Some(entry),
        })
    }

    /// Reserves an amount.
    ///
    /// # Errors
    /// A reused reference, an amount or currency that cannot be.
    pub fn authorise(&mut self, at_ms: i64, page: &str, request: &Authorise) -> Result<Effect, Refusal> {
        if let Ok(known) = self.lookup(&request.reference) {
            let same = known.operation.kind == Kind::Authorise
                && known.operation.amount_minor == request.amount_minor
                && known.payment.currency == request.currency
                && known.token == request.token;
            return if same { Ok(known) } else { Err(Refusal::ReferenceReused) };
        }
        if request.amount_minor <= 0 {
            return Err(Refusal::Amount);
        }
        if !CURRENCIES.contains(&request.currency.as_str()) {
            return Err(Refusal::Currency);
        }
        let (status, state, decline_code) = match request.token.as_str() {
            "tok_ok" | "tok_lost_answer" | "tok_slow" | "tok_refund_declined" => {
                (Status::Succeeded, State::Authorised, None)
            }
            "tok_requires_action" => (Status::RequiresAction, State::RequiresAction, None),
            "tok_insufficient" => (Status::Declined, State::Declined, Some("insufficient_funds")),
            "tok_declined" => (Status::Declined, State::Declined, Some("declined")),
            _ => (Status::Declined, State::Declined, Some("invalid_card")),
        };
        let id = format!("pay_{:06}", self.payments.len() + 1);
        let payment = Payment {
            reference: request.reference.clone(),
            state,
            version: 0,
            currency: request.currency.clone(),
            authorised_minor: if state == State::Authorised { request.amount_minor } else { 0 },
            captured_minor: 0,
            voided_minor: 0,
            refunded_minor: 0,
            action_url: (state == State::RequiresAction).then(|| format!("{page}/v1/payments/{id}/confirm")),
            id,
        };
        let operation = Operation {
            reference: request.reference.clone(),
            kind: Kind::Authorise,
            status,
            amount_minor: request.amount_minor,
            decline_code: decline_code.map(str::to_owned),
        };
        self.record(at_ms, request.token.clone(), operation, payment)
    }

    /// What the customer does on the bank's page: confirms or refuses a payment that waits for it.
    /// Doing the same again changes nothing.
    ///
    /// # Errors
    /// No such payment, or it does not wait.
    pub fn confirm(&mut self, at_ms: i64, id: &str, agreed: bool) -> Result<Effect, Refusal> {
        let (mut payment, token) = self.payments.get(id).cloned().ok_or(Refusal::NotFound)?;
        let mut operation = self.lookup(&payment.reference)?.operation;
        let (status, state) =
            if agreed { (Status::Succeeded, State::Authorised) } else { (Status::Declined, State::Declined) };
        if operation.status == status {
            return Ok(Effect { operation, payment, token, fresh: None });
        }
        if payment.state != State::RequiresAction {
            return Err(Refusal::State);
        }
        operation.status = status;
        operation.decline_code = (!agreed).then(|| "action_failed".to_owned());
        payment.state = state;
        payment.authorised_minor = if agreed { operation.amount_minor } else { 0 };
        payment.action_url = None;
        self.record(at_ms, token, operation, payment)
    }

    /// Takes, releases or gives back an amount.
    ///
    /// # Errors
    /// No such payment, a reused reference, more than is left, another currency.
    pub fn change(&mut self, at_ms: i64, id: &str, kind: Kind, request: &Change) -> Result<Effect, Refusal> {
        if let Ok(known) = self.lookup(&request.reference) {
            let same = known.operation.kind == kind
                && known.operation.amount_minor == request.amount_minor
                && known.payment.id == id
                && known.payment.currency == request.currency;
            return if same { Ok(known) } else { Err(Refusal::ReferenceReused) };
        }
        let (mut payment, token) = self.payments.get(id).cloned().ok_or(Refusal::NotFound)?;
        if payment.currency != request.currency {
            return Err(Refusal::Currency);
        }
        let reserved = payment.authorised_minor - payment.captured_minor - payment.voided_minor;
        let left = match kind {
            Kind::Capture | Kind::Void => reserved,
            Kind::Refund => payment.captured_minor - payment.refunded_minor,
            Kind::Authorise => return Err(Refusal::State),
        };
        if request.amount_minor <= 0 {
            return Err(Refusal::Amount);
        }
        if request.amount_minor > left {
            return Err(if left == 0 { Refusal::State } else { Refusal::Amount });
        }
        let declined = kind == Kind::Refund && token == "tok_refund_declined";
        if !declined {
            match kind {
                Kind::Capture => payment.captured_minor += request.amount_minor,
                Kind::Void => payment.voided_minor += request.amount_minor,
                Kind::Refund => payment.refunded_minor += request.amount_minor,
                Kind::Authorise => {}
            }
            payment.state = summary(&payment);
        }
        let operation = Operation {
            reference: request.reference.clone(),
            kind,
            status: if declined { Status::Declined } else { Status::Succeeded },
            amount_minor: request.amount_minor,
            decline_code: declined.then(|| "declined".to_owned()),
        };
        self.record(at_ms, token, operation, payment)
    }
}

fn summary(p: &Payment) -> State {
    let reserved = p.authorised_minor - p.captured_minor - p.voided_minor;
    if p.refunded_minor > 0 {
        if p.refunded_minor == p.captured_minor { State::Refunded } else { State::PartiallyRefunded }
    } else if p.captured_minor > 0 {
        if reserved == 0 { State::Captured } else { State::PartiallyCaptured }
    } else if reserved == 0 {
        State::Voided
    } else {
        State::Authorised
    }
}
