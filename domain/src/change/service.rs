//! Following the changes and forgetting what they make stale.

use std::time::{Duration, Instant};

use daraa_platform::mongo::DbError;
use daraa_platform::mongo::changes::{Change, Changes};
use daraa_platform::redis::CachedCollection;
use tracing::{info, warn};

use super::error::ChangeError;
use super::model::Position;
use super::store;
use crate::app::App;
use crate::outbox::Fence;

/// The place is noted this often: what was told since then is told again to the next follower, which does no harm.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// Follows the changes of what is cached, under a lease.
#[derive(Debug)]
pub struct Follower<'a> {
    app: &'a App,
    name: &'static str,
    table: &'a [CachedCollection],
    fence: Fence,
    changes: Changes,
    noted: Instant,
    /// Whether something was told since the place was noted.
    news: bool,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing has changed for a moment.
    Quiet,
    /// What was cached of one document is forgotten.
    Forgot,
    /// Everything cached is forgotten.
    ForgotAll,
    /// Another process follows.
    Deposed,
}

impl Step {
    /// For a metric's label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Forgot => "forgot",
            Self::ForgotAll => "forgot_all",
            Self::Deposed => "deposed",
        }
    }
}

impl<'a> Follower<'a> {
    /// Goes on from the place that was noted last. Without one, or where the database no longer knows it, changes were
    /// missed: everything cached is forgotten, after the stream is open.
    ///
    /// # Errors
    /// The database or Redis is away.
    pub async fn begin(
        app: &'a App,
        name: &'static str,
        table: &'a [CachedCollection],
        fence: Fence,
    ) -> Result<Self, ChangeError> {
        let from = store::find(app, name).await?;
        let follower = |changes| Self { app, name, table, fence, changes, noted: Instant::now(), news: true };
        if let Some(place) = &from {
            match store::follow(app, table, Some(&place.token)).await {
                Ok(changes) => return Ok(follower(changes)),
                Err(e) if e.history_lost() => {
                    warn!(since = %place.at, "the database no longer knows what has changed");
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(follower(follow_from_now(app, table).await?))
    }

    /// Deals with the next change, and notes the place now and then.
    ///
    /// # Errors
    /// The database or Redis is away: nothing later was noted; begin again.
    pub async fn step(&mut self) -> Result<Step, ChangeError> {
        let next = match self.changes.next().await {
            // It was found out only now that the place is too old.
            Err(e) if e.history_lost() => {
                self.changes = follow_from_now(self.app, self.table).await?;
                let mine = self.note().await?;
                return Ok(if mine { Step::ForgotAll } else { Step::Deposed });
            }
            other => other?,
        };
        let step = match next {
            None => Step::Quiet,
            Some(Change { collection: None, .. }) => {
                self.app.cache.forget_everything().await?;
                Step::ForgotAll
            }
            Some(Change { collection: Some(collection), id, .. }) => {
                let row = self.table.iter().find(|row| row.collection == collection);
                match row.and_then(|row| (row.name)(&id)) {
                    Some(name) => {
                        self.app.cache.forget(&[name]).await?;
                        Step::Forgot
                    }
                    None => Step::Quiet,
                }
            }
        };
        self.news |= step != Step::Quiet;
        if self.news && self.noted.elapsed() >= NOTE_EVERY && !self.note().await? {
            return Ok(Step::Deposed);
        }
        Ok(step)
    }

    /// Notes up to where everything is dealt with; `false` when another process follows.
    ///
    /// # Errors
    /// Database failure.
    pub async fn note(&mut self) -> Result<bool, DbError> {
        let Some(token) = self.changes.token()? else { return Ok(true) };
        let (name, fence, at) = (self.name.to_owned(), self.fence.number(), self.app.clock.now());
        let mine = store::put(self.app, &Position { name, token, fence, at }).await?;
        (self.noted, self.news) = (Instant::now(), false);
        Ok(mine)
    }
}

/// Changes were missed, so nothing cached can be trusted. The stream is opened first: no change falls between.
async fn follow_from_now(app: &App, table: &[CachedCollection]) -> Result<Changes, ChangeError> {
    let changes = store::follow(app, table, None).await?;
    app.cache.forget_everything().await?;
    info!("everything cached is forgotten; changes are followed from now on");
    Ok(changes)
}
