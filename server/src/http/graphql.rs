//! `POST /graphql`.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use daraa_platform::fault::{FaultKind, Infra};

use super::{Api, BODY_DEADLINE, MAX_BODY, identify};
use crate::graphql::context::Caller;
use crate::graphql::error::ApiError;
use crate::graphql::gate::{Answer, execute};
use crate::graphql::limits::Refusal;

/// A whole request takes no longer; each database call has its own, shorter deadline.
const DEADLINE: Duration = Duration::from_secs(30);

/// Answers a query or mutation.
pub(super) async fn post(State(api): State<Arc<Api>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut caller = identify::anonymous(&api, &parts);
    let work = async {
        let request = match read(&parts.headers, body).await {
            Ok(request) => request,
            Err(e) => return Answer::refusal(e.into(), &caller),
        };
        if let Err(e) = identify::with_token(&api, &mut caller, &parts.headers).await {
            return Answer::refusal(e, &caller);
        }
        execute(&api, caller.clone(), request).await
    };
    let answer = match tokio::time::timeout(DEADLINE, work).await {
        Ok(answer) => answer,
        Err(_) => Answer::refusal(late(), &identify::anonymous(&api, &parts)),
    };
    write(answer)
}

fn late() -> ApiError {
    Infra::Port { port: "graphql", cause: format!("no answer in {DEADLINE:?}") }.into()
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Request, Refusal> {
    // A type that a browser sends to other origins only after asking: no forgery by forms.
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|ty| ty.trim().eq_ignore_ascii_case("application/json"));
    if !json {
        return Err(Refusal::ContentType);
    }
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(Refusal::BodyTooLarge);
    }
    let body: Bytes = tokio::time::timeout(BODY_DEADLINE, axum::body::to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| Refusal::BadQuery("the body did not arrive in time".to_owned()))?
        .map_err(|_| Refusal::BodyTooLarge)?;
    parse(&body)
}

/// Reads `{query, variables, operationName, extensions}`.
pub(super) fn parse(body: &[u8]) -> Result<Request, Refusal> {
    if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Refusal::Batch);
    }
    serde_json::from_slice(body)
        .map_err(|e| Refusal::BadQuery(format!("the body is not a GraphQL request: {e}")))
}

fn write(answer: Answer) -> Response {
    let status = match answer.refused {
        None => StatusCode::OK,
        Some(FaultKind::Unauthenticated) => StatusCode::UNAUTHORIZED,
        Some(FaultKind::Forbidden) => StatusCode::FORBIDDEN,
        Some(FaultKind::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        Some(FaultKind::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
        Some(FaultKind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(FaultKind::BadInput | FaultKind::NotFound | FaultKind::Conflict) => special(&answer),
    };
    let retry_after = answer
        .response
        .errors
        .first()
        .and_then(|e| e.extensions.as_ref())
        .and_then(|extensions| extensions.get("retryAfterMs").cloned());
    let Ok(body) = serde_json::to_vec(&answer.response) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(async_graphql::Value::Number(ms)) = retry_after
        && let Some(ms) = ms.as_u64()
        && answer.refused.is_some()
    {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
    }
    response
}

fn special(answer: &Answer) -> StatusCode {
    let code = answer.response.errors.first().and_then(|e| e.extensions.as_ref()).and_then(|x| x.get("code"));
    match code {
        Some(async_graphql::Value::String(code)) if code == "BODY_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        Some(async_graphql::Value::String(code)) if code == "UNSUPPORTED_CONTENT_TYPE" => {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The refusal of a request that never got here, in the same form.
pub(super) fn refused(caller: &Caller, error: ApiError) -> Response {
    write(Answer::refusal(error, caller))
}
