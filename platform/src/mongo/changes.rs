//! Following a database: change streams that resume where they left off.
//!
//! Every wait has an end, for a frozen primary answers nothing: who follows opens the stream again with the last
//! [`Token`]. When the database no longer knows that place ([`DbError::history_lost`]), the follower has missed changes
//! and has to read anew what it keeps.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::{ChangeStreamEvent, ResumeToken};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DbError, Mongo};

/// The server answers after this long when nothing has changed.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A place in the history of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Token(#[schemars(schema_with = "super::shape::document_field")] Document);

/// Which changes are told of.
#[derive(Debug, Clone, Copy)]
pub struct Follow<'a> {
    /// Names the operation in errors.
    pub op: &'static str,
    /// The collections.
    pub collections: &'a [&'a str],
    /// Only what is new, and these fields of it; `None` for every change, without any field.
    pub new_with: Option<&'a [&'a str]>,
}

/// One committed change of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its collection; `None` when a whole collection, or the database, was dropped or renamed.
    pub collection: Option<String>,
    /// Its `_id`.
    pub id: Bson,
    /// The fields that were asked for.
    pub fields: Document,
}

/// The changes, in the order in which they were committed.
#[derive(Debug)]
pub struct Changes {
    stream: ChangeStream<ChangeStreamEvent<Document>>,
    op: &'static str,
    patience: Duration,
}

impl Mongo {
    /// Follows some collections from a place on, or from now on.
    ///
    /// # Errors
    /// Database failure; [`DbError::history_lost`] when the place is too old.
    pub async fn follow(&self, what: Follow<'_>, from: Option<&Token>) -> Result<Changes, DbError> {
        let kinds: &[&str] = match what.new_with {
            Some(_) => &["insert"],
            None => &["insert", "update", "replace", "delete"],
        };
        let whole = ["drop", "rename", "dropDatabase", "invalidate"];
        let documents = doc! { "ns.coll": { "$in": what.collections.to_vec() }, "operationType": { "$in": kinds.to_vec() } };
        let wanted = doc! { "$or": [documents, { "operationType": { "$in": whole.to_vec() } }] };
        let mut shown = doc! { "operationType": 1, "ns": 1, "documentKey": 1 };
        for field in what.new_with.unwrap_or_default() {
            shown.insert(format!("fullDocument.{field}"), 1);
        }
        let mut watch = self
            .db()
            .watch()
            .pipeline([doc! { "$match": wanted }, doc! { "$project": shown }])
            .max_await_time(ANSWER_WITHIN);
        if let Some(Token(place)) = from {
            watch =
                watch.resume_after(mongodb::bson::deserialize_from_document::<ResumeToken>(place.clone())?);
        }
        let answer = Duration::from_millis(self.config().operation_ms);
        let opened =
            tokio::time::timeout(answer, watch).await.map_err(|_| DbError::Deadline { op: what.op })?;
        Ok(Changes { stream: opened?, op: what.op, patience: ANSWER_WITHIN.saturating_add(answer) })
    }
}

impl Changes {
    /// The next change; `None` when there was none for a moment. After an error the stream is of no more use.
    ///
    /// # Errors
    /// Database failure; [`DbError::history_lost`] when changes were missed.
    pub async fn next(&mut self) -> Result<Option<Change>, DbError> {
        let next = tokio::time::timeout(self.patience, self.stream.next_if_any()).await;
        let event = next.map_err(|_| DbError::Deadline { op: self.op })??;
        Ok(event.map(|event| {
            let key = event.document_key.and_then(|mut key| key.remove("_id"));
            let collection = event.ns.and_then(|ns| ns.coll).filter(|_| key.is_some());
            Change {
                collection,
                id: key.unwrap_or(Bson::Null),
                fields: event.full_document.unwrap_or_default(),
            }
        }))
    }

    /// Up to where everything was told.
    ///
    /// # Errors
    /// A token that is no document: not from a MongoDB we know.
    pub fn token(&self) -> Result<Option<Token>, DbError> {
        let token = self.stream.resume_token();
        token.map(|token| Ok(Token(mongodb::bson::serialize_to_document(&token)?))).transpose()
    }
}
