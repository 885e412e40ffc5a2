//! Use cases of categories.

use std::sync::Arc;

use daraa_platform::fault::Infra;
use daraa_platform::transact;
use mongodb::bson::doc;

use super::error::CategoryError;
use super::model::{MAX_CATEGORIES, SLUG_INDEX, StoreCategory};
use super::{rules, store};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::StoreCategoryId;
use crate::text::LocalText;

/// A new category.
#[derive(Debug, Clone)]
pub struct CreateCategory {
    /// Below this one.
    pub parent_id: Option<StoreCategoryId>,
    /// The stable short name.
    pub slug: String,
    /// What people read.
    pub name: LocalText,
    /// Its place among its siblings.
    pub position: i64,
}

/// The whole tree, in the order it is shown.
///
/// # Errors
/// Database failure.
pub async fn all(app: &App) -> Result<Arc<Vec<StoreCategory>>, CategoryError> {
    Ok(Arc::new(store::all(app).await?))
}

/// Adds a category.
///
/// # Errors
/// No right, a bad slug or name, a slug that is taken, an unknown parent, too many categories.
pub async fn create(
    app: &App,
    actor: &Actor,
    command: CreateCategory,
) -> Result<StoreCategory, CategoryError> {
    may_change(actor)?;
    rules::check_slug(&command.slug)?;
    rules::check_name(&command.name)?;
    let tree = store::find_all(app).await?;
    if i64::try_from(tree.len()).unwrap_or(i64::MAX) >= MAX_CATEGORIES {
        return Err(CategoryError::TooManyCategories);
    }
    if command.parent_id.is_some_and(|parent| tree.iter().all(|c| c.id != parent)) {
        return Err(CategoryError::NO_PARENT);
    }
    let row = StoreCategory {
        id: app.ids.next(),
        parent_id: command.parent_id,
        slug: command.slug,
        name: command.name,
        position: command.position,
        version: 1,
    };
    store::insert(app, &row).await.map_err(|e| match e.duplicate_index() {
        Some(SLUG_INDEX) => CategoryError::SlugTaken,
        _ => e.into(),
    })?;
    Ok(row)
}

/// Changes of a category; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateCategory {
    /// Refuse when the category is no longer at this version.
    pub expected_version: Option<i64>,
    /// Below this one; `Some(None)` makes it a root.
    pub parent_id: Option<Option<StoreCategoryId>>,
    /// The stable short name.
    pub slug: Option<String>,
    /// What people read.
    pub name: Option<LocalText>,
    /// Its place among its siblings.
    pub position: Option<i64>,
}

/// Changes a category or moves it, with everything below it. What changes nothing has no effect.
///
/// # Errors
/// No right, an unknown category or parent, a bad slug or name, a slug that is taken,
/// [`CategoryError::CategoryCycle`], [`CategoryError::StaleVersion`].
pub async fn update(
    app: &App,
    actor: &Actor,
    id: StoreCategoryId,
    command: UpdateCategory,
) -> Result<StoreCategory, CategoryError> {
    may_change(actor)?;
    command.slug.as_deref().map_or(Ok(()), rules::check_slug)?;
    command.name.as_ref().map_or(Ok(()), rules::check_name)?;
    let done = transact!(&app.mongo, "category.update", CategoryError, |tx| {
        let tree = store::find_all_in_tx(app, tx).await?;
        let before = tree.iter().find(|c| c.id == id).ok_or(CategoryError::NOT_FOUND)?;
        if command.expected_version.is_some_and(|version| version != before.version) {
            return Err(CategoryError::StaleVersion);
        }
        let wanted = StoreCategory {
            parent_id: command.parent_id.unwrap_or(before.parent_id),
            slug: command.slug.clone().unwrap_or_else(|| before.slug.clone()),
            name: command.name.clone().unwrap_or_else(|| before.name.clone()),
            position: command.position.unwrap_or(before.position),
            ..before.clone()
        };
        if wanted == *before {
            return Ok(wanted);
        }
        if let Some(parent) = wanted.parent_id.filter(|parent| Some(*parent) != before.parent_id) {
            let line = rules::line_of(&tree, parent);
            if line.is_empty() {
                return Err(CategoryError::NO_PARENT);
            }
            if line.contains(&id) {
                return Err(CategoryError::CategoryCycle);
            }
            // Two moves at once that would make a circle together meet here.
            store::touch_in_tx(app, tx, &line).await?;
        }
        let after = store::set_in_tx(app, tx, &wanted).await?.ok_or(CategoryError::StaleVersion)?;
        let above = |row: &StoreCategory| row.parent_id.map(|parent| parent.to_string());
        let details = doc! {
            "slug": { "from": &before.slug, "to": &after.slug },
            "parent_id": { "from": above(before), "to": above(&after) },
            "version": after.version,
        };
        let entry = NewAudit { actor, action: "category.update", subject: id.to_string(), details };
        audit::record_in_tx(app, tx, entry).await?;
        Ok(after)
    });
    match done {
        Err(CategoryError::Infra(Infra::Db(e))) if e.duplicate_index() == Some(SLUG_INDEX) => {
            Err(CategoryError::SlugTaken)
        }
        other => other,
    }
}

fn may_change(actor: &Actor) -> Result<(), CategoryError> {
    if !actor.is_system() {
        actor.ops(&[OpsRole::Operations])?;
    }
    Ok(())
}
