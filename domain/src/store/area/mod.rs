//! Where a store delivers to: a checked polygon or several, with holes.
//!
//! Pure. Calls: nothing. Called by: store.

mod model;
#[cfg(test)]
mod tests;

pub use model::{BadArea, MAX_LATITUDE, MAX_POINTS, MAX_POLYGONS, MAX_RINGS, MAX_SPAN_DEGREES, ServiceArea};
