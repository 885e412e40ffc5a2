//! The plan of a day: read from an instance of the Meal Delivery Routing Problem, or generated from a seed.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::actors::Place;

/// The south-western corner of every day's map: the city of Daraa.
const ORIGIN: Place = Place { lon: 36.10, lat: 32.62 };
/// Metres of one degree of latitude (mean, WGS 84).
const METRES_PER_DEGREE: f64 = 111_195.0;

/// One order to be placed.
#[derive(Debug, Clone)]
pub struct PlannedOrder {
    /// Its name in the instance.
    pub name: String,
    /// Where it goes.
    pub home: Place,
    /// Minute of the day at which the customer places it.
    pub placed_minute: u32,
    /// Minute at which the store has it ready.
    pub ready_minute: u32,
    /// Index of the store.
    pub store: usize,
}

/// One courier's shift.
#[derive(Debug, Clone)]
pub struct PlannedCourier {
    /// The name in the instance.
    pub name: String,
    /// Where the shift begins.
    pub start: Place,
    /// First minute of the shift.
    pub on_minute: u32,
    /// Last minute of the shift.
    pub off_minute: u32,
}

/// A whole day.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it is called in the report.
    pub name: String,
    /// Where the stores are.
    pub stores: Vec<Place>,
    /// All orders, by time of placement.
    pub orders: Vec<PlannedOrder>,
    /// All shifts.
    pub couriers: Vec<PlannedCourier>,
    /// Courier speed.
    pub metres_per_minute: f64,
    /// Minutes a pick-up takes, half of them before the goods change hands.
    pub pickup_minutes: u32,
    /// Minutes a drop-off takes, half of them before the goods change hands.
    pub dropoff_minutes: u32,
}

/// What keeps an instance from being read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file cannot be read.
    #[error("{file}: {cause}")]
    Read {
        /// Which file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// A line is not as the format says.
    #[error("{file}, line {line}: {what}")]
    Line {
        /// Which file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Plan {
    /// Reads the four tab-separated files of an instance.
    ///
    /// # Errors
    /// An unreadable file or line.
    pub fn read(directory: &Path) -> Result<Self, PlanError> {
        let parameters = Table::read(directory, "instance_parameters.txt")?;
        let stores = Table::read(directory, "restaurants.txt")?;
        let mut index = BTreeMap::new();
        let mut places = Vec::new();
        for row in 0..stores.len() {
            index.insert(stores.text(row, "restaurant")?, row);
            places.push(stores.place(row)?);
        }
        let rows = Table::read(directory, "orders.txt")?;
        let mut orders = Vec::new();
        for row in 0..rows.len() {
            let name = rows.text(row, "restaurant")?;
            orders.push(PlannedOrder {
                name: rows.text(row, "order")?,
                home: rows.place(row)?,
                placed_minute: rows.number(row, "placement_time")?,
                ready_minute: rows.number(row, "ready_time")?,
                store: *index
                    .get(&name)
                    .ok_or_else(|| rows.wrong(row, &format!("unknown restaurant {name}")))?,
            });
        }
        orders.sort_by_key(|order| order.placed_minute);
        let rows = Table::read(directory, "couriers.txt")?;
        let mut couriers = Vec::new();
        for row in 0..rows.len() {
            couriers.push(PlannedCourier {
                name: rows.text(row, "courier")?,
                start: rows.place(row)?,
                on_minute: rows.number(row, "on_time")?,
                off_minute: rows.number(row, "off_time")?,
            });
        }
        Ok(Self {
            name: directory.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            stores: places,
            orders,
            couriers,
            metres_per_minute: f64::from(parameters.number(0, "meters_per_minute")?),
            pickup_minutes: parameters.number(0, "pickup service minutes")?,
            dropoff_minutes: parameters.number(0, "dropoff service minutes")?,
        })
    }

    /// A made-up day: the same for the same seed.
    #[must_use]
    pub fn generate(seed: u64, order_count: usize, store_count: usize, courier_count: usize) -> Self {
        const SIDE_M: f64 = 8_000.0;
        const LAST_MINUTE: u32 = 600;
        let mut random = StdRng::seed_from_u64(seed);
        let place = |random: &mut StdRng| {
            at_metres(random.random_range(0.0..SIDE_M), random.random_range(0.0..SIDE_M))
        };
        let stores: Vec<Place> = (0..store_count.max(1)).map(|_| place(&mut random)).collect();
        let mut orders: Vec<PlannedOrder> = (0..order_count)
            .map(|n| {
                // Two humps, lunch and dinner: the sum of two draws around each.
                let hump = if random.random_bool(0.4) { 90 } else { 360 };
                let placed_minute = hump + random.random_range(0..100) + random.random_range(0..100);
                PlannedOrder {
                    name: format!("o{}", n + 1),
                    home: place(&mut random),
                    placed_minute,
                    ready_minute: placed_minute + random.random_range(8..25),
                    store: random.random_range(0..stores.len()),
                }
            })
            .collect();
        orders.sort_by_key(|order| order.placed_minute);
        let couriers = (0..courier_count.max(1))
            .map(|n| {
                let on_minute = if n % 3 == 0 { 0 } else { random.random_range(0..LAST_MINUTE / 2) };
                let off_minute = if n % 3 == 0 { LAST_MINUTE + 120 } else { on_minute + 240 };
                PlannedCourier {
                    name: format!("c{}", n + 1),
                    start: place(&mut random),
                    on_minute,
                    off_minute,
                }
            })
            .collect();
        Self {
            name: format!("generated-{seed}"),
            stores,
            orders,
            couriers,
            metres_per_minute: 320.0,
            pickup_minutes: 4,
            dropoff_minutes: 4,
        }
    }

    /// Minutes from one place to another, rounded up as the problem's definition says.
    #[must_use]
    pub fn travel_minutes(&self, from: Place, to: Place) -> u32 {
        let dx = (to.lon - from.lon) * METRES_PER_DEGREE * ORIGIN.lat.to_radians().cos();
        let dy = (to.lat - from.lat) * METRES_PER_DEGREE;
        // A millimetre of slack: the way through degrees must not round a whole minute up to the next.
        ((dx.hypot(dy) - 0.001) / self.metres_per_minute).ceil().max(0.0) as u32
    }
}

/// Metres east and north of the origin as a place.
fn at_metres(x: f64, y: f64) -> Place {
    Place {
        lon: ORIGIN.lon + x / (METRES_PER_DEGREE * ORIGIN.lat.to_radians().cos()),
        lat: ORIGIN.lat + y / METRES_PER_DEGREE,
    }
}

/// A tab-separated file with one header line.
struct Table {
    file: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(directory: &Path, name: &str) -> Result<Self, PlanError> {
        let path = directory.join(name);
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(&path).map_err(|cause| PlanError::Read { file: file.clone(), cause })?;
        let mut lines =
            text.lines().map(|line| line.split('\t').map(|cell| cell.trim().to_owned()).collect());
        let header = lines.next().unwrap_or_default();
        let rows = lines.filter(|row: &Vec<String>| row.iter().any(|cell| !cell.is_empty())).collect();
        Ok(Self { file, header, rows })
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn wrong(&self, row: usize, what: &str) -> PlanError {
        PlanError::Line { file: self.file.clone(), line: row + 2, what: what.to_owned() }
    }

    fn text(&self, row: usize, column: &str) -> Result<String, PlanError> {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.rows.get(row)?.get(at))
            .cloned()
            .ok_or_else(|| self.wrong(row, &format!("no column \"{column}\"")))
    }

    fn number(&self, row: usize, column: &str) -> Result<u32, PlanError> {
        let text = self.text(row, column)?;
        text.parse().map_err(|_| self.wrong(row, &format!("{column} is not a whole number: {text}")))
    }

    fn place(&self, row: usize) -> Result<Place, PlanError> {
        Ok(at_metres(f64::from(self.number(row, "x")?), f64::from(self.number(row, "y")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_day() {
        let (a, b) = (Plan::generate(7, 40, 5, 6), Plan::generate(7, 40, 5, 6));
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        assert_ne!(format!("{a:?}"), format!("{:?}", Plan::generate(8, 40, 5, 6)));
    }

    #[test]
    fn travel_rounds_up_to_whole_minutes() {
        let plan = Plan::generate(1, 1, 1, 1);
        assert_eq!(plan.travel_minutes(at_metres(0.0, 0.0), at_metres(0.0, 0.0)), 0);
        assert_eq!(plan.travel_minutes(at_metres(0.0, 0.0), at_metres(0.0, 320.0)), 1);
        assert_eq!(plan.travel_minutes(at_metres(0.0, 0.0), at_metres(300.0, 200.0)), 2);
    }
}
