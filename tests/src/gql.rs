//! The API, called in-process through the real router.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use daraa_platform::config::Mode;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::telemetry::Metrics;
use daraa_server::http::{Api, HttpConfig, router};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::World;

/// Answers of tests are small.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

impl World {
    /// The router of a server of this world, made when first asked for.
    pub fn router(&self) -> &Router {
        self.router.get_or_init(|| {
            let config = HttpConfig { mode: Mode::Test, cors_origins: Vec::new(), trusted_proxies: 1 };
            let api = Api::new(Arc::clone(&self.app), Lifecycle::new(), Metrics::detached(), config);
            router(api.expect("a sound schema"))
        })
    }

    /// Sends a GraphQL request, in English; status and body as they are.
    pub async fn post(&self, token: Option<&str>, body: String) -> (StatusCode, Value) {
        // Each request comes from an address of its own, so that limits of one do not meet another.
        let n = self.app.random.below(1 << 24);
        let address = format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255);
        let mut request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept-language", "en")
            .header("x-forwarded-for", address);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body)).expect("a request");
        let answer = self.router().clone().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), MAX_ANSWER).await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Any operation; the whole answer with its `errors`.
    pub async fn gql_raw(&self, token: Option<&str>, document: &str, variables: Value) -> Value {
        self.post(token, json!({ "query": document, "variables": variables }).to_string()).await.1
    }

    /// Any operation that must not have top-level errors; its `data`.
    pub async fn gql(&self, token: &str, document: &str, variables: Value) -> Value {
        let mut answer = self.gql_raw((!token.is_empty()).then_some(token), document, variables).await;
        assert!(answer["errors"].is_null(), "{document}\n{answer:#}");
        answer["data"].take()
    }

    /// A mutation of the usual shape (`name(input: NameInput!)`) that may have `userErrors`; its payload.
    pub async fn try_mutate(&self, token: &str, name: &str, selection: &str, input: Value) -> Value {
        let mut type_name = name.to_owned();
        type_name.get_mut(0..1).expect("a name").make_ascii_uppercase();
        let document = format!(
            "mutation($input: {type_name}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ code field message }} }} }}"
        );
        self.gql(token, &document, json!({ "input": input })).await[name].take()
    }

    /// A mutation that must succeed; its payload.
    pub async fn mutate(&self, token: &str, name: &str, selection: &str, input: Value) -> Value {
        let payload = self.try_mutate(token, name, selection, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{name}: {payload:#}");
        payload
    }

    /// A mutation that must be refused as data; the codes with how often each came.
    pub async fn refused(&self, token: &str, name: &str, input: Value) -> BTreeMap<String, usize> {
        let payload = self.try_mutate(token, name, "", input).await;
        let mut codes = BTreeMap::new();
        for error in payload["userErrors"].as_array().expect("a list") {
            *codes.entry(error["code"].as_str().expect("a code").to_owned()).or_insert(0) += 1;
        }
        assert!(!codes.is_empty(), "{name} was not refused: {payload:#}");
        codes
    }
}
