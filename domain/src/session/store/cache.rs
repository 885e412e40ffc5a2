//! Which sessions are alive, remembered for half a second in this process.
//!
//! Not in Redis: a session that was ended must be refused everywhere within a second even when Redis is away. So each
//! process asks the database again after half a second, and forgets at once what it ended itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ids::SessionId;
use crate::session::error::SessionError;
use crate::session::model::Session;

/// How long an answer is believed; well below the promised second.
const BELIEVED: Duration = Duration::from_millis(500);
/// Sessions remembered at most; each takes some 300 bytes.
const CAPACITY: u64 = 50_000;

/// The remembered sessions of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SessionCache(moka::future::Cache<SessionId, Option<Arc<Session>>>);

impl Default for SessionCache {
    fn default() -> Self {
        Self(moka::future::Cache::builder().time_to_live(BELIEVED).max_capacity(CAPACITY).build())
    }
}

impl SessionCache {
    /// The session as it was less than a second ago.
    pub(in crate::session) async fn get_or_load(
        &self,
        id: SessionId,
        load: impl Future<Output = Result<Option<Session>, SessionError>>,
    ) -> Result<Option<Arc<Session>>, SessionError> {
        if let Some(known) = self.0.get(&id).await {
            return Ok(known);
        }
        let asked = Instant::now();
        let loaded = load.await?.map(Arc::new);
        // A slow answer may be old already: together with the time it is believed it stays within a second.
        if asked.elapsed() < BELIEVED {
            self.0.insert(id, loaded.clone()).await;
        }
        Ok(loaded)
    }

    /// Forgets a session that changed.
    pub(in crate::session) async fn forget(&self, id: SessionId) {
        self.0.invalidate(&id).await;
    }
}
