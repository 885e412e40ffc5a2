//! Use cases of finding stores by place.

use std::sync::Arc;

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::MAX_ROWS;
use daraa_platform::paging::{Cursor, Page, PageRequest};

use crate::app::App;
use crate::ids::{StoreCategoryId, StoreId};
use crate::place::Point;
use crate::store::{Store, StoreError, category, covers, is_open, store};

/// Stores asked from the database in one go.
const BATCH: i64 = 64;
/// At most so many stores around a point are looked at for one page.
const MAX_SCANNED: usize = 2_000;
/// Positions are compared in millimetres; what is asked again starts a little nearer, so nothing falls between.
const MM: f64 = 1_000.0;

/// Which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[cfg_attr(feature = "graphql", graphql(name = "StoreSort"))]
pub enum NearSort {
    /// Nearest first.
    #[default]
    Distance,
    /// Best rated first.
    Rating,
}

/// What is asked for around a point.
#[derive(Debug, Clone)]
pub struct NearFilter {
    /// Where the goods are to go.
    pub point: Point,
    /// Only stores that take orders now.
    pub open_now: bool,
    /// Only of this category and those below it.
    pub category_id: Option<StoreCategoryId>,
    /// The order.
    pub sort: NearSort,
}

/// A store that delivers to the point.
#[derive(Debug, Clone)]
pub struct NearStore {
    /// The store.
    pub store: Arc<Store>,
    /// How far it is, metres as the crow flies.
    pub distance_m: i64,
    /// Takes orders now.
    pub open: bool,
    /// What it is sorted by, for the cursor.
    key: i64,
}

impl NearStore {
    fn cursor(&self) -> Cursor {
        Cursor { key: self.key, id: self.store.id.oid() }
    }
}

/// Active stores that deliver to the point. Pages are stable: their order hangs on distance (or rating) and id
/// only, and a page goes on after the last store seen, whatever opened or closed meanwhile.
///
/// # Errors
/// [`StoreError::CategoryNotFound`], or database failure.
pub async fn find(app: &App, filter: &NearFilter, page: &PageRequest) -> Result<Page<NearStore>, StoreError> {
    let categories = match filter.category_id {
        None => None,
        Some(root) => Some(category_and_below(app, root).await?),
    };
    let found = match filter.sort {
        NearSort::Distance => by_distance(app, filter, categories.as_deref(), page).await?,
        NearSort::Rating => by_rating(app, filter, categories.as_deref(), page).await?,
    };
    Ok(Page::build(page, found, NearStore::cursor))
}

/// The active stores that deliver to a point, in no order, at most 1,000.
///
/// # Errors
/// Database failure.
pub async fn serving(app: &App, point: Point) -> Result<Vec<StoreId>, StoreError> {
    Ok(store::serving_ids(app, point, None).await?)
}

/// No count of stores goes further: beyond this nobody reads the number.
pub const MAX_SERVING_COUNT: u64 = 100;

/// How many active stores deliver to a point, at most [`MAX_SERVING_COUNT`].
///
/// # Errors
/// Database failure.
pub async fn count_serving(app: &App, point: Point) -> Result<u64, StoreError> {
    Ok(store::count_serving(app, point, MAX_SERVING_COUNT).await?)
}

async fn category_and_below(app: &App, root: StoreCategoryId) -> Result<Vec<StoreCategoryId>, StoreError> {
    let tree = category::all(app).await.map_err(|e| match e {
        category::CategoryError::Infra(cause) => StoreError::Infra(cause),
        _ => StoreError::CategoryNotFound,
    })?;
    if tree.iter().all(|c| c.id != root) {
        return Err(StoreError::CategoryNotFound);
    }
    Ok(category::with_descendants(&tree, root))
}

/// Walks outward in batches until the page is full.
async fn by_distance(
    app: &App,
    filter: &NearFilter,
    categories: Option<&[StoreCategoryId]>,
    page: &PageRequest,
) -> Result<Vec<NearStore>, StoreError> {
    let wanted = usize::try_from(page.fetch_limit()).unwrap_or(usize::MAX);
    let mut after = page.from.as_ref().map(|c| (c.key, c.id));
    let mut out = Vec::new();
    let mut scanned = 0;
    let mut limit = BATCH.max(page.fetch_limit());
    loop {
        #[expect(clippy::cast_precision_loss, reason = "a distance on earth in mm has 35 bits")]
        let from_m = after.map_or(0.0, |(mm, _)| mm.saturating_sub(1).max(0) as f64 / MM);
        let rows = store::near(app, filter.point, categories, from_m, limit).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|n| n == limit);
        let mut keyed: Vec<(i64, StoreId)> =
            rows.iter().map(|row| (millimetres(row.distance), row.id)).collect();
        keyed.sort_by_key(|(mm, id)| (*mm, id.oid()));
        if full {
            // Others may be as far as the last ones: leave that distance to the next batch.
            let last = keyed.last().map(|(mm, _)| *mm);
            if keyed.first().map(|(mm, _)| *mm) == last && limit < MAX_ROWS {
                limit = (limit * 4).min(MAX_ROWS);
                continue;
            }
            if keyed.first().map(|(mm, _)| *mm) != last {
                keyed.retain(|(mm, _)| Some(*mm) != last);
            }
        }
        keyed.retain(|(mm, id)| after.is_none_or(|seen| (*mm, id.oid()) > seen));
        let progressed = !keyed.is_empty();
        if let Some((mm, id)) = keyed.last() {
            after = Some((*mm, id.oid()));
        }
        scanned += rows.len();
        out.extend(judge(app, filter, &keyed).await?);
        if out.len() >= wanted || !full || scanned >= MAX_SCANNED {
            out.truncate(wanted);
            return Ok(out);
        }
        if !progressed {
            // The whole batch was seen before: as many stores are as far as the cursor's.
            if limit >= MAX_ROWS {
                return Ok(out);
            }
            limit = (limit * 4).min(MAX_ROWS);
        }
    }
}

/// All that deliver to the point (at most 1,000), sorted here: their rating is no part of the place index.
async fn by_rating(
    app: &App,
    filter: &NearFilter,
    categories: Option<&[StoreCategoryId]>,
    page: &PageRequest,
) -> Result<Vec<NearStore>, StoreError> {
    let ids = store::serving_ids(app, filter.point, categories).await?;
    let keyed: Vec<(i64, StoreId)> = ids.into_iter().map(|id| (0, id)).collect();
    let mut found = judge(app, filter, &keyed).await?;
    for row in &mut found {
        row.key = row.store.rating.average_milli;
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.key, row.store.id.oid())));
    if let Some(from) = &page.from {
        found.retain(|row| (row.key, row.store.id.oid()) < (from.key, from.id));
    }
    found.truncate(usize::try_from(page.fetch_limit()).unwrap_or(usize::MAX));
    Ok(found)
}

/// Reads the stores and leaves out what does not belong, by the same rules as the cart and the order.
async fn judge(
    app: &App,
    filter: &NearFilter,
    keyed: &[(i64, StoreId)],
) -> Result<Vec<NearStore>, StoreError> {
    let ids: Vec<StoreId> = keyed.iter().map(|(_, id)| *id).collect();
    let stores = crate::store::get_many(app, &ids).await?;
    let now = app.clock.now();
    Ok(keyed
        .iter()
        .filter_map(|(key, id)| {
            let store = Arc::clone(stores.get(id)?);
            let open = is_open(&store, now);
            let wanted = covers(&store, filter.point) && (open || !filter.open_now);
            let distance_m = store.point.distance_m(filter.point);
            wanted.then_some(NearStore { store, distance_m, open, key: *key })
        })
        .collect())
}

fn millimetres(metres: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "no distance on earth in mm exceeds 35 bits")]
    let mm = (metres * MM).floor() as i64;
    mm
}
