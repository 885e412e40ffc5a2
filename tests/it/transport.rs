//! HTTP and WebSocket: limits with their codes, headers, health, live feeds that resume.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use daraa_domain::account::{self, Phone};
use daraa_domain::actor::OpsRole;
use daraa_domain::feed;
use daraa_domain::ids::EventId;
use daraa_domain::outbox::{EventRow, EventState, Topic};
use daraa_platform::config::Mode;
use daraa_platform::lifecycle::Lifecycle;
use daraa_platform::telemetry::Metrics;
use daraa_server::http::{Api, HttpConfig, router};
use daraa_tests::World;
use futures_util::{SinkExt as _, StreamExt as _};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tower::ServiceExt as _;

struct Served {
    world: World,
    life: Lifecycle,
    api: Arc<Api>,
}

impl Served {
    async fn new() -> Self {
        Self::in_mode(Mode::Test).await
    }

    async fn in_mode(mode: Mode) -> Self {
        let (world, life) = (World::new().await, Lifecycle::new());
        let config =
            HttpConfig { mode, cors_origins: vec!["https://shop.example".to_owned()], trusted_proxies: 1 };
        let api = Api::new(Arc::clone(&world.app), life.clone(), Metrics::detached(), config).unwrap();
        Self { world, life, api }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let answer = router(Arc::clone(&self.api)).oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        (parts.status, parts.headers, body.to_vec())
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, HeaderMap, Value) {
        let mut request = Request::post("/graphql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = self.send(request.body(body.into()).unwrap()).await;
        (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn ask(&self, token: Option<&str>, query: &str) -> (StatusCode, Value) {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let mut headers = vec![("content-type", "application/json"), ("accept-language", "en")];
        if token.is_some() {
            headers.push(("authorization", bearer.as_str()));
        }
        let (status, _, body) = self.post(&headers, json!({ "query": query }).to_string()).await;
        (status, body)
    }

    async fn get(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        let (status, headers, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (status, headers, String::from_utf8(body).unwrap())
    }
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[tokio::test]
async fn every_limit_of_a_query_has_its_code() {
    let served = Served::new().await;
    let nested = format!(
        r#"{{ product(id: "x") {{ {} id {} }} }}"#,
        "store { products { nodes { ".repeat(3),
        "} ".repeat(9)
    );
    let aliases: String = (0..16).map(|i| format!("a{i}: id ")).collect();
    let wide =
        r#"{ stores(near: {lon: 36.1, lat: 32.6}, first: 100) { nodes { products { nodes { id } } } } }"#;
    for (query, expected) in [
        (format!("{{ {} }}", "serverTime ".repeat(11)), "TOO_MANY_ROOT_FIELDS"),
        (format!(r#"{{ product(id: "x") {{ {aliases} }} }}"#), "TOO_MANY_ALIASES"),
        (format!("{{ serverTime {} }}", "@include(if: true) ".repeat(21)), "TOO_MANY_DIRECTIVES"),
        (format!("{{ {} }}", "serverTime ".repeat(1_001)), "TOO_MANY_TOKENS"),
        (nested, "QUERY_TOO_DEEP"),
        (wide.to_owned(), "QUERY_TOO_COMPLEX"),
        ("{ nothing".to_owned(), "BAD_QUERY"),
        ("{ noSuchField }".to_owned(), "BAD_QUERY"),
        ("subscription { ticks }".to_owned(), "SUBSCRIPTION_OVER_HTTP"),
        ("{ me { id } }".to_owned(), "UNAUTHENTICATED"),
    ] {
        let (_, body) = served.ask(None, &query).await;
        assert_eq!(code(&body), expected, "{query:.80} {body}");
        assert!(body["data"].is_null() && body["errors"][0]["extensions"]["requestId"].is_string());
    }
    let customer = served.world.customer().await;
    let (status, body) = served.ask(Some(&customer.token), "{ opsOrders { nodes { id } } }").await;
    assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "FORBIDDEN"));
}

#[tokio::test]
async fn bodies_that_are_no_single_json_query_are_refused() {
    let served = Served::new().await;
    let query = r#"{"query":"{ serverTime }"}"#;
    for (headers, body, status, expected) in [
        (&[("content-type", "text/plain")][..], query.to_owned(), 415, "UNSUPPORTED_CONTENT_TYPE"),
        (&[], query.to_owned(), 415, "UNSUPPORTED_CONTENT_TYPE"),
        (
            &[("content-type", "multipart/form-data; boundary=x")],
            "--x--".to_owned(),
            415,
            "UNSUPPORTED_CONTENT_TYPE",
        ),
        (JSON, format!(" [{query},{query}]"), 400, "BATCH_REFUSED"),
        (JSON, "not json".to_owned(), 400, "BAD_QUERY"),
        (JSON, "x".repeat(65 * 1024), 413, "BODY_TOO_LARGE"),
    ] {
        let (found, _, answer) = served.post(headers, body).await;
        assert_eq!((found.as_u16(), code(&answer)), (status, expected));
    }
    // A body that does not say its length is cut off as well.
    let endless =
        Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1_024])));
    let (status, _, answer) = served.post(JSON, endless).await;
    assert_eq!((status.as_u16(), code(&answer)), (413, "BODY_TOO_LARGE"));
    let (status, _, _) = served.get("/graphql?query=%7BserverTime%7D").await;
    assert_eq!(status, StatusCode::OK, "the explorer, which runs nothing by GET");
}

#[tokio::test]
async fn answers_carry_their_headers_and_cost() {
    let served = Served::new().await;
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-request-id", "abc-1"),
        ("origin", "https://shop.example"),
    ];
    let (status, headers, body) = served.post(&headers, r#"{"query":"{ serverTime }"}"#).await;
    assert_eq!(
        (status, body["data"]["serverTime"].as_str()),
        (StatusCode::OK, Some("2026-01-05T09:00:00.000Z"))
    );
    for (name, value) in [
        ("x-request-id", "abc-1"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "https://shop.example"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let cost = &body["extensions"]["cost"];
    assert_eq!((&cost["requested"], &cost["actual"]), (&json!(1), &json!(1)), "{cost}");
    assert!(cost["available"].is_i64() && cost["restoreRate"].is_i64(), "{cost}");
    let strange = [
        ("content-type", "application/json"),
        ("x-request-id", "a b\u{7f}"),
        ("origin", "https://evil.example"),
    ];
    let (_, headers, _) = served.post(&strange[..1], r#"{"query":"{ serverTime }"}"#).await;
    assert_eq!(headers["x-request-id"].len(), 24);
    let (_, headers, _) = served.post(&[strange[0], strange[2]], r#"{"query":"{ serverTime }"}"#).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn the_cost_of_an_account_is_bounded() {
    let served = Served::new().await;
    let customer = served.world.customer().await;
    // The clock stands still, so nothing leaks out of the bucket.
    let dear = r#"{ a: stores(near: {lon: 36.1, lat: 32.6}, first: 100) { nodes { id } } b: stores(near: {lon: 36.1, lat: 32.6}, first: 100) { nodes { id } } }"#;
    let mut left = i64::MAX;
    let mut asked = 0;
    let refused = loop {
        let (status, body) = served.ask(Some(&customer.token), dear).await;
        if status != StatusCode::OK {
            break (status, body);
        }
        let available = body["extensions"]["cost"]["available"].as_i64().unwrap();
        assert!(available < left, "{available} after {left}");
        left = available;
        asked += 1;
        // Spared units are given back in the background; take more than comes back, to the last few.
        for units in [500, 25] {
            let rule = &daraa_server::graphql::gate::COST_PER_ACCOUNT;
            let subject = customer.account_id.to_string();
            served.world.app.limits.check(rule, &subject, units).await.ok();
        }
        assert!(asked < 100);
    };
    assert_eq!((refused.0, code(&refused.1)), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert!(refused.1["errors"][0]["extensions"]["retryAfterMs"].as_i64().unwrap() > 0);
    served.world.pass(Duration::from_secs(20));
    assert_eq!(served.ask(Some(&customer.token), dear).await.0, StatusCode::OK);
}

#[tokio::test]
async fn forged_and_expired_tokens_are_refused() {
    let served = Served::new().await;
    let customer = served.world.customer().await;
    assert_eq!(served.ask(Some(&customer.token), "{ me { id } }").await.0, StatusCode::OK);
    let mut forged = customer.token.clone();
    forged.pop();
    for token in ["", "x", "a.b.c", &forged] {
        let (status, body) = served.ask(Some(token), "{ serverTime }").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token} {body}");
        assert!(body["data"].is_null());
    }
    served.world.pass(Duration::from_secs(16 * 60));
    assert_eq!(served.ask(Some(&customer.token), "{ me { id } }").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn health_follows_the_life_of_the_process() {
    let served = Served::new().await;
    served.api.starting();
    assert_eq!(served.get("/health/live").await.0, StatusCode::OK);
    assert_eq!(served.get("/health/startup").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(served.get("/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, body) = served.ask(None, "{ serverTime }").await;
    assert_eq!((status, code(&body)), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    served.api.started();
    let (status, _, report) = served.get("/health/ready").await;
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!(served.get("/metrics").await.0, StatusCode::OK);
    served.life.stop();
    assert_eq!(served.get("/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(served.get("/health/live").await.0, StatusCode::OK);
}

#[tokio::test]
async fn production_shows_neither_schema_nor_explorer() {
    let served = Served::in_mode(Mode::Production).await;
    assert_eq!(served.get("/graphql").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (_, body) = served.ask(None, "{ __schema { types { name } } }").await;
    assert!(body["data"]["__schema"].is_null(), "{body}");
    let development = Served::in_mode(Mode::Development).await;
    let (status, headers, page) = development.get("/graphql").await;
    assert!(
        status == StatusCode::OK
            && page.contains("explorer.js")
            && !page.contains("http://")
            && !page.contains("https://")
    );
    assert!(headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let (_, body) = development.ask(None, "{ __schema { queryType { name fields { name args { type { ofType { ofType { name } } } } } } } }").await;
    assert_eq!(body["data"]["__schema"]["queryType"]["name"], "Query", "{body}");
}

#[tokio::test]
async fn webhooks_that_nobody_signed_are_refused() {
    let served = Served::new().await;
    for path in ["/webhooks/pay", "/webhooks/pay/card"] {
        let request = Request::post(path).body(Body::from("{}")).unwrap();
        assert_eq!(served.send(request).await.0, StatusCode::UNAUTHORIZED);
    }
    let request = Request::post("/webhooks/pay/nobody").body(Body::from("{}")).unwrap();
    assert_eq!(served.send(request).await.0, StatusCode::NOT_FOUND);
}

// --- WebSocket -------------------------------------------------------------------------------------------

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

impl Served {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let service =
            router(Arc::clone(&self.api)).into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        format!("ws://{addr}/graphql/ws")
    }
}

/// A connection on which nothing was said yet.
async fn dial(url: &str) -> Socket {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

async fn connect(url: &str, token: Option<&str>) -> Socket {
    let mut socket = dial(url).await;
    let payload = token.map_or(json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
    say(&mut socket, json!({ "type": "connection_init", "payload": payload })).await;
    socket
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn subscribe(socket: &mut Socket, query: &str) {
    say(socket, json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
}

/// The next JSON message, or the close code.
async fn hear(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match tokio::time::timeout(Duration::from_secs(30), socket.next())
            .await
            .expect("a message")
            .unwrap()
            .unwrap()
        {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.map_or(0, |f| f.code.into())),
            _ => {}
        }
    }
}

async fn happens(world: &World, topic: Topic, kind: &str) {
    let id: EventId = world.app.ids.next();
    let row = EventRow {
        id,
        kind: kind.to_owned(),
        subject: "ord_0123456789abcdef01234567".to_owned(),
        topics: vec![topic.to_string()],
        data: doc! { "status": "PLACED" },
        at: world.now(),
        state: EventState::Pending,
        done: vec![],
        attempts: 0,
        next_at: world.now(),
        done_at: None,
        fence: 0,
        last_error: None,
    };
    feed::append(&world.app, &row).await.unwrap();
}

const FEED: &str = "sequence kind subjectId orderId status missed";

#[tokio::test]
async fn a_feed_resumes_after_a_number_without_a_gap() {
    let served = Served::new().await;
    let url = served.listen().await;
    let customer = served.world.customer().await;
    let mine = Topic::Account(customer.account_id);
    for kind in ["order.placed", "order.accepted"] {
        happens(&served.world, mine, kind).await;
    }
    let mut socket = connect(&url, Some(&customer.token)).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "connection_ack");
    subscribe(&mut socket, &format!("subscription {{ customerEvents(after: 1) {{ {FEED} }} }}")).await;
    let event = |message: Value| message["payload"]["data"]["customerEvents"].clone();
    let second = event(hear(&mut socket).await.unwrap());
    assert_eq!(
        second,
        json!({ "sequence": 2, "kind": "order.accepted", "subjectId": "ord_0123456789abcdef01234567",
                "orderId": "ord_0123456789abcdef01234567", "status": "PLACED", "missed": false })
    );
    happens(&served.world, mine, "order.preparing").await;
    assert_eq!(event(hear(&mut socket).await.unwrap())["sequence"], 3);
    // Others' events stay with others; from now on means from now on.
    let other = served.world.customer().await;
    let mut theirs = connect(&url, Some(&other.token)).await;
    assert_eq!(hear(&mut theirs).await.unwrap()["type"], "connection_ack");
    subscribe(&mut theirs, "subscription { customerEvents(after: 0) { sequence kind } }").await;
    happens(&served.world, mine, "order.ready").await;
    happens(&served.world, Topic::Account(other.account_id), "order.placed").await;
    assert_eq!(event(hear(&mut theirs).await.unwrap()), json!({ "sequence": 1, "kind": "order.placed" }));
    assert_eq!(event(hear(&mut socket).await.unwrap())["sequence"], 4);
}

#[tokio::test]
async fn who_was_away_for_longer_than_events_are_kept_is_told_so() {
    let served = Served::new().await;
    let url = served.listen().await;
    let customer = served.world.customer().await;
    let mine = Topic::Account(customer.account_id);
    for kind in ["order.placed", "order.accepted"] {
        happens(&served.world, mine, kind).await;
    }
    let events = served.world.app.mongo.db().collection::<Document>("feed_events");
    events.delete_many(doc! { "topic": mine.to_string() }).await.unwrap();
    let mut socket = connect(&url, Some(&customer.token)).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "connection_ack");
    subscribe(&mut socket, "subscription { customerEvents(after: 0) { sequence missed } }").await;
    // Known by then that two are missing: others hear it, so it was told to all.
    let mut other = connect(&url, Some(&customer.token)).await;
    assert_eq!(hear(&mut other).await.unwrap()["type"], "connection_ack");
    subscribe(&mut other, "subscription { customerEvents { sequence missed } }").await;
    happens(&served.world, mine, "order.ready").await;
    let heard = |message: Value| message["payload"]["data"]["customerEvents"].clone();
    assert_eq!(heard(hear(&mut socket).await.unwrap()), json!({ "sequence": 3, "missed": true }));
    happens(&served.world, mine, "order.completed").await;
    assert_eq!(heard(hear(&mut socket).await.unwrap()), json!({ "sequence": 4, "missed": false }));
}

#[tokio::test]
async fn a_socket_ends_with_its_token_and_with_the_process() {
    let served = Served::new().await;
    let url = served.listen().await;
    let mut forged = connect(&url, Some("nonsense")).await;
    assert_eq!(hear(&mut forged).await, Err(4401));
    let customer = served.world.customer().await;
    let mut expiring = connect(&url, Some(&customer.token)).await;
    assert_eq!(hear(&mut expiring).await.unwrap()["type"], "connection_ack");
    let mut anonymous = connect(&url, None).await;
    assert_eq!(hear(&mut anonymous).await.unwrap()["type"], "connection_ack");
    subscribe(&mut anonymous, "subscription { customerEvents { sequence } }").await;
    let refused = hear(&mut anonymous).await.unwrap();
    assert!(refused.to_string().contains("UNAUTHENTICATED"), "{refused}");
    served.world.pass(Duration::from_secs(16 * 60));
    assert_eq!(hear(&mut expiring).await, Err(4401));
    served.life.stop();
    // What was still under way comes first.
    let mut last = hear(&mut anonymous).await;
    while last.is_ok() {
        last = hear(&mut anonymous).await;
    }
    assert_eq!(last, Err(1001));
}

#[tokio::test]
async fn a_socket_asks_with_the_roles_of_the_moment() {
    let served = Served::new().await;
    let (url, world) = (served.listen().await, &served.world);
    let admin = world.ops(OpsRole::Admin).await;
    let support = world.ops(OpsRole::Support).await;
    let mut socket = connect(&url, Some(&support.token)).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "connection_ack");
    let ask = "query { deliveries(first: 1) { nodes { id } } }";
    subscribe(&mut socket, ask).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "next");
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "complete");
    let phone = Phone::parse(&support.phone).unwrap();
    let nobody = account::GrantOpsRole { phone, role: None };
    account::grant_ops_role(&world.app, &world.actor(&admin).await, nobody).await.unwrap();
    subscribe(&mut socket, ask).await;
    let refused = hear(&mut socket).await.unwrap();
    assert!(refused.to_string().contains("FORBIDDEN"), "{refused}");
}

#[tokio::test]
async fn a_connection_has_a_bounded_number_of_subscriptions() {
    let served = Served::new().await;
    let url = served.listen().await;
    let mut socket = connect(&url, None).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "connection_ack");
    for id in 0..21 {
        let payload = json!({ "query": "subscription { ticks }" });
        say(&mut socket, json!({ "id": id.to_string(), "type": "subscribe", "payload": payload })).await;
    }
    let mut seen: HashMap<String, String> = HashMap::new();
    while seen.len() < 21 {
        let message = hear(&mut socket).await.unwrap();
        seen.entry(message["id"].as_str().unwrap().to_owned()).or_insert(message.to_string());
    }
    assert_eq!(seen.values().filter(|text| text.contains("TOO_MANY_SUBSCRIPTIONS")).count(), 1);
}

/// The code a connection is closed with, after whatever is said before.
async fn last_word(socket: &mut Socket) -> u16 {
    loop {
        if let Err(code) = hear(socket).await {
            return code;
        }
    }
}

#[tokio::test]
async fn each_breach_of_the_protocol_has_its_own_code() {
    let served = Served::new().await;
    let url = served.listen().await;
    let ask = |id: &str| {
        let payload = json!({ "query": "subscription { ticks }" });
        json!({ "id": id, "type": "subscribe", "payload": payload })
    };
    let long = json!({ "type": "ping", "payload": { "x": "x".repeat(70_000) } });
    for (message, code) in [
        (Message::text(ask("1").to_string()), 4401),
        (Message::text("{"), 4400),
        (Message::binary(ask("1").to_string().into_bytes()), 4400),
        (Message::text(r#"{"type":"hello"}"#), 4400),
        (Message::text(long.to_string()), 1009),
    ] {
        let mut fresh = dial(&url).await;
        fresh.send(message.clone()).await.unwrap();
        assert_eq!(last_word(&mut fresh).await, code, "before the sign-in");
        if code != 4401 {
            let mut known = connect(&url, None).await;
            known.send(message).await.unwrap();
            assert_eq!(last_word(&mut known).await, code, "after the sign-in");
        }
    }
    let mut twice = connect(&url, None).await;
    say(&mut twice, json!({ "type": "connection_init" })).await;
    assert_eq!(last_word(&mut twice).await, 4429);

    // An id is free again once its operation is over, not before.
    let mut socket = connect(&url, None).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "connection_ack");
    for _ in 0..2 {
        say(&mut socket, ask("1")).await;
        assert_eq!(hear(&mut socket).await.unwrap()["type"], "next");
        say(&mut socket, json!({ "id": "1", "type": "complete" })).await;
        assert_eq!(hear(&mut socket).await.unwrap()["type"], "complete");
    }
    say(&mut socket, ask("1")).await;
    say(&mut socket, ask("1")).await;
    assert_eq!(last_word(&mut socket).await, 4409);
}

#[tokio::test]
async fn an_object_is_found_by_its_id_or_is_null() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let query = "query($id: ID!) { node(id: $id) { __typename id } }";
    let me = world.customer().await.token;
    let store = world.gql(&me, query, json!({ "id": shop.store_id.to_string() })).await;
    assert_eq!(store["node"]["__typename"], "Store");
    // Kinds that are no node, and what is no id at all.
    for kind in ["acc", "adr", "cpn", "sto", "ord", "xyz"] {
        let found = world.gql(&me, query, json!({ "id": format!("{kind}_000000000000000000000000") })).await;
        assert!(found["node"].is_null(), "{kind}");
    }
    for text in ["", "x", "node_1", "acc_x"] {
        assert!(world.gql(&me, query, json!({ "id": text })).await["node"].is_null(), "{text}");
    }
    let malformed = world.gql_raw(None, query, json!({ "id": "sto_x" })).await;
    assert_eq!(malformed["errors"][0]["extensions"]["code"], "MALFORMED_ID");
}

#[tokio::test]
async fn the_language_is_the_one_most_wanted() {
    let served = Served::new().await;
    for (header, arabic) in [("en;q=0.2, ar;q=0.9", true), ("ar;q=0, en", false), ("en, ar", false)] {
        let headers = [("content-type", "application/json"), ("accept-language", header)];
        let (_, _, body) = served.post(&headers, r#"{"query":"{ me { id } }"}"#).await;
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert_eq!(!message.is_ascii(), arabic, "{header}: {message}");
    }
}
