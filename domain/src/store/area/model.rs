//! The service area as it is stored (GeoJSON) and as geometry.

use geo::algorithm::validation::{InvalidMultiPolygon, InvalidPolygon};
use geo::{
    Area as _, BoundingRect as _, Contains as _, Coord, LineString, MultiPolygon, Polygon, Validation as _,
};
use mongodb::bson::{Bson, doc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::place::Point;

/// Polygons of one area.
pub const MAX_POLYGONS: usize = 10;
/// Rings of one polygon: its outline and its holes.
pub const MAX_RINGS: usize = 10;
/// Points of a whole area; checking is quadratic in the worst case.
pub const MAX_POINTS: usize = 1_000;
/// No area is wider or higher than this (about 200 km): couriers do not cross countries, and edges stay straight
/// enough that geometry on the plane and on the sphere agree to a few metres.
pub const MAX_SPAN_DEGREES: f64 = 2.0;

/// A smaller ring (some square metres) is a line that was drawn back and forth.
const MIN_RING_SQUARE_DEGREES: f64 = 1e-9;

/// Why rings make no service area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadArea {
    /// No polygon, or a polygon without an outline.
    #[error("the area is empty")]
    Empty,
    /// More than [`MAX_POLYGONS`], [`MAX_RINGS`] or [`MAX_POINTS`].
    #[error("the area has too many polygons, rings or points")]
    TooMany,
    /// A ring with fewer than three different points, or all of them on one line.
    #[error("a ring needs at least three points that are not on one line")]
    TooFewPoints,
    /// A ring crosses or touches itself.
    #[error("a ring crosses itself")]
    SelfIntersection,
    /// A hole is not within its outline, or holes meet.
    #[error("a hole must lie within its polygon and apart from other holes")]
    BadHole,
    /// Two polygons overlap or share a border.
    #[error("polygons of an area must not overlap")]
    Overlap,
    /// Wider or higher than [`MAX_SPAN_DEGREES`].
    #[error("the area is too large")]
    TooLarge,
}

/// A checked area: outlines with holes, on the plane of longitude and latitude.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "GeoJsonArea", try_from = "GeoJsonArea")]
pub struct ServiceArea(MultiPolygon<f64>);

impl ServiceArea {
    /// Checks polygons, each a list of rings (the outline, then holes). Rings may be closed or left open.
    ///
    /// # Errors
    /// [`BadArea`].
    pub fn new(polygons: Vec<Vec<Vec<Point>>>) -> Result<Self, BadArea> {
        let points: usize = polygons.iter().flatten().map(Vec::len).sum();
        if polygons.len() > MAX_POLYGONS
            || points > MAX_POINTS
            || polygons.iter().any(|p| p.len() > MAX_RINGS)
        {
            return Err(BadArea::TooMany);
        }
        if polygons.is_empty() || polygons.iter().any(Vec::is_empty) {
            return Err(BadArea::Empty);
        }
        let mut checked = Vec::with_capacity(polygons.len());
        for rings in polygons {
            let mut rings =
                rings.into_iter().map(ring).collect::<Result<Vec<LineString<f64>>, BadArea>>()?.into_iter();
            let outline = rings.next().ok_or(BadArea::Empty)?;
            checked.push(Polygon::new(outline, rings.collect()));
        }
        let area = MultiPolygon::new(checked);
        let bounds = area.bounding_rect().ok_or(BadArea::Empty)?;
        if bounds.width() > MAX_SPAN_DEGREES || bounds.height() > MAX_SPAN_DEGREES {
            return Err(BadArea::TooLarge);
        }
        area.check_validation().map_err(|problem| match problem {
            InvalidMultiPolygon::InvalidPolygon(_, problem) => match problem {
                InvalidPolygon::TooFewPointsInRing(_) | InvalidPolygon::NonFiniteCoord(..) => {
                    BadArea::TooFewPoints
                }
                InvalidPolygon::SelfIntersection(_) => BadArea::SelfIntersection,
                _ => BadArea::BadHole,
            },
            _ => BadArea::Overlap,
        })?;
        // A ring along one line crosses nothing and holds nothing; MongoDB refuses it.
        let flat = |ring: &LineString<f64>| {
            Polygon::new(ring.clone(), Vec::new()).unsigned_area() < MIN_RING_SQUARE_DEGREES
        };
        if area.iter().any(|p| flat(p.exterior()) || p.interiors().iter().any(flat)) {
            return Err(BadArea::TooFewPoints);
        }
        Ok(Self(area))
    }

    /// Whether the point lies inside (not in a hole; the border itself is outside).
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        self.0.contains(&geo::Point::new(point.lon(), point.lat()))
    }

    /// The polygons as rings of points, closed; the outline first.
    #[must_use]
    pub fn polygons(&self) -> Vec<Vec<Vec<Point>>> {
        let points =
            |ring: &LineString<f64>| ring.coords().filter_map(|c| Point::new(c.x, c.y).ok()).collect();
        self.0
            .iter()
            .map(|p| std::iter::once(p.exterior()).chain(p.interiors()).map(points).collect())
            .collect()
    }

    /// The GeoJSON document, for queries.
    #[must_use]
    pub fn geo_json(&self) -> Bson {
        let ring = |ring: &Vec<Point>| -> Bson {
            ring.iter().map(|p| Bson::from(vec![p.lon(), p.lat()])).collect::<Vec<Bson>>().into()
        };
        let polygons: Vec<Bson> = self
            .polygons()
            .iter()
            .map(|rings| rings.iter().map(ring).collect::<Vec<Bson>>().into())
            .collect();
        doc! { "type": "MultiPolygon", "coordinates": polygons }.into()
    }
}

/// A closed ring of at least three different points, none repeated in a row.
fn ring(points: Vec<Point>) -> Result<LineString<f64>, BadArea> {
    let mut coords: Vec<Coord<f64>> = points.iter().map(|p| Coord { x: p.lon(), y: p.lat() }).collect();
    coords.dedup();
    if coords.len() > 1 && coords.first() == coords.last() {
        coords.pop();
    }
    let first = *coords.first().ok_or(BadArea::TooFewPoints)?;
    if coords.len() < 3 {
        return Err(BadArea::TooFewPoints);
    }
    coords.push(first);
    Ok(LineString::new(coords))
}

/// Stored always as MultiPolygon, so that every document has one shape; a Polygon is understood, too.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "coordinates")]
enum GeoJsonArea {
    Polygon(Vec<Vec<[f64; 2]>>),
    MultiPolygon(Vec<Vec<Vec<[f64; 2]>>>),
}

impl From<ServiceArea> for GeoJsonArea {
    fn from(area: ServiceArea) -> Self {
        let ring = |ring: Vec<Point>| ring.into_iter().map(|p| [p.lon(), p.lat()]).collect();
        Self::MultiPolygon(
            area.polygons().into_iter().map(|rings| rings.into_iter().map(ring).collect()).collect(),
        )
    }
}

/// What was stored was checked when it was written; reading only asks for points on earth.
impl TryFrom<GeoJsonArea> for ServiceArea {
    type Error = BadArea;
    fn try_from(json: GeoJsonArea) -> Result<Self, BadArea> {
        let polygons = match json {
            GeoJsonArea::Polygon(rings) => vec![rings],
            GeoJsonArea::MultiPolygon(polygons) => polygons,
        };
        let line =
            |ring: Vec<[f64; 2]>| LineString::from(ring.into_iter().map(|[x, y]| (x, y)).collect::<Vec<_>>());
        Ok(Self(MultiPolygon::new(
            polygons
                .into_iter()
                .map(|rings| {
                    let mut rings = rings.into_iter().map(line);
                    let outline = rings.next().ok_or(BadArea::Empty)?;
                    Ok(Polygon::new(outline, rings.collect()))
                })
                .collect::<Result<Vec<_>, BadArea>>()?,
        )))
    }
}
