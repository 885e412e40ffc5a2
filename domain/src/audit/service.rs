//! Recording, sealing, verifying and reading the audit log.

mod archive;

pub use archive::{archived, next_archivable, restore};

use std::collections::{HashMap, HashSet};

use daraa_platform::fault::Infra;
use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest};
use daraa_platform::transact;
use mongodb::bson::RawDocumentBuf;
use tracing::info;

use super::error::AuditError;
use super::model::{
    AuditEntry, AuditFilter, AuditSeal, MAX_FINDINGS, NewAudit, SealReport, Tampering, VerifyReport,
};
use super::{rules, store};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::ids::AuditId;

/// Entries under one seal, and rows of one batch of a verification.
const BATCH: i64 = 200;
/// Seals one run may write, so that a run has an end while entries keep coming.
const MAX_SEALS: u64 = 100;
/// Records a privileged act in the transaction of its effect.
///
/// # Errors
/// Database failure.
pub async fn record_in_tx(app: &App, tx: &mut Tx, act: NewAudit<'_>) -> Result<AuditId, DbError> {
    let entry = AuditEntry {
        id: app.ids.next(),
        at: app.clock.now(),
        actor: act.actor.label(),
        action: act.action.to_owned(),
        subject: act.subject,
        details: act.details,
    };
    store::insert_in_tx(app, tx, &entry).await?;
    Ok(entry.id)
}

/// Recorded acts, newest first (operations and admins).
///
/// # Errors
/// No right, an impossible range, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>, AuditError> {
    actor.ops(&[OpsRole::Operations])?;
    if matches!((filter.from, filter.to), (Some(from), Some(to)) if to < from) {
        return Err(AuditError::EmptyRange);
    }
    let rows = store::list(app, filter, page).await?;
    Ok(Page::build(page, rows, |entry| Cursor { key: entry.at.millis(), id: entry.id.oid() }))
}

/// Seals what is pending, oldest first. Two runs at once are harmless: the second finds its sequence taken and stops.
///
/// # Errors
/// Database failure.
pub async fn seal(app: &App) -> Result<SealReport, AuditError> {
    let mut report = SealReport::default();
    while report.seals < MAX_SEALS {
        let sealed = match seal_next(app).await {
            Err(AuditError::Infra(Infra::Db(e))) if e.duplicate_index().is_some() => break,
            other => other?,
        };
        let Some(seal) = sealed else { break };
        report.seals += 1;
        report.entries += u64::try_from(seal.entries.len()).unwrap_or(u64::MAX);
        // The log is another place: it shows when the end of the chain is cut off.
        info!(audit.sequence = seal.sequence, audit.head = %seal.hash, "audit entries sealed");
    }
    Ok(report)
}

async fn seal_next(app: &App) -> Result<Option<AuditSeal>, AuditError> {
    let key = app.keys.audit_key();
    transact!(&app.mongo, "audit.seal", AuditError, |tx| {
        let ids: Vec<AuditId> =
            store::pending_in_tx(app, tx, BATCH).await?.into_iter().map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let entries = store::raw_in_tx(app, tx, &ids, BATCH).await?;
        let found: HashSet<AuditId> = entries.iter().filter_map(id_of).collect();
        // An entry that is gone keeps its pending row: verification reports it, the others are sealed.
        let ids: Vec<AuditId> = ids.into_iter().filter(|id| found.contains(id)).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let contents: Vec<[u8; 32]> = entries.iter().map(rules::content_hash).collect();
        let (sequence, previous) = match store::last_seal_in_tx(app, tx).await? {
            Some(last) => (last.sequence.saturating_add(1), last.hash),
            None => (1, String::new()),
        };
        let mut seal =
            AuditSeal { sequence, at: app.clock.now(), entries: ids, previous, hash: String::new() };
        seal.hash = rules::seal_hash(key, &seal, &contents);
        store::insert_seal_in_tx(app, tx, &seal).await?;
        store::clear_pending_in_tx(app, tx, &seal.entries).await?;
        Ok(Some(seal))
    })
}

/// Walks the whole chain and compares every entry with its seal.
///
/// # Errors
/// Database failure. Tampering is no error, it is in the report.
pub async fn verify(app: &App) -> Result<VerifyReport, AuditError> {
    let mut report = VerifyReport::default();
    walk_seals(app, &mut report).await?;
    walk_pending(app, &mut report).await?;
    walk_entries(app, &mut report).await?;
    Ok(report)
}

async fn walk_seals(app: &App, report: &mut VerifyReport) -> Result<(), AuditError> {
    let key = app.keys.audit_key();
    let archived_until = store::archived_until(app).await?;
    let mut sequence = 0_i64;
    loop {
        // Few at a time: each covers up to a batch of entries.
        let seals = store::seals_after(app, sequence, 20).await?;
        if seals.is_empty() {
            return Ok(());
        }
        for seal in seals {
            for sequence in (sequence.saturating_add(1)..seal.sequence).take(MAX_FINDINGS) {
                report.find(Tampering::SealMissing { sequence });
            }
            sequence = seal.sequence;
            report.seals += 1;
            let raw = store::raw(app, &seal.entries, BATCH).await?;
            report.entries += u64::try_from(raw.len()).unwrap_or(u64::MAX);
            let (contents, missing) = contents_of(&seal, &raw);
            let follows = seal.previous == report.head;
            // Archived as a whole: only its place in the chain is left to compare.
            let away = sequence <= archived_until && raw.is_empty();
            let holds = away || !missing.is_empty() || rules::seal_holds(key, &seal, &contents);
            if !follows || !holds {
                report.find(Tampering::SealBroken { sequence });
            }
            if !away {
                missing.into_iter().for_each(|id| report.find(Tampering::EntryMissing { sequence, id }));
            }
            report.head = seal.hash;
        }
    }
}

async fn walk_pending(app: &App, report: &mut VerifyReport) -> Result<(), AuditError> {
    let mut after = None;
    loop {
        let ids: Vec<AuditId> =
            store::pending_after(app, after, BATCH).await?.into_iter().map(|row| row.id).collect();
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        report.pending += u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let there: HashSet<AuditId> = store::raw(app, &ids, BATCH).await?.iter().filter_map(id_of).collect();
        for id in ids.into_iter().filter(|id| !there.contains(id)) {
            report.find(Tampering::PendingMissing { id });
        }
    }
}

/// Every entry is sealed or waits for its seal. Asked in this order: an entry came with its waiting row, and one sealed
/// meanwhile lost that row only together with getting its seal.
async fn walk_entries(app: &App, report: &mut VerifyReport) -> Result<(), AuditError> {
    let mut after = None;
    loop {
        let ids: Vec<AuditId> =
            store::entries_after(app, after, BATCH).await?.iter().filter_map(id_of).collect();
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        let pending: HashSet<AuditId> =
            store::pending_of(app, &ids, BATCH).await?.into_iter().map(|row| row.id).collect();
        let open: Vec<AuditId> = ids.into_iter().filter(|id| !pending.contains(id)).collect();
        let sealed: HashSet<AuditId> =
            store::seals_over(app, &open, BATCH).await?.into_iter().flat_map(|seal| seal.entries).collect();
        for id in open.into_iter().filter(|id| !sealed.contains(id)) {
            report.find(Tampering::EntryUnsealed { id });
        }
    }
}

/// The hashes of the seal's entries in its order, and those that are not there.
fn contents_of(seal: &AuditSeal, raw: &[RawDocumentBuf]) -> (Vec<[u8; 32]>, Vec<AuditId>) {
    let stored: HashMap<AuditId, [u8; 32]> =
        raw.iter().filter_map(|raw| Some((id_of(raw)?, rules::content_hash(raw)))).collect();
    let mut contents = Vec::with_capacity(seal.entries.len());
    let mut missing = Vec::new();
    for id in &seal.entries {
        match stored.get(id) {
            Some(content) => contents.push(*content),
            None => missing.push(*id),
        }
    }
    (contents, missing)
}

fn id_of(raw: &RawDocumentBuf) -> Option<AuditId> {
    raw.get_object_id("_id").ok().map(AuditId::from)
}
