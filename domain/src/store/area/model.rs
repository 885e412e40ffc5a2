//! The service area as it is stored (GeoJSON) and as geometry.

use geo::algorithm::validation::{InvalidMultiPolygon, InvalidPolygon};
use geo::{Contains as _, Coord, LineString, MultiPolygon, Polygon, Validation as _};
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
/// No area is wider or higher than this (about 200 km): couriers do not cross countries.
pub const MAX_SPAN_DEGREES: f64 = 2.0;
/// Areas keep this far from the poles, where degrees of longitude shrink to nothing.
pub const MAX_LATITUDE: f64 = 85.0;

/// Points are kept to a ten-millionth of a degree (a centimetre): two that are closer are one, also for the database.
const PER_DEGREE: f64 = 1e7;
/// A ring whose points all lie within this of one line (about a metre) is a line that was drawn back and forth.
const MIN_WIDTH_DEGREES: f64 = 1e-5;
/// A ring has its first point at its end again, and three at least that differ.
const MIN_RING_POINTS: usize = 4;

/// Why rings make no service area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadArea {
    /// No polygon, or a polygon without an outline.
    #[error("the area is empty")]
    Empty,
    /// More than [`MAX_POLYGONS`], [`MAX_RINGS`] or [`MAX_POINTS`].
    #[error("the area has too many polygons, rings or points")]
    TooMany,
    /// A ring with fewer than three different points.
    #[error("a ring needs at least three different points")]
    TooFewPoints,
    /// A ring that does not end where it begins: perhaps the rest of it was cut off.
    #[error("a ring must end with the point it begins with")]
    Open,
    /// A ring whose points all lie on one line.
    #[error("a ring encloses nothing: its points lie on one line")]
    Flat,
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
    /// Beyond [`MAX_LATITUDE`].
    #[error("the area is too close to a pole")]
    NearPole,
}

/// A checked area: outlines with holes, in longitude and latitude. Its edges are the shortest lines on the sphere, as
/// the database takes them; it may lie across the date line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "GeoJsonArea", try_from = "GeoJsonArea")]
pub struct ServiceArea(MultiPolygon<f64>);

impl ServiceArea {
    /// Checks polygons, each a list of rings (the outline, then holes), each ending with the point it begins with.
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
                rings.iter().map(|points| ring(points)).collect::<Result<Vec<_>, BadArea>>()?.into_iter();
            let outline = rings.next().ok_or(BadArea::Empty)?;
            checked.push(Polygon::new(outline, rings.collect()));
        }
        let area = MultiPolygon::new(checked);
        let centre = centre(&area)?;
        let plane = on_plane(&area, centre).ok_or(BadArea::TooLarge)?;
        // On the sphere, and on the map as people draw it: a parallel is a line there only.
        if plane.iter().flat_map(rings_of).any(|ring| is_flat(ring, MIN_WIDTH_DEGREES.to_radians()))
            || area.iter().flat_map(rings_of).any(|ring| is_flat(ring, MIN_WIDTH_DEGREES))
        {
            return Err(BadArea::Flat);
        }
        plane.check_validation().map_err(|problem| match problem {
            InvalidMultiPolygon::InvalidPolygon(_, problem) => match problem {
                InvalidPolygon::TooFewPointsInRing(_) | InvalidPolygon::NonFiniteCoord(..) => {
                    BadArea::TooFewPoints
                }
                InvalidPolygon::SelfIntersection(_) => BadArea::SelfIntersection,
                _ => BadArea::BadHole,
            },
            _ => BadArea::Overlap,
        })?;
        Ok(Self(area))
    }

    /// Whether the point lies inside: not in a hole, and not on the border itself. Between two corners the border is
    /// the shortest line on the sphere, so that the answer is the database's; a point within a centimetre of it may be
    /// inside for the database and not here, never the other way round.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        // Seen from the point itself, which then is the origin: what is too far away to be seen does not hold it.
        on_plane(&self.0, point).is_some_and(|plane| plane.contains(&geo::Point::new(0.0, 0.0)))
    }

    /// The polygons as rings of points, closed; the outline first.
    #[must_use]
    pub fn polygons(&self) -> Vec<Vec<Vec<Point>>> {
        let points =
            |ring: &LineString<f64>| ring.coords().filter_map(|c| Point::new(c.x, c.y).ok()).collect();
        self.0.iter().map(|p| rings_of(p).map(points).collect()).collect()
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

fn rings_of(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

/// A closed ring of at least three different points, none repeated in a row.
fn ring(points: &[Point]) -> Result<LineString<f64>, BadArea> {
    let kept = |degrees: f64| (degrees * PER_DEGREE).round() / PER_DEGREE;
    let mut coords: Vec<Coord<f64>> = points
        .iter()
        .map(|p| Coord { x: kept(p.lon()), y: kept(p.lat()) })
        // Both ends of the map are one meridian.
        .map(|c| if c.x <= -180.0 { Coord { x: 180.0, y: c.y } } else { c })
        .collect();
    coords.dedup();
    let closed = coords.first() == coords.last();
    let mut different: Vec<(f64, f64)> = coords.iter().map(|c| (c.x, c.y)).collect();
    different.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    different.dedup();
    if different.len() < MIN_RING_POINTS.saturating_sub(1) {
        return Err(BadArea::TooFewPoints);
    }
    if !closed {
        return Err(BadArea::Open);
    }
    Ok(LineString::new(coords))
}

/// The middle of an area, from where all of it can be seen.
fn centre(area: &MultiPolygon<f64>) -> Result<Point, BadArea> {
    let first = area.iter().flat_map(rings_of).flat_map(LineString::coords).next().ok_or(BadArea::Empty)?;
    // Beyond the date line longitudes begin anew; counted from the first point they go on.
    let east = |c: &Coord<f64>| (c.x - first.x + 540.0).rem_euclid(360.0) - 180.0;
    let (mut west, mut eastern, mut south, mut north) = (0.0_f64, 0.0_f64, first.y, first.y);
    for c in area.iter().flat_map(rings_of).flat_map(LineString::coords) {
        (west, eastern) = (west.min(east(c)), eastern.max(east(c)));
        (south, north) = (south.min(c.y), north.max(c.y));
    }
    if south < -MAX_LATITUDE || north > MAX_LATITUDE {
        return Err(BadArea::NearPole);
    }
    if eastern - west > MAX_SPAN_DEGREES || north - south > MAX_SPAN_DEGREES {
        return Err(BadArea::TooLarge);
    }
    let lon = first.x + f64::midpoint(west, eastern);
    let lon = if lon > 180.0 { lon - 360.0 } else { lon };
    let lon = if lon < -180.0 { lon + 360.0 } else { lon };
    Point::new(lon, f64::midpoint(south, north)).map_err(|_| BadArea::TooLarge)
}

/// The area as it looks from a point; `None` when not all of it is to be seen from there.
fn on_plane(area: &MultiPolygon<f64>, centre: Point) -> Option<MultiPolygon<f64>> {
    let ring = |ring: &LineString<f64>| -> Option<LineString<f64>> {
        let seen = ring.coords().map(|c| Point::new(c.x, c.y).ok()?.on_plane(centre));
        Some(LineString::from(seen.collect::<Option<Vec<(f64, f64)>>>()?))
    };
    let polygons = area.iter().map(|polygon| {
        let holes = polygon.interiors().iter().map(ring).collect::<Option<Vec<_>>>()?;
        Some(Polygon::new(ring(polygon.exterior())?, holes))
    });
    polygons.collect::<Option<Vec<_>>>().map(MultiPolygon::new)
}

/// Whether all points of a ring lie within `min_width` of one line.
fn is_flat(ring: &LineString<f64>, min_width: f64) -> bool {
    let Some(first) = ring.coords().next() else { return true };
    let from_first = |c: &Coord<f64>| Coord { x: c.x - first.x, y: c.y - first.y };
    let length = |c: &Coord<f64>| c.x.hypot(c.y);
    let all = || ring.coords().map(from_first);
    let Some(along) = all().max_by(|a, b| length(a).total_cmp(&length(b))) else { return true };
    let width = all().map(|c| (c.x * along.y - c.y * along.x).abs() / length(&along)).fold(0.0, f64::max);
    width < min_width
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

/// What was stored was checked when it was written, so it is not checked again.
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
