//! What every request passes: request id, security headers, metrics, CORS, compression, shedding.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use daraa_platform::fault::Infra;
use futures_util::FutureExt as _;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Api, graphql, identify};

/// Smaller answers are not worth compressing.
const COMPRESS_ABOVE: u64 = 1_024;
/// Browsers may remember the answer to a preflight this long.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Puts the layers around the routes; the last is the outermost.
pub(super) fn wrap(router: Router<Arc<Api>>, api: &Arc<Api>) -> Router<Arc<Api>> {
    router
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_ABOVE)))
        .layer(cors(&api.config.cors_origins))
        .layer(from_fn_with_state(Arc::clone(api), dress))
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST, Method::GET])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static("x-cart-token"),
            HeaderName::from_static(identify::REQUEST_ID),
        ])
        .expose_headers([HeaderName::from_static(identify::REQUEST_ID), header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE)
}

/// Chooses the request id, measures, adds the headers.
async fn dress(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let id = identify::request_id(&api, request.headers());
    request.extensions_mut().insert(id.clone());
    // The pattern, not the path: paths are chosen by clients and would be endless labels.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |p| p.as_str().to_owned());
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let caller = identify::anonymous(&api, &parts);
    let run = AssertUnwindSafe(next.run(Request::from_parts(parts, body))).catch_unwind().await;
    let mut response = run.unwrap_or_else(|_| {
        // The panic hook has said where; the client gets an answer, not a cut connection.
        graphql::refused(&caller, Infra::defect("a request handler panicked").into())
    });
    metrics::histogram!("daraa_http_request_seconds", "route" => route.clone())
        .record(started.elapsed().as_secs_f64());
    let status = response.status().as_u16().to_string();
    metrics::counter!("daraa_http_requests_total", "route" => route, "status" => status).increment(1);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(identify::REQUEST_ID, value);
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    // Answers depend on who asks; only what says so itself may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept-language, authorization"));
    if api.config.mode.is_production() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
    }
    response
}

/// Refuses at once what could not be answered in time anyway.
pub(super) async fn shed(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let cause = if api.starting.load(Ordering::SeqCst) {
        "the start is not over"
    } else if let Ok(_permit) = api.in_flight.try_acquire() {
        return next.run(request).await;
    } else {
        metrics::counter!("daraa_http_shed_total").increment(1);
        "too many requests at once"
    };
    let (parts, _) = request.into_parts();
    let caller = identify::anonymous(&api, &parts);
    graphql::refused(&caller, Infra::Port { port: "http", cause: cause.to_owned() }.into())
}

pub(super) async fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
