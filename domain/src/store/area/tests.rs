#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::model::{BadArea, ServiceArea};
use crate::place::Point;

/// A closed ring of these corners.
fn ring(points: &[(f64, f64)]) -> Vec<Point> {
    let mut ring: Vec<Point> = points.iter().map(|(lon, lat)| at(*lon, *lat)).collect();
    ring.extend(ring.first().copied());
    ring
}

fn square(lon: f64, lat: f64, half: f64) -> Vec<Point> {
    ring(&[
        (lon - half, lat - half),
        (lon + half, lat - half),
        (lon + half, lat + half),
        (lon - half, lat + half),
    ])
}

fn at(lon: f64, lat: f64) -> Point {
    let wrapped = if lon > 180.0 { lon - 360.0 } else { lon };
    Point::new(wrapped, lat).unwrap()
}

#[test]
fn holes_and_islands() {
    let area = ServiceArea::new(vec![
        vec![square(36.1, 32.6, 0.1), square(36.1, 32.6, 0.02)],
        vec![square(36.5, 32.6, 0.05)],
    ])
    .unwrap();
    assert!(area.contains(at(36.05, 32.6)));
    assert!(!area.contains(at(36.1, 32.6)), "in the hole");
    assert!(area.contains(at(36.5, 32.61)), "on the island");
    assert!(!area.contains(at(36.3, 32.6)), "between them");
    assert!(!area.contains(at(-143.9, -32.6)), "on the other side of the earth");
}

#[test]
fn the_border_itself_is_outside() {
    let area = ServiceArea::new(vec![vec![square(36.1, 32.6, 0.1), square(36.1, 32.6, 0.02)]]).unwrap();
    for (lon, lat) in [(36.0, 32.5), (36.2, 32.7), (36.0, 32.6), (36.2, 32.55), (36.08, 32.58), (36.08, 32.6)]
    {
        assert!(!area.contains(at(lon, lat)), "{lon} {lat} is a corner or on a meridian of the border");
    }
    assert!(area.contains(at(36.000_001, 32.6)));
    assert!(area.contains(at(36.079_999, 32.6)));
}

#[test]
fn an_edge_is_the_shortest_line_on_the_sphere() {
    // Two degrees along a parallel the shortest line runs some 430 m to the north of it, halfway.
    let wide = ring(&[(35.0, 32.0), (37.0, 32.0), (37.0, 33.0), (35.0, 33.0)]);
    let area = ServiceArea::new(vec![vec![wide]]).unwrap();
    assert!(!area.contains(at(36.0, 32.003)), "below the edge");
    assert!(area.contains(at(36.0, 32.005)));
    assert!(area.contains(at(36.0, 33.003)), "below the other edge");
    assert!(!area.contains(at(36.0, 33.005)));
}

#[test]
fn an_area_may_lie_across_the_date_line() {
    let across = vec![vec![square(180.0, -16.8, 0.4), square(180.0, -16.8, 0.1)]];
    let area = ServiceArea::new(across).unwrap();
    for (lon, inside) in
        [(179.7, true), (-179.7, true), (179.5, false), (-179.5, false), (180.0, false), (0.0, false)]
    {
        assert_eq!(area.contains(at(lon, -16.8)), inside, "{lon}");
    }
    assert!(area.contains(at(180.0, -16.6)) && area.contains(at(-180.0, -16.6)), "one meridian, two names");
    let beside =
        ServiceArea::new(vec![vec![ring(&[(179.0, 0.0), (-180.0, 0.0), (180.0, 1.0), (179.0, 1.0)])]]);
    assert!(beside.unwrap().contains(at(179.5, 0.5)));
    let around = ring(&[(-170.0, 0.0), (170.0, 0.0), (170.0, 1.0), (-170.0, 1.0)]);
    assert_eq!(ServiceArea::new(vec![vec![around]]), Err(BadArea::TooLarge), "it is twenty degrees wide");
}

#[test]
fn points_that_repeat_are_one() {
    let once = square(36.1, 32.6, 0.1);
    let mut twice = once.clone();
    twice.insert(1, once[0]);
    twice.insert(3, at(36.2 + 1e-9, 32.5));
    twice.push(once[0]);
    assert_eq!(ServiceArea::new(vec![vec![once]]), ServiceArea::new(vec![vec![twice]]));
}

#[test]
fn bad_rings_are_told_apart() {
    let refuse = |polygons| ServiceArea::new(polygons).unwrap_err();
    assert_eq!(refuse(vec![]), BadArea::Empty);
    assert_eq!(refuse(vec![vec![]]), BadArea::Empty);
    assert_eq!(refuse(vec![vec![vec![]]]), BadArea::TooFewPoints);
    assert_eq!(refuse(vec![vec![ring(&[(36.0, 32.0), (36.1, 32.0)])]]), BadArea::TooFewPoints);
    let mut open = square(36.1, 32.6, 0.1);
    open.pop();
    assert_eq!(refuse(vec![vec![open]]), BadArea::Open);
    let bow_tie = ring(&[(36.0, 32.0), (36.1, 32.1), (36.1, 32.0), (36.0, 32.1)]);
    assert_eq!(refuse(vec![vec![bow_tie]]), BadArea::SelfIntersection);
    // Along a slope, a meridian, a parallel.
    for line in [
        [(36.0, 32.0), (36.1, 32.1), (36.2, 32.2)],
        [(36.0, 32.0), (36.0, 32.1), (36.0, 32.3)],
        [(36.0, 32.0), (36.2, 32.0), (36.1, 32.0)],
    ] {
        assert_eq!(refuse(vec![vec![ring(&line)]]), BadArea::Flat, "{line:?}");
    }
    let outside = vec![square(36.1, 32.6, 0.1), square(36.5, 32.6, 0.02)];
    assert_eq!(refuse(vec![outside]), BadArea::BadHole);
    let meeting = vec![square(36.1, 32.6, 0.1), square(36.1, 32.6, 0.02), square(36.11, 32.6, 0.02)];
    assert_eq!(refuse(vec![meeting]), BadArea::BadHole);
    let overlapping = vec![vec![square(36.1, 32.6, 0.1)], vec![square(36.15, 32.6, 0.1)]];
    assert_eq!(refuse(overlapping), BadArea::Overlap);
    assert_eq!(refuse(vec![vec![square(36.0, 32.0, 1.1)]]), BadArea::TooLarge);
    assert_eq!(refuse(vec![vec![square(36.0, 89.0, 0.5)]]), BadArea::NearPole);
    let corners: Vec<Point> = (0..1_001)
        .map(|i| {
            let angle = std::f64::consts::TAU * f64::from(i) / 1_001.0;
            at(36.0 + 0.1 * angle.cos(), 32.0 + 0.1 * angle.sin())
        })
        .collect();
    assert_eq!(refuse(vec![vec![corners]]), BadArea::TooMany);
}

#[test]
fn what_is_stored_comes_back() {
    let area = ServiceArea::new(vec![vec![square(36.1, 32.6, 0.1), square(36.1, 32.6, 0.02)]]).unwrap();
    let stored = mongodb::bson::serialize_to_bson(&area).unwrap();
    assert_eq!(stored, area.geo_json());
    assert_eq!(mongodb::bson::deserialize_from_bson::<ServiceArea>(stored).unwrap(), area);
    let json = serde_json::to_string(&area).unwrap();
    assert_eq!(serde_json::from_str::<ServiceArea>(&json).unwrap(), area);
}

proptest! {
    #[test]
    fn a_circle_holds_what_is_near_and_no_more(
        middle in proptest::sample::select(vec![36.0, -71.5, 179.9, 180.0]),
        radius in 0.01..0.5_f64, angle in 0.0..std::f64::consts::TAU, share in 0.0..2.0_f64,
    ) {
        let corners: Vec<(f64, f64)> = (0..48)
            .map(|i| {
                let turn = std::f64::consts::TAU * f64::from(i) / 48.0;
                (middle + radius * turn.cos(), 32.0 + radius * turn.sin())
            })
            .collect();
        let area = ServiceArea::new(vec![vec![ring(&corners)]]).unwrap();
        let inside = area.contains(at(middle + radius * share * angle.cos(), 32.0 + radius * share * angle.sin()));
        if share < 0.99 {
            prop_assert!(inside);
        }
        if share > 1.01 {
            prop_assert!(!inside);
        }
    }

    #[test]
    fn no_input_panics(points in proptest::collection::vec((35.9..36.1_f64, 31.9..32.1_f64), 0..12)) {
        drop(ServiceArea::new(vec![vec![ring(&points)]]));
    }
}
