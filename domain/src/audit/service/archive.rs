//! Moving old entries to an archive without breaking the chain: whole seals at a time, verified before, remembered in
//! the log itself.

use daraa_platform::fault::Infra;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Document, doc};

use super::{BATCH, contents_of};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::error::AuditError;
use crate::audit::model::{ARCHIVE_ACTION, ArchiveBatch, NewAudit};
use crate::audit::{rules, store};

/// The next seal after the archived ones whose entries all are older than `before`, compared with its hash; `None` when
/// there is none.
///
/// # Errors
/// A seal that does not hold (nothing is archived then: a person has to look), or database failure.
pub async fn next_archivable(app: &App, before: Timestamp) -> Result<Option<ArchiveBatch>, AuditError> {
    let done = store::archived_until(app).await?;
    let Some(seal) = store::seals_after(app, done, 1).await?.pop() else { return Ok(None) };
    let raw = store::raw(app, &seal.entries, BATCH).await?;
    let (contents, missing) = contents_of(&seal, &raw);
    if !missing.is_empty() || !rules::seal_holds(app.keys.audit_key(), &seal, &contents) {
        return Err(Infra::defect(format!("audit seal {} does not hold", seal.sequence)).into());
    }
    let entries: Vec<Document> = raw
        .iter()
        .map(Document::try_from)
        .collect::<Result<_, _>>()
        .map_err(daraa_platform::mongo::DbError::from)?;
    let old = |entry: &Document| {
        entry.get_datetime("at").is_ok_and(|at| Timestamp::from_millis(at.timestamp_millis()) < before)
    };
    Ok(entries.iter().all(old).then_some(ArchiveBatch { seal, entries }))
}

/// Removes the entries of a batch that lies in an archive, and says so in the log. `archive` names the file, `checksum`
/// its content. Doing it twice is harmless.
///
/// # Errors
/// Database failure.
pub async fn archived(
    app: &App,
    actor: &Actor,
    batch: &ArchiveBatch,
    archive: &str,
    checksum: &str,
) -> Result<(), AuditError> {
    if store::archived_until(app).await? >= batch.seal.sequence {
        return Ok(());
    }
    transact!(&app.mongo, "audit.archived", AuditError, |tx| {
        // Two who archive at once meet here: the one who finds nothing left to remove has nothing to record.
        if store::remove_in_tx(app, tx, &batch.seal.entries).await? == 0 {
            return Ok(());
        }
        let details = doc! {
            "until": batch.seal.sequence,
            "archive": archive,
            "checksum": checksum,
            "entries": i64::try_from(batch.seal.entries.len()).unwrap_or(i64::MAX),
        };
        let subject = archive.to_owned();
        super::record_in_tx(app, tx, NewAudit { actor, action: ARCHIVE_ACTION, subject, details }).await?;
        Ok(())
    })
}

/// Puts archived entries back; those that are there stay as they are. [`super::verify`] compares them with their seals
/// again.
///
/// # Errors
/// Database failure.
pub async fn restore(app: &App, entries: &[Document]) -> Result<u64, AuditError> {
    let mut restored = 0;
    for entry in entries {
        if store::put_back(app, entry).await? {
            restored += 1;
        }
    }
    Ok(restored)
}
