//! Why following was interrupted.

use daraa_platform::mongo::DbError;
use daraa_platform::redis::CacheError;

/// What keeps a follower from going on; it begins again.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Redis: what was not forgotten there must not count as dealt with.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
