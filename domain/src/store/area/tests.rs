#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::model::{BadArea, ServiceArea};
use crate::place::Point;

fn ring(points: &[(f64, f64)]) -> Vec<Point> {
    points.iter().map(|(lon, lat)| Point::new(*lon, *lat).unwrap()).collect()
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
    Point::new(lon, lat).unwrap()
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
}

#[test]
fn closed_and_open_rings_are_the_same() {
    let open = square(36.1, 32.6, 0.1);
    let mut closed = open.clone();
    closed.push(open[0]);
    closed.insert(1, open[0]);
    assert_eq!(ServiceArea::new(vec![vec![open]]).unwrap(), ServiceArea::new(vec![vec![closed]]).unwrap());
}

#[test]
fn bad_rings_are_told_apart() {
    let refuse = |polygons| ServiceArea::new(polygons).unwrap_err();
    assert_eq!(refuse(vec![]), BadArea::Empty);
    assert_eq!(refuse(vec![vec![]]), BadArea::Empty);
    assert_eq!(refuse(vec![vec![vec![]]]), BadArea::TooFewPoints);
    assert_eq!(refuse(vec![vec![ring(&[(36.0, 32.0), (36.1, 32.0), (36.0, 32.0)])]]), BadArea::TooFewPoints);
    let bow_tie = ring(&[(36.0, 32.0), (36.1, 32.1), (36.1, 32.0), (36.0, 32.1)]);
    assert_eq!(refuse(vec![vec![bow_tie]]), BadArea::SelfIntersection);
    let line = ring(&[(36.0, 32.0), (36.1, 32.1), (36.2, 32.2)]);
    assert_eq!(refuse(vec![vec![line]]), BadArea::TooFewPoints);
    let outside = vec![square(36.1, 32.6, 0.1), square(36.5, 32.6, 0.02)];
    assert_eq!(refuse(vec![outside]), BadArea::BadHole);
    let meeting = vec![square(36.1, 32.6, 0.1), square(36.1, 32.6, 0.02), square(36.11, 32.6, 0.02)];
    assert_eq!(refuse(vec![meeting]), BadArea::BadHole);
    let overlapping = vec![vec![square(36.1, 32.6, 0.1)], vec![square(36.15, 32.6, 0.1)]];
    assert_eq!(refuse(overlapping), BadArea::Overlap);
    assert_eq!(refuse(vec![vec![square(36.0, 32.0, 1.1)]]), BadArea::TooLarge);
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
        radius in 0.01..0.5_f64, angle in 0.0..std::f64::consts::TAU, share in 0.0..2.0_f64,
    ) {
        let corners = (0..48)
            .map(|i| {
                let turn = std::f64::consts::TAU * f64::from(i) / 48.0;
                at(36.0 + radius * turn.cos(), 32.0 + radius * turn.sin())
            })
            .collect();
        let area = ServiceArea::new(vec![vec![corners]]).unwrap();
        let inside = area.contains(at(36.0 + radius * share * angle.cos(), 32.0 + radius * share * angle.sin()));
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
