//! How long it takes from one place to another.

use crate::model::{Place, Secs};

/// Metres per 10⁻⁷ degree of latitude, times 10⁷: the length of one degree.
const METRES_PER_DEGREE: i128 = 111_195;
const E7: i128 = 10_000_000;

/// Travel time between places; must be deterministic and must not depend on anything but its arguments.
pub trait Travel {
    /// Seconds from `from` to `to` when leaving at `at`; never negative.
    fn seconds(&self, from: Place, to: Place, at: Secs) -> Secs;

    /// A cheap order-preserving stand-in for distance, used to choose candidates before asking for seconds.
    fn nearness(&self, from: Place, to: Place) -> u128 {
        let dlat = i128::from(from.lat_e7) - i128::from(to.lat_e7);
        let dlon = i128::from(from.lon_e7) - i128::from(to.lon_e7);
        (dlat * dlat + dlon * dlon).unsigned_abs()
    }
}

/// Straight distance on the sphere, stretched by a detour factor, at a constant speed. Integer arithmetic only,
/// so every machine gives the same seconds; good to 0.3 % at city distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geodesic {
    /// Road length per straight length, in thousandths: 1,300 means 30 % longer.
    pub detour_permille: u32,
    /// Speed on the road, metres per hour.
    pub speed_m_per_h: u32,
}

impl Default for Geodesic {
    fn default() -> Self {
        Self { detour_permille: 1_300, speed_m_per_h: 24_000 }
    }
}

impl Geodesic {
    /// Straight distance in metres.
    #[must_use]
    pub fn metres(from: Place, to: Place) -> i64 {
        let dlat = i128::from(to.lat_e7) - i128::from(from.lat_e7);
        let mut dlon = i128::from(to.lon_e7) - i128::from(from.lon_e7);
        // The short way round the date line.
        if dlon.abs() > 180 * E7 {
            dlon -= dlon.signum() * 360 * E7;
        }
        let mid_lat = (i128::from(from.lat_e7) + i128::from(to.lat_e7)) / 2;
        // Millimetres keep the rounding below what anyone can notice.
        let north_mm = dlat * METRES_PER_DEGREE * 1_000 / E7;
        let east_mm = dlon * METRES_PER_DEGREE * 1_000 / E7 * cos_e9(mid_lat) / 1_000_000_000;
        let square = (north_mm * north_mm + east_mm * east_mm).unsigned_abs();
        i64::try_from(square.isqrt() / 1_000).unwrap_or(i64::MAX)
    }
}

/// Cosine of a latitude in 10⁻⁷ degrees, times 10⁹, by the even Taylor polynomial to x¹⁰ (error below 10⁻⁶).
fn cos_e9(lat_e7: i128) -> i128 {
    const ONE: i128 = 1_000_000_000;
    // Radians times 10⁹: π / 180 = 0.017453292519943…
    let x = lat_e7 * 17_453_292_520 / (E7 * 1_000);
    let x2 = x * x / ONE;
    let mut term = ONE;
    let mut sum = ONE;
    for pair in [2_i128, 12, 30, 56, 90] {
        term = -(term * x2 / ONE) / pair;
        sum += term;
    }
    sum.max(0)
}

impl Travel for Geodesic {
    fn seconds(&self, from: Place, to: Place, _at: Secs) -> Secs {
        let road = i128::from(Self::metres(from, to)) * i128::from(self.detour_permille);
        let speed = i128::from(self.speed_m_per_h.max(1)) * 1_000;
        // Rounded up: a promise that is a second too long is better than one too short.
        i64::try_from((road * 3_600 + speed - 1) / speed).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
    }

    fn nearness(&self, from: Place, to: Place) -> u128 {
        u128::from(Self::metres(from, to).unsigned_abs())
    }
}
