//! Top-level errors: sign-in, rights, limits and faults. What a client can act on is `userErrors` instead.
//!
//! async-graphql turns every `Display` type into a public error. [`ApiError`] has no `Display` and only
//! [`Fault`] types convert into it, so a foreign error without a decision does not compile.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, ServerError};
use daraa_platform::fault::{Fault, FaultKind, Lang};
use tracing::{error, warn};

/// A failure on its way to the client. Its message is chosen when the answer is sent, in the caller's language.
#[derive(Debug, Clone)]
pub struct ApiError(Arc<dyn Fault>);

impl<F: Fault> From<F> for ApiError {
    fn from(fault: F) -> Self {
        Self(Arc::new(fault))
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(e: ApiError) -> Self {
        // The code for a message: nothing leaks even where an error is sent without being finished.
        Self { message: e.0.code().to_owned(), source: Some(Arc::new(e)), extensions: None }
    }
}

impl ApiError {
    /// The fault itself.
    #[must_use]
    pub fn fault(&self) -> &dyn Fault {
        &*self.0
    }

    /// As async-graphql carries it, for what is refused before anything runs.
    #[must_use]
    pub fn into_server_error(self) -> ServerError {
        let mut e = ServerError::new(self.0.code(), None);
        e.source = Some(Arc::new(self));
        e
    }
}

/// Turns "not found" into `null`: for query fields that look one thing up.
///
/// # Errors
/// Everything that is not "not found".
pub fn found<T, F: Fault>(outcome: Result<T, F>) -> Result<Option<T>, ApiError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == FaultKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Gives the errors of an answer their public form: message in the caller's language, `extensions {code,
/// requestId, retryAfterMs}`. Failures that are not the caller's are logged here, once, with their chain.
pub fn finish(errors: &mut [ServerError], lang: Lang, request_id: &str) {
    for e in errors {
        let mut extensions = ErrorExtensionValues::default();
        let known = e.source.as_ref().and_then(|s| s.downcast_ref::<ApiError>().cloned());
        if let Some(ApiError(fault)) = known {
            log(&*fault, request_id);
            e.message = fault.public(lang);
            extensions.set("code", fault.code());
            if let Some(wait) = fault.retry_after() {
                extensions.set("retryAfterMs", u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
            }
            if !fault.field().is_empty() {
                extensions.set(
                    "field",
                    fault.field().iter().map(|f| async_graphql::Value::from(*f)).collect::<Vec<_>>(),
                );
            }
        } else {
            // Syntax, validation and input coercion: written by async-graphql for the client's eyes.
            extensions.set("code", "BAD_QUERY");
        }
        extensions.set("requestId", request_id);
        e.extensions = Some(extensions);
        e.source = None;
    }
}

fn log(fault: &dyn Fault, request_id: &str) {
    match fault.kind() {
        FaultKind::Internal => {
            error!(code = fault.code(), request.id = request_id, cause = %chain(fault), "fault")
        }
        FaultKind::Unavailable => {
            warn!(code = fault.code(), request.id = request_id, cause = %chain(fault), "a part is away");
        }
        _ => {}
    }
}

fn chain(fault: &dyn Fault) -> String {
    let mut text = fault.to_string();
    let mut next = std::error::Error::source(fault);
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
