//! All migrations: numbered, applied once each by `daraa-server db migrate`, never renumbered or changed.
//!
//! Collections and missing indexes need none (`daraa-server indexes apply`). Here belongs what changes
//! documents that exist, and what drops or rebuilds an index.

use daraa_platform::mongo::migrate::Migration;

/// Every migration, by number.
pub const ALL: &[Migration] = &[];
