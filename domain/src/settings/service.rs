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

/// Changes the settings (admins, and the system for demo data), audited.
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

/// The new values of the fields that differ, with the version they came from.
fn changed(before: &Settings, after: &Settings) -> Result<Document, SettingsError> {
    let bson = |settings: &Settings| serialize_to_document(settings).map_err(Infra::defect);
    let before = bson(before)?;
    Ok(bson(after)?.into_iter().filter(|(field, value)| before.get(field) != Some(value)).collect())
}
