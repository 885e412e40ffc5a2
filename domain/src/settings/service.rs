//! Reading and changing the settings.

use std::sync::Arc;

use daraa_platform::fault::Infra;
use daraa_platform::transact;
use mongodb::bson::{Document, serialize_to_document};

use super::error::SettingsError;
use super::model::{PLATFORM, Settings, UpdateSettings};
use super::{rules, store};
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, NewAudit};

/// The settings in force.
///
/// # Errors
/// Database failure.
pub async fn get(app: &App) -> Result<Arc<Settings>, Infra> {
    Ok(Arc::new(store::get(app).await?.unwrap_or_default()))
}

/// The settings as they are stored, not through the cache: for what is frozen on an order.
///
/// # Errors
/// Database failure.
pub async fn fresh(app: &App) -> Result<Arc<Settings>, Infra> {
    Ok(Arc::new(store::find(app).await?.unwrap_or_default()))
}

/// Changes the settings (admins, and the system for demo data), audited. What changes nothing has no effect.
///
/// # Errors
/// No right, a value out of its range, somebody else's change meanwhile, or database failure.
pub async fn update(app: &App, actor: &Actor, command: UpdateSettings) -> Result<Settings, SettingsError> {
    if !actor.is_system() {
        actor.ops(&[])?;
    }
    let current = store::find(app).await?.unwrap_or_default();
    if command.expected_version.is_some_and(|expected| expected != current.version) {
        return Err(SettingsError::StaleVersion);
    }
    let mut next = rules::apply(&current, command.patch)?;
    if next == current {
        return Ok(current);
    }
    next.version = current.version.saturating_add(1);
    next.updated_at = Some(app.clock.now());
    let details = changed(&current, &next)?;
    transact!(&app.mongo, "settings.update", SettingsError, |tx| {
        if !store::replace_in_tx(app, tx, current.version, &next).await? {
            return Err(SettingsError::StaleVersion);
        }
        let subject = PLATFORM.to_owned();
        let entry = NewAudit { actor, action: "settings.update", subject, details: details.clone() };
        audit::record_in_tx(app, tx, entry).await?;
        Ok(())
    })?;
    Ok(next)
}

/// What changed, for the log: the old and new values, and the version that came of them.
fn changed(before: &Settings, after: &Settings) -> Result<Document, SettingsError> {
    let stored = |settings: &Settings| serialize_to_document(settings).map_err(Infra::defect);
    let mut details = rules::changed(&stored(before)?, &stored(after)?);
    details.insert("version", after.version);
    Ok(details)
}
