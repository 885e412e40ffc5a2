//! A typed collection. Every operation is named, timed, traced and bounded by a deadline.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, Document};
use mongodb::options::ReturnDocument;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use super::error::reason;
use super::record::{Asked, PIPELINE, Recorder};
use super::{DbError, Tx};

/// No unpaged read returns more rows than this; longer lists are paged or streamed.
pub const MAX_ROWS: i64 = 1_000;

/// A typed collection with a deadline for each operation.
#[derive(Debug)]
pub struct Coll<T: Send + Sync> {
    inner: Collection<T>,
    name: &'static str,
    deadline: Duration,
    recorder: Option<Arc<Recorder>>,
}

impl<T: Send + Sync> Clone for Coll<T> {
    fn clone(&self) -> Self {
        self.within(self.deadline)
    }
}

impl<T: Send + Sync> Coll<T> {
    pub(super) fn new(
        inner: Collection<T>,
        name: &'static str,
        deadline: Duration,
        recorder: Option<Arc<Recorder>>,
    ) -> Self {
        Self { inner, name, deadline, recorder }
    }

    /// The same collection with another deadline, for long operations.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { inner: self.inner.clone(), name: self.name, deadline, recorder: self.recorder.clone() }
    }

    /// The driver's collection, for what this type does not offer.
    #[must_use]
    pub fn raw(&self) -> &Collection<T> {
        &self.inner
    }

    /// Tells the recorder, where there is one, what is asked for.
    fn note(&self, op: &'static str, asked: Asked<'_>) {
        if let Some(recorder) = &self.recorder {
            recorder.note(asked.shape(op, self.name));
        }
    }

    async fn run<R>(
        &self,
        op: &'static str,
        work: impl IntoFuture<Output = mongodb::error::Result<R>>,
    ) -> Result<R, DbError> {
        let started = std::time::Instant::now();
        let result = tokio::time::timeout(self.deadline, work.into_future()).await;
        metrics::histogram!("daraa_db_operation_seconds", "collection" => self.name, "op" => op)
            .record(started.elapsed().as_secs_f64());
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => {
                metrics::counter!("daraa_db_failures_total", "op" => op, "reason" => reason(&e)).increment(1);
                Err(e.into())
            }
            Err(_) => {
                metrics::counter!("daraa_db_deadline_total", "op" => op).increment(1);
                Err(DbError::Deadline { op })
            }
        }
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + Unpin> Coll<T> {
    /// The first document that matches.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_one(&self, op: &'static str, filter: Document) -> Result<Option<T>, DbError> {
        self.note(op, Asked::one("find", &filter));
        self.run(op, self.inner.find_one(filter)).await
    }

    /// The first document that matches, inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_one_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
    ) -> Result<Option<T>, DbError> {
        self.note(op, Asked::one("find", &filter));
        self.run(op, self.inner.find_one(filter).session(&mut tx.session)).await
    }

    /// Up to `limit` documents (never more than [`MAX_ROWS`]) in `sort` order.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_many(
        &self,
        op: &'static str,
        filter: Document,
        sort: Document,
        limit: i64,
    ) -> Result<Vec<T>, DbError> {
        self.note(op, Asked::many("find", &filter).in_order(&sort));
        let limit = limit.clamp(1, MAX_ROWS);
        self.run(op, async {
            let batch = u32::try_from(limit).unwrap_or(u32::MAX);
            self.inner.find(filter).sort(sort).limit(limit).batch_size(batch).await?.try_collect().await
        })
        .await
    }

    /// All documents that match, in `sort` order, read page by page; `after` says what comes after a row in that
    /// order. For lists that are short by their nature: `cap` bounds one that is not, which is warned of and
    /// counted, for what lies beyond is not seen.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_pages(
        &self,
        op: &'static str,
        filter: Document,
        sort: Document,
        cap: usize,
        after: impl Fn(&T) -> Document,
    ) -> Result<Vec<T>, DbError> {
        let mut rows: Vec<T> = Vec::new();
        loop {
            let page = match rows.last() {
                Some(last) => mongodb::bson::doc! { "$and": [filter.clone(), after(last)] },
                None => filter.clone(),
            };
            let page = self.find_many(op, page, sort.clone(), MAX_ROWS).await?;
            let full = i64::try_from(page.len()).unwrap_or(i64::MAX) >= MAX_ROWS;
            rows.extend(page);
            if !full {
                return Ok(rows);
            }
            if rows.len() >= cap {
                warn!(op, rows = rows.len(), "a list is cut at its cap; what lies beyond is not seen");
                metrics::counter!("daraa_db_lists_cut_total", "op" => op).increment(1);
                rows.truncate(cap);
                return Ok(rows);
            }
        }
    }

    /// Up to `limit` documents inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_many_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
        sort: Document,
        limit: i64,
    ) -> Result<Vec<T>, DbError> {
        self.note(op, Asked::many("find", &filter).in_order(&sort));
        let limit = limit.clamp(1, MAX_ROWS);
        self.run(op, async {
            let mut cursor = self.inner.find(filter).sort(sort).limit(limit).session(&mut tx.session).await?;
            cursor.stream(&mut tx.session).try_collect().await
        })
        .await
    }

    /// Inserts one document.
    ///
    /// # Errors
    /// [`DbError::Duplicate`] when a unique index refuses it, or database failure.
    pub async fn insert(&self, op: &'static str, row: &T) -> Result<(), DbError> {
        self.run(op, self.inner.insert_one(row)).await.map(|_| ())
    }

    /// Inserts one document inside a transaction.
    ///
    /// # Errors
    /// [`DbError::Duplicate`] when a unique index refuses it, or database failure.
    pub async fn insert_in_tx(&self, tx: &mut Tx, op: &'static str, row: &T) -> Result<(), DbError> {
        self.run(op, self.inner.insert_one(row).session(&mut tx.session)).await.map(|_| ())
    }

    /// Inserts many documents in order; none is a no-op.
    ///
    /// # Errors
    /// [`DbError::Duplicate`] when a unique index refuses one, or database failure.
    pub async fn insert_many(&self, op: &'static str, rows: &[T]) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.run(op, self.inner.insert_many(rows)).await.map(|_| ())
    }

    /// Inserts many documents inside a transaction; none is a no-op.
    ///
    /// # Errors
    /// [`DbError::Duplicate`] when a unique index refuses one, or database failure.
    pub async fn insert_many_in_tx(&self, tx: &mut Tx, op: &'static str, rows: &[T]) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.run(op, self.inner.insert_many(rows).session(&mut tx.session)).await.map(|_| ())
    }

    /// Updates the first document that matches; says whether one did. The precondition belongs into the
    /// filter: `false` means it did not hold.
    ///
    /// # Errors
    /// Database failure.
    pub async fn update_one(
        &self,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<bool, DbError> {
        self.note(op, Asked::one("update", &filter));
        Ok(self.run(op, self.inner.update_one(filter, update)).await?.matched_count > 0)
    }

    /// [`Self::update_one`] inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn update_one_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<bool, DbError> {
        self.note(op, Asked::one("update", &filter));
        Ok(self.run(op, self.inner.update_one(filter, update).session(&mut tx.session)).await?.matched_count
            > 0)
    }

    /// Updates the first match, or inserts it; says whether it was inserted.
    ///
    /// # Errors
    /// Database failure; two upserts that meet may answer [`DbError::Duplicate`].
    pub async fn upsert(
        &self,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<bool, DbError> {
        self.note(op, Asked::one("update", &filter));
        Ok(self.run(op, self.inner.update_one(filter, update).upsert(true)).await?.upserted_id.is_some())
    }

    /// [`Self::upsert`] inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn upsert_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<bool, DbError> {
        self.note(op, Asked::one("update", &filter));
        let work = self.inner.update_one(filter, update).upsert(true).session(&mut tx.session);
        Ok(self.run(op, work).await?.upserted_id.is_some())
    }

    /// Updates all that match; says how many did. Only for sets that are bounded by their nature.
    ///
    /// # Errors
    /// Database failure.
    pub async fn update_many(
        &self,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<u64, DbError> {
        self.note(op, Asked::many("update", &filter));
        Ok(self.run(op, self.inner.update_many(filter, update)).await?.matched_count)
    }

    /// [`Self::update_many`] inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn update_many_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<u64, DbError> {
        self.note(op, Asked::many("update", &filter));
        Ok(self.run(op, self.inner.update_many(filter, update).session(&mut tx.session)).await?.matched_count)
    }

    /// Updates the first match and returns it as it is afterwards; `None` when nothing matched.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_one_and_update(
        &self,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<Option<T>, DbError> {
        self.note(op, Asked::one("update", &filter));
        let work = self.inner.find_one_and_update(filter, update).return_document(ReturnDocument::After);
        self.run(op, work).await
    }

    /// [`Self::find_one_and_update`] inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn find_one_and_update_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<Option<T>, DbError> {
        self.note(op, Asked::one("update", &filter));
        let work = self
            .inner
            .find_one_and_update(filter, update)
            .return_document(ReturnDocument::After)
            .session(&mut tx.session);
        self.run(op, work).await
    }

    /// Deletes the first match; says whether there was one.
    ///
    /// # Errors
    /// Database failure.
    pub async fn delete_one(&self, op: &'static str, filter: Document) -> Result<bool, DbError> {
        self.note(op, Asked::one("delete", &filter));
        Ok(self.run(op, self.inner.delete_one(filter)).await?.deleted_count > 0)
    }

    /// Deletes all that match; says how many. The caller bounds the set (by `$in` of a batch of ids).
    ///
    /// # Errors
    /// Database failure.
    pub async fn delete_many(&self, op: &'static str, filter: Document) -> Result<u64, DbError> {
        self.note(op, Asked::many("delete", &filter));
        Ok(self.run(op, self.inner.delete_many(filter)).await?.deleted_count)
    }

    /// [`Self::delete_many`] inside a transaction.
    ///
    /// # Errors
    /// Database failure.
    pub async fn delete_many_in_tx(
        &self,
        tx: &mut Tx,
        op: &'static str,
        filter: Document,
    ) -> Result<u64, DbError> {
        self.note(op, Asked::many("delete", &filter));
        Ok(self.run(op, self.inner.delete_many(filter).session(&mut tx.session)).await?.deleted_count)
    }

    /// Counts matches, at most `cap`: a count is never allowed to walk a whole collection.
    ///
    /// # Errors
    /// Database failure.
    pub async fn count_up_to(&self, op: &'static str, filter: Document, cap: u64) -> Result<u64, DbError> {
        self.note(op, Asked::many("count", &filter));
        self.run(op, self.inner.count_documents(filter).limit(cap)).await
    }

    /// Up to `limit` values of `_id` that match, for batched deletes.
    ///
    /// # Errors
    /// Database failure.
    pub async fn ids(&self, op: &'static str, filter: Document, limit: i64) -> Result<Vec<Bson>, DbError> {
        self.note(op, Asked::many("find", &filter));
        self.run(op, async {
            let rows: Vec<Document> = self
                .inner
                .clone_with_type::<Document>()
                .find(filter)
                .projection(mongodb::bson::doc! { "_id": 1 })
                .limit(limit.clamp(1, MAX_ROWS))
                .await?
                .try_collect()
                .await?;
            Ok(rows.into_iter().filter_map(|mut row| row.remove("_id")).collect())
        })
        .await
    }

    /// Runs a pipeline whose rows are `R`, at most [`MAX_ROWS`] of them.
    ///
    /// # Errors
    /// Database failure.
    pub async fn aggregate<R: DeserializeOwned + Send + Sync + Unpin>(
        &self,
        op: &'static str,
        mut pipeline: Vec<Document>,
    ) -> Result<Vec<R>, DbError> {
        self.note(op, Asked::many("aggregate", &mongodb::bson::doc! { PIPELINE: pipeline.clone() }));
        pipeline.push(mongodb::bson::doc! { "$limit": MAX_ROWS });
        self.run(op, async { self.inner.aggregate(pipeline).with_type::<R>().await?.try_collect().await })
            .await
    }
}
