//! Points on the earth, stored as GeoJSON so that 2dsphere indexes understand them.

use mongodb::bson::{Bson, doc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean earth radius in metres (IUGG). MongoDB's `$geoNear` takes the equator's, which is 0.1 % more: the order of
/// distances is the same.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "GeoJsonPoint", try_from = "GeoJsonPoint")]
pub struct Point {
    lon: f64,
    lat: f64,
}

/// A pair of numbers that is no point on earth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("longitude must be -180 to 180 and latitude -90 to 90")]
pub struct NotAPoint;

impl Point {
    /// A checked point.
    ///
    /// # Errors
    /// [`NotAPoint`] when out of range or not finite.
    pub fn new(lon: f64, lat: f64) -> Result<Self, NotAPoint> {
        if (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat) {
            Ok(Self { lon, lat })
        } else {
            Err(NotAPoint)
        }
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Great-circle distance in whole metres.
    #[must_use]
    pub fn distance_m(self, other: Self) -> i64 {
        let (lat1, lat2) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = (lat2 - lat1) / 2.0;
        let half_lon = (other.lon - self.lon).to_radians() / 2.0;
        let a = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
        #[expect(clippy::cast_possible_truncation, reason = "at most 20,016 km, far inside i64")]
        let metres = (2.0 * EARTH_RADIUS_M * a.sqrt().min(1.0).asin()).round() as i64;
        metres
    }

    /// Where it lies on the plane that touches the earth in `centre`, in earth radii to the east and north: the
    /// gnomonic projection, in which every shortest line on the sphere is straight. So what is inside or outside of an
    /// outline is decided there as the database decides it on the sphere, also across the date line. `None` beyond
    /// about 78 degrees from the centre.
    #[must_use]
    pub fn on_plane(self, centre: Self) -> Option<(f64, f64)> {
        const LEAST_COSINE: f64 = 0.2;
        let (sin, cos) = self.lat.to_radians().sin_cos();
        let (sin_c, cos_c) = centre.lat.to_radians().sin_cos();
        let (sin_east, cos_east) = (self.lon - centre.lon).to_radians().sin_cos();
        let cosine = sin_c * sin + cos_c * cos * cos_east;
        let (east, north) = (cos * sin_east, cos_c * sin - sin_c * cos * cos_east);
        (cosine > LEAST_COSINE).then(|| (east / cosine, north / cosine))
    }

    /// The GeoJSON document, for queries.
    #[must_use]
    pub fn geo_json(self) -> Bson {
        doc! { "type": "Point", "coordinates": [self.lon, self.lat] }.into()
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct GeoJsonPoint {
    r#type: String,
    coordinates: [f64; 2],
}

impl From<Point> for GeoJsonPoint {
    fn from(point: Point) -> Self {
        Self { r#type: "Point".to_owned(), coordinates: [point.lon, point.lat] }
    }
}

impl TryFrom<GeoJsonPoint> for Point {
    type Error = NotAPoint;
    fn try_from(json: GeoJsonPoint) -> Result<Self, NotAPoint> {
        let [lon, lat] = json.coordinates;
        Self::new(lon, lat)
    }
}
