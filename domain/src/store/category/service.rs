//! Use cases of categories.

use std::sync::Arc;

use super::error::CategoryError;
use super::model::{MAX_CATEGORIES, StoreCategory};
use super::store;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
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
    if !actor.is_system() {
        actor.ops(&[OpsRole::Operations])?;
    }
    let slug_chars = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(2..=40).contains(&command.slug.len()) || !command.slug.chars().all(slug_chars) {
        return Err(CategoryError::BadSlug);
    }
    if !crate::store::good_name(&command.name) {
        return Err(CategoryError::BadName);
    }
    let tree = store::find_all(app).await?;
    if i64::try_from(tree.len()).unwrap_or(i64::MAX) >= MAX_CATEGORIES {
        return Err(CategoryError::TooManyCategories);
    }
    if command.parent_id.is_some_and(|parent| tree.iter().all(|c| c.id != parent)) {
        return Err(CategoryError::CategoryNotFound);
    }
    let row = StoreCategory {
        id: app.ids.next(),
        parent_id: command.parent_id,
        slug: command.slug,
        name: command.name,
        position: command.position,
    };
    store::insert(app, &row).await.map_err(|e| match e.duplicate_index() {
        Some("store_categories_slug") => CategoryError::SlugTaken,
        _ => e.into(),
    })?;
    Ok(row)
}
