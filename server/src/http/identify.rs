//! Who a request comes from: address, language, request id, person.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, request::Parts};
use daraa_domain::actor::Actor;
use daraa_domain::session::{self, Identity};
use daraa_platform::fault::Lang;

use super::Api;
use crate::graphql::context::Caller;
use crate::graphql::error::ApiError;

/// The header that ties a request to its log lines.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// The header of a guest's cart.
const CART_TOKEN: &str = "x-cart-token";
/// Longest request id taken over from outside.
const MAX_REQUEST_ID: usize = 64;
/// Longest guest token.
const MAX_CART_TOKEN: usize = 128;

/// Request id, chosen by the outermost layer.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// A request id from outside when it is harmless, or a new one.
pub(super) fn request_id(api: &Api, headers: &HeaderMap) -> RequestId {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| {
        !text.is_empty()
            && text.len() <= MAX_REQUEST_ID
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    RequestId(given.map_or_else(|| fresh_id(api), Into::into))
}

fn fresh_id(api: &Api) -> Arc<str> {
    use std::fmt::Write as _;
    let mut id = String::with_capacity(24);
    for byte in api.app().random.bytes::<12>() {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id.into()
}

/// The caller before anybody is identified: an anonymous one.
pub(super) fn anonymous(api: &Api, parts: &Parts) -> Caller {
    let headers = &parts.headers;
    let request_id =
        parts.extensions.get::<RequestId>().map_or_else(|| fresh_id(api), |id| Arc::clone(&id.0));
    Caller {
        actor: Actor::Anonymous,
        lang: said_lang(headers).unwrap_or_default(),
        address: address(api, parts),
        request_id,
        cart_token: headers
            .get(CART_TOKEN)
            .and_then(|value| value.to_str().ok())
            .filter(|token| token.len() <= MAX_CART_TOKEN)
            .map(str::to_owned),
    }
}

/// Identifies the caller by a bearer token. No token is an anonymous caller, a wrong one is an error.
pub(super) async fn with_token(
    api: &Api,
    caller: &mut Caller,
    headers: &HeaderMap,
) -> Result<Option<Identity>, ApiError> {
    let Some(value) = headers.get(axum::http::header::AUTHORIZATION) else { return Ok(None) };
    let identity = identify(api, value.to_str().unwrap_or_default()).await?;
    caller.actor = identity.actor.clone();
    caller.lang = said_lang(headers).unwrap_or(identity.lang);
    Ok(Some(identity))
}

/// Identifies by the text of an authorization header.
pub(super) async fn identify(api: &Api, authorization: &str) -> Result<Identity, ApiError> {
    let token = authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    Ok(session::identify_with_expiry(api.app(), token).await?)
}

fn said_lang(headers: &HeaderMap) -> Option<Lang> {
    headers
        .get(axum::http::header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .and_then(Lang::from_accept_language)
}

/// The address of the client: the peer's, or what the outermost trusted proxy saw.
fn address(api: &Api, parts: &Parts) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip());
    forwarded(&parts.headers, api.config.trusted_proxies).unwrap_or(peer)
}

/// Each proxy appends the address it saw; the last `trusted` entries are ours to believe.
fn forwarded(headers: &HeaderMap, trusted: usize) -> Option<IpAddr> {
    if trusted == 0 {
        return None;
    }
    let list: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    list.get(list.len().checked_sub(trusted)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_the_address() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", axum::http::HeaderValue::from_static("6.6.6.6, 1.2.3.4, 10.0.0.1"));
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(forwarded(&headers, 2), Some(IpAddr::from([1, 2, 3, 4])));
        assert_eq!(forwarded(&headers, 9), None);
    }
}
