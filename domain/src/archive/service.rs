//! Moving, finding and restoring.

use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::mongo::MAX_ROWS;
use daraa_platform::ports::blob::Blobs;
use mongodb::bson::Document;

use super::error::ArchiveError;
use super::model::{Archive, Moved, Search};
use super::{rules, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit;

/// Audit entries stay in the database this long: 365 days.
pub const KEEP_AUDIT: Duration = Duration::from_secs(365 * 86_400);
/// One run moves at most so many files; what is left goes with the next run.
const MAX_FILES: i64 = 2_000;
/// One search answers at most so many entries.
const MAX_FOUND: usize = 1_000;
/// A search reads the index so many files at a time.
const PAGE: i64 = 200;
/// A search opens at most so many files: twenty million entries, minutes of reading. Whoever has more says from when.
const MAX_SEARCHED: i64 = 100_000;

/// Moves audit entries over a year old into files. Each file is written, read back, compared with the database and
/// noted before its entries are removed; a run that dies in between is simply begun anew.
///
/// # Errors
/// A seal that does not hold, a file that does not read back, the disk or the database.
pub async fn run(app: &App, blobs: &Blobs) -> Result<Moved, ArchiveError> {
    let actor = Actor::System("archive");
    let before = app.clock.now().minus(KEEP_AUDIT);
    let mut moved = Moved::default();
    while moved.files < MAX_FILES {
        let Some(batch) = audit::next_archivable(app, before).await? else { break };
        let name = format!("audit-{:010}.bson.gz", batch.seal.sequence);
        let file = rules::encode(&batch.entries)
            .ok_or_else(|| Infra::defect("an audit entry cannot be written as BSON"))?;
        let sha256 = rules::checksum(&file);
        let bytes = count(file.len());
        blobs.put(&name, file).await?;
        if read(blobs, &name, &sha256).await? != batch.entries {
            return Err(ArchiveError::ArchiveDamaged { name });
        }
        let made = || batch.entries.iter().filter_map(rules::made_at);
        let now = app.clock.now();
        let archive = Archive {
            seal: batch.seal.sequence,
            entries: count(batch.entries.len()),
            from: made().min().unwrap_or(now),
            to: made().max().unwrap_or(now),
            bytes,
            verified_at: now,
            moved_at: None,
            name,
            sha256,
        };
        store::note(app, &archive).await?;
        audit::archived(app, &actor, &batch, &archive.name, &archive.sha256).await?;
        store::moved(app, &archive.name, app.clock.now()).await?;
        moved.files = moved.files.saturating_add(1);
        moved.entries = moved.entries.saturating_add(archive.entries);
        moved.bytes = moved.bytes.saturating_add(bytes);
    }
    Ok(moved)
}

/// Reads a file and compares it with its checksum.
async fn read(blobs: &Blobs, name: &str, sha256: &str) -> Result<Vec<Document>, ArchiveError> {
    let damaged = || ArchiveError::ArchiveDamaged { name: name.to_owned() };
    let file = blobs.get(name).await?.ok_or_else(damaged)?;
    if rules::checksum(&file) != sha256 {
        return Err(damaged());
    }
    rules::decode(&file).ok_or_else(damaged)
}

/// The files whose time range overlaps the search, newest first; at most 1,000.
///
/// # Errors
/// Database failure.
pub async fn list(app: &App, search: &Search) -> Result<Vec<Archive>, ArchiveError> {
    Ok(store::overlapping(app, search, None, MAX_ROWS).await?)
}

/// Archived entries that match, newest file first; at most 1,000.
///
/// # Errors
/// A damaged file, more files than one search may open, the disk or the database.
pub async fn search(app: &App, blobs: &Blobs, search: &Search) -> Result<Vec<Document>, ArchiveError> {
    let mut found = Vec::new();
    let mut last: Option<Archive> = None;
    for _ in 0..MAX_SEARCHED / PAGE {
        let files = store::overlapping(app, search, last.as_ref(), PAGE).await?;
        for archive in &files {
            let entries = read(blobs, &archive.name, &archive.sha256).await?;
            found.extend(entries.into_iter().filter(|entry| rules::matches(entry, search)));
            if found.len() >= MAX_FOUND {
                found.truncate(MAX_FOUND);
                return Ok(found);
            }
        }
        last = files.into_iter().next_back();
        if last.is_none() {
            return Ok(found);
        }
    }
    // An answer that silently left files out would look like "there is nothing".
    Err(Infra::defect(format!("an archive search of more than {MAX_SEARCHED} files")).into())
}

/// Puts the entries of a file back into the database; says how many were not there. The file stays.
///
/// # Errors
/// No such file, a damaged one, the disk or the database.
pub async fn restore(app: &App, blobs: &Blobs, name: &str) -> Result<u64, ArchiveError> {
    let archive = store::get(app, name).await?.ok_or(ArchiveError::ArchiveNotFound)?;
    let entries = read(blobs, &archive.name, &archive.sha256).await?;
    Ok(audit::restore(app, &entries).await?)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
