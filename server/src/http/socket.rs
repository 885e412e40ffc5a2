//! `GET /graphql/ws`: subscriptions over `graphql-transport-ws`.
//!
//! The token comes in the payload of `connection_init` (`{"Authorization": "Bearer …"}`). The connection is
//! closed when the token expires or its session ends (4401), when the process stops (1001), when the client is
//! silent, and when it does not take what it asked for. Clients connect again and resume by `after:`.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::http::{WebSocket as GraphQlSocket, WebSocketProtocols, WsMessage};
use async_graphql::{Data, Executor, Request, Response as GraphQlResponse};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use daraa_platform::time::Timestamp;
use futures_util::{Sink, SinkExt as _, StreamExt as _, future, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::{Api, MAX_BODY, identify};
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
/// Whether the session still lives is asked this often.
const IDENTIFY_EVERY: Duration = Duration::from_secs(30);
/// Deadlines of a connection are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const CLOSE_AWAY: u16 = 1001;
const CLOSE_TOKEN: u16 = 4401;
const CLOSE_INIT: u16 = 4408;
const CLOSE_SLOW: u16 = 4409;

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
    let Ok(permit) = Arc::clone(&api.sockets).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let caller = identify::anonymous(&api, &parts);
    upgrade.protocols([PROTOCOL]).max_message_size(MAX_BODY).max_frame_size(MAX_BODY).on_upgrade(
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
        let caller = self.signed_in.get().map_or_else(|| self.before_init.clone(), |s| s.caller.clone());
        let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else {
            let refusal = Answer::refusal(Refusal::TooManySubscriptions.into(), &caller).response;
            return stream::once(future::ready(refusal)).boxed();
        };
        execute_stream(Arc::clone(&self.api), caller, request)
            .map(move |response| {
                // Held as long as the operation is open.
                let _ = &permit;
                response
            })
            .boxed()
    }
}

async fn init(
    api: Arc<Api>,
    mut caller: Caller,
    payload: serde_json::Value,
    signed_in: Arc<OnceLock<SignedIn>>,
) -> async_graphql::Result<Data> {
    let authorization = ["Authorization", "authorization"].iter().find_map(|key| payload.get(*key)?.as_str());
    let token = match authorization {
        None => None,
        Some(text) => {
            let identity = identify::identify(&api, text).await.map_err(code_only)?;
            caller.actor = identity.actor;
            caller.lang = identity.lang;
            Some((text.to_owned(), identity.expires_at))
        }
    };
    drop(signed_in.set(SignedIn { caller, token }));
    Ok(Data::default())
}

fn code_only(e: ApiError) -> async_graphql::Error {
    async_graphql::Error::new(e.fault().code())
}

async fn serve(api: Arc<Api>, socket: WebSocket, caller: Caller, _permit: OwnedSemaphorePermit) {
    let started = Instant::now();
    let heard_ms = Arc::new(AtomicI64::new(0));
    let (sink, source) = socket.split();
    let mut sink = pin!(sink);
    let heard = Arc::clone(&heard_ms);
    let input = source.take_while(|message| future::ready(message.is_ok())).filter_map(move |message| {
        heard.store(millis(started.elapsed()), Ordering::Relaxed);
        future::ready(match message {
            Ok(Message::Text(text)) => Some(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Some(bytes.to_vec()),
            _ => None,
        })
    });
    let signed_in: Arc<OnceLock<SignedIn>> = Arc::default();
    let operations = Operations {
        api: Arc::clone(&api),
        signed_in: Arc::clone(&signed_in),
        open: Arc::new(Semaphore::new(MAX_SUBSCRIPTIONS)),
        before_init: caller.clone(),
    };
    let on_init = {
        let (api, signed_in) = (Arc::clone(&api), Arc::clone(&signed_in));
        move |payload| init(api, caller, payload, signed_in)
    };
    let mut output = pin!(
        GraphQlSocket::new(operations, input, WebSocketProtocols::GraphQLWS).on_connection_init(on_init)
    );
    let mut watch = Watch {
        api: &api,
        signed_in: &signed_in,
        started,
        heard_ms: &heard_ms,
        asked: started,
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
                // A refused sign-in closes with the code that clients of this protocol expect.
                Some(WsMessage::Close(1002, reason)) if signed_in.get().is_none() => break Some((CLOSE_TOKEN, reason)),
                Some(WsMessage::Close(code, reason)) => break Some((code, reason)),
                None => break None,
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
    started: Instant,
    heard_ms: &'s AtomicI64,
    asked: Instant,
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
                let gone = match identify::identify(self.api, token).await {
                    // An absent database ends no session.
                    Err(e) => !e.fault().retryable(),
                    Ok(_) => false,
                };
                if gone {
                    return Looked::Close(CLOSE_TOKEN, "SESSION_ENDED");
                }
            }
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
