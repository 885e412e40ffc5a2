//! `GET /graphql/ws`: subscriptions over `graphql-transport-ws`.
//!
//! The token comes in the payload of `connection_init` (`{"Authorization": "Bearer …"}`). The connection is
//! closed when the token is refused or expires, its session ends or its person's roles change (4401), when the process
//! stops (1001) or cannot ask for the session (1013), and when the client is silent, asks for nothing without being
//! signed in, or does not take what it asked for (4410). Every operation starts with the roles its person has then.
//! Clients connect again and resume by `after:`.
//!
//! What breaks the protocol is found before anything acts on it, so that a client is told its fault and not taken for
//! somebody without a session: no message of the protocol (4400), asked before signed in (4401), an id that is in use
//! (4409), a second `connection_init` (4429), too long (1009).

use std::any::TypeId;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::http::{ClientMessage, WebSocket as GraphQlSocket, WebSocketProtocols, WsMessage};
use async_graphql::{Data, Executor, Request, Response as GraphQlResponse};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use daraa_platform::time::Timestamp;
use futures_util::{Sink, SinkExt as _, StreamExt as _, future, stream};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tracing::debug;

use super::sockets::OpenSocket;
use super::{Api, MAX_BODY, address_subject, identify};
use crate::graphql::context::Caller;
use crate::graphql::error::ApiError;
use crate::graphql::gate::{Answer, execute_stream};
use crate::graphql::limits::{MAX_SUBSCRIPTIONS, Refusal};

const PROTOCOL: &str = "graphql-transport-ws";
/// `connection_init` must come within this.
const INIT_WITHIN: Duration = Duration::from_secs(10);
/// A sign of life is asked for this often.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A connection that is silent for so long is dead.
const SILENT: Duration = Duration::from_secs(60);
/// A client that does not take a message within this is dropped.
const TAKE_WITHIN: Duration = Duration::from_secs(10);
/// Whether the session still lives, with the same roles, is asked this often.
const IDENTIFY_EVERY: Duration = Duration::from_secs(10);
/// Who is not signed in and has no operation open is sent away after this.
const ANONYMOUS_IDLE: Duration = Duration::from_secs(60);
/// Deadlines of a connection are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Bytes of a message that are read at all: more than it may have, so that who sends too much is told so.
const MAX_READ: usize = 2 * MAX_BODY;

const CLOSE_AWAY: u16 = 1001;
const CLOSE_TOO_LONG: u16 = 1009;
const CLOSE_LATER: u16 = 1013;
const CLOSE_BAD: u16 = 4400;
const CLOSE_TOKEN: u16 = 4401;
const CLOSE_INIT: u16 = 4408;
const CLOSE_TAKEN: u16 = 4409;
const CLOSE_SLOW: u16 = 4410;
const CLOSE_INIT_AGAIN: u16 = 4429;

/// Why a connection ends: the code and a few words.
type Closing = (u16, &'static str);

/// Takes the connection over.
pub(super) async fn upgrade(
    State(api): State<Arc<Api>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
    request: axum::extract::Request,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(e) => return e.into_response(),
    };
    let (parts, _) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if api.config.mode.is_production()
        && origin.is_some_and(|origin| !api.config.cors_origins.iter().any(|known| known == origin))
    {
        return StatusCode::FORBIDDEN.into_response();
    }
    if api.life.draining() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let caller = identify::anonymous(&api, &parts);
    let Some(permit) = api.sockets.open(&address_subject(caller.address)) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    upgrade.protocols([PROTOCOL]).max_message_size(MAX_READ).max_frame_size(MAX_READ).on_upgrade(
        move |socket| async move {
            let life = api.life.clone();
            life.track(serve(api, socket, caller, permit));
        },
    )
}

/// What `connection_init` brought.
#[derive(Debug)]
struct SignedIn {
    caller: Caller,
    /// The authorization, to ask again whether its session lives; `None` for anonymous callers.
    token: Option<(String, Timestamp)>,
}

/// Runs the operations of one connection.
#[derive(Clone)]
struct Operations {
    api: Arc<Api>,
    signed_in: Arc<OnceLock<SignedIn>>,
    open: Arc<Semaphore>,
    before_init: Caller,
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> GraphQlResponse {
        self.execute_stream(request, None).next().await.unwrap_or_default()
    }

    fn execute_stream(
        &self,
        request: Request,
        _session: Option<Arc<Data>>,
    ) -> BoxStream<'static, GraphQlResponse> {
        let operations = self.clone();
        let live = LiveId::of(&request);
        let start = async move {
            let caller = match operations.caller().await {
                Ok(caller) => caller,
                Err(refusal) => return stream::once(future::ready(refusal)).boxed(),
            };
            let Ok(permit) = Arc::clone(&operations.open).try_acquire_owned() else {
                let refusal = Answer::refusal(Refusal::TooManySubscriptions.into(), &caller).response;
                return stream::once(future::ready(refusal)).boxed();
            };
            execute_stream(operations.api, caller, request)
                .map(move |response| {
                    // Held as long as the operation is open.
                    let _ = &permit;
                    response
                })
                .boxed()
        };
        let responses = stream::once(start).flatten();
        responses
            .map(move |response| {
                // Held as long as the operation is open, also one that was refused.
                let _ = &live;
                response
            })
            .boxed()
    }
}

impl Operations {
    /// Who asks, with the roles of this moment: a socket lives long.
    async fn caller(&self) -> Result<Caller, GraphQlResponse> {
        let Some(signed_in) = self.signed_in.get() else { return Ok(self.before_init.clone()) };
        let mut caller = signed_in.caller.clone();
        if let Some((token, _)) = &signed_in.token {
            match identify::identify(&self.api, token).await {
                Ok(identity) => caller.actor = identity.actor,
                Err(e) => return Err(Answer::refusal(e, &caller).response),
            }
        }
        Ok(caller)
    }
}

async fn init(
    api: Arc<Api>,
    mut caller: Caller,
    payload: Value,
    signed_in: Arc<OnceLock<SignedIn>>,
    closing: Arc<OnceLock<Closing>>,
) -> async_graphql::Result<Data> {
    let authorization = ["Authorization", "authorization"].iter().find_map(|key| payload.get(*key)?.as_str());
    let token = match authorization {
        None => None,
        Some(text) => {
            let identity = identify::identify(&api, text).await.map_err(|e| refused(&e, &closing))?;
            caller.actor = identity.actor;
            caller.lang = identity.lang;
            Some((text.to_owned(), identity.expires_at))
        }
    };
    drop(signed_in.set(SignedIn { caller, token }));
    Ok(Data::default())
}

/// A sign-in that failed: by its token, or because a part of ours is away, which says nothing of the token.
fn refused(e: &ApiError, closing: &OnceLock<Closing>) -> async_graphql::Error {
    let fault = e.fault();
    let code = if fault.retryable() { CLOSE_LATER } else { CLOSE_TOKEN };
    closing.get_or_init(|| (code, fault.code()));
    async_graphql::Error::new(fault.code())
}

/// The ids of the operations a connection has open.
type LiveIds = Arc<Mutex<HashSet<String>>>;

/// The id of an open operation; dropped with it, the id may be used again.
struct LiveId {
    id: String,
    live: LiveIds,
}

impl LiveId {
    fn of(request: &Request) -> Option<Arc<Self>> {
        request.data.get(&TypeId::of::<Arc<Self>>())?.downcast_ref::<Arc<Self>>().cloned()
    }
}

impl Drop for LiveId {
    fn drop(&mut self) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// What comes from the client.
struct Incoming {
    started: Instant,
    heard_ms: Arc<AtomicI64>,
    signed_in: Arc<OnceLock<SignedIn>>,
    live: LiveIds,
    closing: Arc<OnceLock<Closing>>,
}

impl Incoming {
    /// The next message for the operations; `Some(None)` for what concerns the connection only, `None` at its end.
    fn take(&mut self, message: Result<Message, axum::Error>) -> Option<Option<ClientMessage>> {
        let message = match message {
            Ok(message) => message,
            // The cause is known by its words only: axum does not show its type.
            Err(e) if e.to_string().starts_with("Space limit exceeded") => return self.end(TOO_LONG),
            Err(_) => return None,
        };
        self.heard_ms.store(millis(self.started.elapsed()), Ordering::Relaxed);
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = judge(&message, self.signed_in.get().is_some(), &live);
        if let Ok(Some(ClientMessage::Start { id, .. })) = &judged {
            live.insert(id.clone());
        }
        drop(live);
        match judged {
            Ok(Some(ClientMessage::Start { id, payload })) => {
                let held = Arc::new(LiveId { id: id.clone(), live: Arc::clone(&self.live) });
                Some(Some(ClientMessage::Start { id, payload: payload.data(held) }))
            }
            Ok(message) => Some(message),
            Err(closing) => self.end(closing),
        }
    }

    fn end(&self, closing: Closing) -> Option<Option<ClientMessage>> {
        self.closing.get_or_init(|| closing);
        None
    }
}

const TOO_LONG: Closing = (CLOSE_TOO_LONG, "a message has at most 64 KiB");

/// A message of the client by the rules of the protocol; `None` for the WebSocket's own ping and pong.
///
/// # Errors
/// How the connection ends.
fn judge(
    message: &Message,
    signed_in: bool,
    live: &HashSet<String>,
) -> Result<Option<ClientMessage>, Closing> {
    let bad = |why| Err((CLOSE_BAD, why));
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(_) => return bad("messages are text"),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(None),
    };
    if text.len() > MAX_BODY {
        return Err(TOO_LONG);
    }
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
        return bad("a message is a JSON object");
    };
    let id = |message: &Map<String, Value>| {
        let id = message.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or((CLOSE_BAD, "an operation has an id"))
    };
    let payload = message.remove("payload").filter(|payload| !payload.is_null());
    let object = payload.as_ref().is_none_or(Value::is_object);
    Ok(Some(match message.get("type").and_then(Value::as_str) {
        Some("connection_init") if signed_in => {
            return Err((CLOSE_INIT_AGAIN, "connection_init came before"));
        }
        Some("connection_init") if object => ClientMessage::ConnectionInit { payload },
        Some("ping") if object => ClientMessage::Ping { payload },
        Some("pong") if object => ClientMessage::Pong { payload },
        Some("complete") => ClientMessage::Stop { id: id(&message)? },
        Some("subscribe") => {
            let id = id(&message)?;
            let Some(request) = payload.and_then(operation) else {
                return bad("subscribe has a payload with a query");
            };
            if !signed_in {
                return Err((CLOSE_TOKEN, "connection_init comes first"));
            }
            if live.contains(&id) {
                return Err((CLOSE_TAKEN, "an operation with this id is open"));
            }
            ClientMessage::Start { id, payload: request }
        }
        Some("connection_init" | "ping" | "pong") => return bad("a payload is an object"),
        _ => return bad("an unknown type of message"),
    }))
}

/// The operation of a `subscribe`; `None` when it has not the shape of one.
fn operation(payload: Value) -> Option<Request> {
    let Value::Object(mut fields) = payload else { return None };
    fields.retain(|_, value| !value.is_null());
    let object = |name: &str| fields.get(name).is_none_or(Value::is_object);
    let good =
        fields.get("query").is_some_and(Value::is_string) && object("variables") && object("extensions");
    if good { serde_json::from_value(Value::Object(fields)).ok() } else { None }
}

async fn serve(api: Arc<Api>, socket: WebSocket, caller: Caller, _open: OpenSocket) {
    let started = Instant::now();
    let heard_ms = Arc::new(AtomicI64::new(0));
    let (sink, source) = socket.split();
    let mut sink = pin!(sink);
    let signed_in: Arc<OnceLock<SignedIn>> = Arc::default();
    let closing: Arc<OnceLock<Closing>> = Arc::default();
    let incoming = Incoming {
        started,
        heard_ms: Arc::clone(&heard_ms),
        signed_in: Arc::clone(&signed_in),
        live: LiveIds::default(),
        closing: Arc::clone(&closing),
    };
    let input = source
        .scan(incoming, |incoming, message| future::ready(incoming.take(message)))
        .filter_map(|message| future::ready(message.map(Ok)));
    let open = Arc::new(Semaphore::new(MAX_SUBSCRIPTIONS));
    let operations = Operations {
        api: Arc::clone(&api),
        signed_in: Arc::clone(&signed_in),
        open: Arc::clone(&open),
        before_init: caller.clone(),
    };
    let on_init = {
        let (api, signed_in, closing) = (Arc::clone(&api), Arc::clone(&signed_in), Arc::clone(&closing));
        move |payload| init(api, caller, payload, signed_in, closing)
    };
    let mut output = pin!(
        GraphQlSocket::from_message_stream(operations, input, WebSocketProtocols::GraphQLWS)
            .on_connection_init(on_init)
    );
    let mut watch = Watch {
        api: &api,
        signed_in: &signed_in,
        open: &open,
        started,
        heard_ms: &heard_ms,
        asked: started,
        busy: started,
        pinged: started,
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let close = loop {
        let message = tokio::select! {
            biased;
            () = api.life.soft().cancelled() => break Some((CLOSE_AWAY, "the server is going away".to_owned())),
            _ = look.tick() => match watch.look().await {
                Looked::Fine => continue,
                Looked::Ping => Message::Ping(axum::body::Bytes::new()),
                Looked::Close(code, reason) => break Some((code, reason.to_owned())),
            },
            message = output.next() => match message {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                // Where we know why it ends, we know better than the library, to which each end is like another.
                Some(WsMessage::Close(code, reason)) => break said(&closing).or(Some((code, reason))),
                None => break said(&closing),
            },
        };
        match tokio::time::timeout(TAKE_WITHIN, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break None,
            Err(_) => {
                metrics::counter!("daraa_websocket_dropped_total").increment(1);
                break Some((CLOSE_SLOW, "messages are not taken".to_owned()));
            }
        }
    };
    if let Some((code, reason)) = close {
        debug!(code, reason, "a websocket is closed");
        say_goodbye(sink, code, reason).await;
    }
}

fn said(closing: &OnceLock<Closing>) -> Option<(u16, String)> {
    closing.get().map(|(code, reason)| (*code, (*reason).to_owned()))
}

async fn say_goodbye<S: Sink<Message> + Unpin>(mut sink: S, code: u16, reason: String) {
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // A peer that is gone needs no farewell.
    drop(tokio::time::timeout(LOOK_EVERY, sink.send(frame)).await);
}

enum Looked {
    Fine,
    Ping,
    Close(u16, &'static str),
}

/// The deadlines of one connection.
struct Watch<'s> {
    api: &'s Api,
    signed_in: &'s OnceLock<SignedIn>,
    open: &'s Semaphore,
    started: Instant,
    heard_ms: &'s AtomicI64,
    asked: Instant,
    busy: Instant,
    pinged: Instant,
}

impl Watch<'_> {
    async fn look(&mut self) -> Looked {
        let Some(signed_in) = self.signed_in.get() else {
            return if self.started.elapsed() > INIT_WITHIN {
                Looked::Close(CLOSE_INIT, "connection_init did not come")
            } else {
                Looked::Fine
            };
        };
        if let Some((token, expires_at)) = &signed_in.token {
            if self.api.app.clock.now() >= *expires_at {
                return Looked::Close(CLOSE_TOKEN, "TOKEN_EXPIRED");
            }
            if self.asked.elapsed() > IDENTIFY_EVERY {
                self.asked = Instant::now();
                match identify::identify(self.api, token).await {
                    Ok(identity) if identity.actor != signed_in.caller.actor => {
                        return Looked::Close(CLOSE_TOKEN, "ROLES_CHANGED");
                    }
                    // An absent database ends no session.
                    Err(e) if !e.fault().retryable() => {
                        return Looked::Close(CLOSE_TOKEN, "SESSION_ENDED");
                    }
                    _ => {}
                }
            }
        } else if self.open.available_permits() < MAX_SUBSCRIPTIONS {
            self.busy = Instant::now();
        } else if self.busy.elapsed() > ANONYMOUS_IDLE {
            return Looked::Close(CLOSE_SLOW, "nothing was asked for");
        }
        let silent_ms = millis(self.started.elapsed()).saturating_sub(self.heard_ms.load(Ordering::Relaxed));
        if silent_ms > millis(SILENT) {
            return Looked::Close(CLOSE_SLOW, "no sign of life");
        }
        if self.pinged.elapsed() > PING_EVERY {
            self.pinged = Instant::now();
            return Looked::Ping;
        }
        Looked::Fine
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// What becomes of a text: the kind of the message, or the code the connection is closed with.
    fn told(text: &str, signed_in: bool) -> Result<String, u16> {
        let live = HashSet::from(["open".to_owned()]);
        match judge(&Message::text(text), signed_in, &live) {
            Err((code, reason)) => {
                assert!(reason.len() <= 123, "a close frame holds no more: {reason}");
                Err(code)
            }
            Ok(None) => Ok("nothing".to_owned()),
            Ok(Some(message)) => Ok(match message {
                ClientMessage::ConnectionInit { payload } => format!("init {payload:?}"),
                ClientMessage::Start { id, payload } => format!("start {id} {}", payload.query),
                ClientMessage::Stop { id } => format!("stop {id}"),
                ClientMessage::Ping { .. } => "ping".to_owned(),
                ClientMessage::Pong { .. } => "pong".to_owned(),
                ClientMessage::ConnectionTerminate => "terminate".to_owned(),
            }),
        }
    }

    #[test]
    fn messages_of_the_protocol_pass() {
        for (text, kind) in [
            (r#"{"type":"connection_init"}"#, "init None"),
            (r#"{"type":"connection_init","payload":null}"#, "init None"),
            (r#"{"type":"connection_init","payload":{}}"#, "init Some(Object {})"),
            (r#"{"type":"ping"}"#, "ping"),
            (r#"{"type":"pong","payload":{"a":1}}"#, "pong"),
        ] {
            assert_eq!(told(text, false).as_deref(), Ok(kind), "{text}");
        }
        for (text, kind) in [
            (r#"{"id":"1","type":"subscribe","payload":{"query":"{ a }"}}"#, "start 1 { a }"),
            (
                r#"{"id":"1","type":"subscribe","payload":{"query":"{ a }","variables":null,"operationName":null,"extensions":null}}"#,
                "start 1 { a }",
            ),
            (
                r#"{"id":"1","type":"subscribe","payload":{"query":"{ a }","variables":{"x":1},"operationName":"A","extensions":{}}}"#,
                "start 1 { a }",
            ),
            (r#"{"id":"open","type":"complete"}"#, "stop open"),
            (r#"{"id":"never","type":"complete"}"#, "stop never"),
        ] {
            assert_eq!(told(text, true).as_deref(), Ok(kind), "{text}");
        }
        assert!(matches!(judge(&Message::Ping("".into()), false, &HashSet::new()), Ok(None)));
    }

    #[test]
    fn what_is_no_message_of_the_protocol_is_a_bad_request_also_before_the_sign_in() {
        for text in [
            "",
            "not json",
            "[]",
            "7",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"hello"}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{ a }"}}"#,
            r#"{"type":"stop","id":"1"}"#,
            r#"{"type":"connection_terminate"}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"ping","payload":1}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":1}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":7}}"#,
            r#"{"type":"subscribe","id":"1","payload":"{ a }"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":{}}}"#,
        ] {
            assert_eq!((told(text, false), told(text, true)), (Err(4400), Err(4400)), "{text}");
        }
        assert_eq!(told(r#"{"type":"connection_init","payload":[]}"#, false), Err(4400));
        let binary = Message::Binary(r#"{"type":"ping"}"#.into());
        assert!(matches!(judge(&binary, false, &HashSet::new()), Err((4400, _))));
    }

    #[test]
    fn each_breach_has_its_own_code() {
        let subscribe =
            |id: &str| format!(r#"{{"id":"{id}","type":"subscribe","payload":{{"query":"{{ a }}"}}}}"#);
        assert_eq!(told(&subscribe("1"), false), Err(4401));
        assert_eq!(told(&subscribe("open"), true), Err(4409));
        assert_eq!(told(r#"{"type":"connection_init"}"#, true), Err(4429));
        let long = format!(r#"{{"type":"ping","payload":{{"x":"{}"}}}}"#, "x".repeat(MAX_BODY));
        assert_eq!((told(&long, false), told(&long, true)), (Err(1009), Err(1009)));
    }

    #[test]
    fn an_id_is_free_again_when_its_operation_is_gone() {
        let live = LiveIds::default();
        live.lock().unwrap().insert("1".to_owned());
        let held = Arc::new(LiveId { id: "1".to_owned(), live: Arc::clone(&live) });
        let request = Request::new("{ a }").data(held);
        let open = LiveId::of(&request).unwrap();
        drop(request);
        assert!(live.lock().unwrap().contains("1"));
        drop(open);
        assert!(live.lock().unwrap().is_empty());
    }
}
