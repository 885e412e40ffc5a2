//! `GET /graphql` in development: a small page to try queries on. Served whole from the binary, so it works
//! offline; GraphiQL would load five megabytes from a CDN.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, text)
}

/// The page.
pub(super) async fn page() -> impl IntoResponse {
    file("text/html; charset=utf-8", include_str!("explorer/page.html"))
}

/// Its script.
pub(super) async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("explorer/explorer.js"))
}

/// Its style.
pub(super) async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("explorer/explorer.css"))
}
