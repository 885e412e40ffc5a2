//! A live feed over `graphql-transport-ws` that resumes after its last sequence number.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::Caller;

/// Events that may wait for their reader; a bot that lags further behind is broken.
const QUEUE: usize = 1_024;
/// The pause before connecting again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);
/// A socket that is silent for this long is taken for dead (the server pings more often).
const SILENCE: Duration = Duration::from_secs(45);

/// Follows a subscription field that returns `FeedEvent` for as long as the receiver lives, connecting again
/// with `after` when the socket is lost: no event is missed and none is seen twice.
///
/// `field` is the field with its arguments except `after`, e.g. `storeEvents` and `storeId: "sto_…"`.
#[must_use]
pub fn follow(
    caller: Caller,
    field: &'static str,
    arguments: String,
    selection: &'static str,
) -> mpsc::Receiver<Value> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut last: Option<String> = Some("0".to_owned());
        while !sender.is_closed() {
            let access = caller.access_token();
            if let Err(reason) = run(&caller, field, &arguments, selection, &mut last, &sender).await {
                tracing::debug!(field, reason, "feed reconnects");
                if reason.contains("4401") || reason.contains("4403") {
                    drop(caller.renew(access.as_deref()).await);
                }
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    });
    receiver
}

async fn run(
    caller: &Caller,
    field: &str,
    arguments: &str,
    selection: &str,
    last: &mut Option<String>,
    sender: &mpsc::Sender<Value>,
) -> Result<(), String> {
    let mut request = caller.api.ws_url().into_client_request().map_err(|e| e.to_string())?;
    let protocol = "graphql-transport-ws".parse().map_err(|_| "protocol".to_owned())?;
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.map_err(|e| e.to_string())?;
    let bearer = format!("Bearer {}", caller.access_token().unwrap_or_default());
    let init = json!({ "type": "connection_init", "payload": { "Authorization": bearer } });
    socket.send(Message::text(init.to_string())).await.map_err(|e| e.to_string())?;
    let mut arguments = if arguments.is_empty() { String::new() } else { format!("{arguments}, ") };
    if let Some(after) = last {
        arguments.push_str(&format!("after: \"{after}\""));
    }
    let query = format!("subscription {{ {field}({arguments}) {{ sequence kind subjectId {selection} }} }}");
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": query } });
    loop {
        let message = tokio::select! {
            () = sender.closed() => return Ok(()),
            message = tokio::time::timeout(SILENCE, socket.next()) => message.map_err(|_| "silence".to_owned())?,
        };
        let message = message.ok_or("closed")?.map_err(|e| e.to_string())?;
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => return Err(frame.map_or_else(|| "closed".to_owned(), |f| f.to_string())),
            _ => continue,
        };
        let frame: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        match frame["type"].as_str() {
            Some("connection_ack") => {
                socket.send(Message::text(subscribe.to_string())).await.map_err(|e| e.to_string())?;
            }
            Some("ping") => {
                let pong = json!({ "type": "pong" }).to_string();
                socket.send(Message::text(pong)).await.map_err(|e| e.to_string())?;
            }
            Some("next") => {
                let event = &frame["payload"]["data"][field];
                if event.is_null() {
                    return Err(frame["payload"]["errors"].to_string());
                }
                *last = match &event["sequence"] {
                    Value::String(s) => Some(s.clone()),
                    other => Some(other.to_string()),
                };
                sender.send(event.clone()).await.map_err(|_| "reader is gone".to_owned())?;
            }
            Some("error" | "complete") => return Err(frame.to_string()),
            _ => {}
        }
    }
}
