//! Places on the earth: what an area may be, that the database and we agree on what lies inside, and that the nearest
//! store comes first, each once.

use std::collections::HashSet;

use daraa_domain::ids::StoreId;
use daraa_domain::place::Point;
use daraa_domain::store::area::ServiceArea;
use daraa_domain::store::near::{NearFilter, NearSort};
use daraa_domain::store::{self, Store};
use daraa_platform::paging::PageRequest;
use daraa_platform::random::Random;
use daraa_tests::{Shop, World};
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};

/// A number from 0 to 1.
fn share(random: &Random) -> f64 {
    random.below(1_000_001) as f64 / 1_000_000.0
}

fn at(lon: f64, lat: f64) -> Point {
    let lon = if lon > 180.0 { lon - 360.0 } else { lon };
    let lon = if lon < -180.0 { lon + 360.0 } else { lon };
    Point::new(lon, lat).unwrap()
}

fn closed(corners: &[(f64, f64)]) -> Vec<Point> {
    corners.iter().chain(corners.first()).map(|(lon, lat)| at(*lon, *lat)).collect()
}

fn input(ring: &[Point]) -> Value {
    ring.iter().map(|p| json!({ "lon": p.lon(), "lat": p.lat() })).collect()
}

/// The middle of the shortest line between two points.
fn halfway(a: Point, b: Point) -> (f64, f64) {
    let of = |p: Point| {
        let ((sin, cos), (east, front)) = (p.lat().to_radians().sin_cos(), p.lon().to_radians().sin_cos());
        (cos * front, cos * east, sin)
    };
    let ((x1, y1, z1), (x2, y2, z2)) = (of(a), of(b));
    let (x, y, z) = (x1 + x2, y1 + y2, z1 + z2);
    (y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees())
}

/// A ring around a middle, its corners at random distances: any shape that crosses nothing.
fn star(random: &Random, middle: (f64, f64), reach: f64) -> Vec<(f64, f64)> {
    let corners = 3 + random.below(20);
    (0..corners)
        .map(|i| {
            let turn = std::f64::consts::TAU * (i as f64 + 0.8 * share(random)) / corners as f64;
            let far = reach * (0.3 + 0.7 * share(random));
            (middle.0 + far * turn.cos(), middle.1 + far * turn.sin())
        })
        .collect()
}

async fn set_area(world: &World, shop: &Shop, area: &ServiceArea) {
    let rows = world.app.mongo.db().collection::<Document>("stores");
    let set = doc! { "$set": { "service_area": area.geo_json() } };
    rows.update_one(doc! { "_id": shop.store_id }, set).await.expect("the index takes it");
}

async fn intersects(world: &World, point: Point) -> bool {
    let rows = world.app.mongo.coll::<Document>("stores");
    let holds = doc! { "service_area": { "$geoIntersects": { "$geometry": point.geo_json() } } };
    rows.count_up_to("test.intersects", holds, 1).await.unwrap() == 1
}

#[tokio::test]
async fn the_database_and_we_agree_on_what_lies_inside() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let random = Random::seeded(20_260_105);
    let (mut inside, mut areas) = (0, 0);
    // Here, in the north, beyond the equator, on both sides of the date line.
    let places = [(36.1, 32.62), (25.5, 71.2), (-58.4, -34.6), (179.95, -16.8), (-179.8, 51.9)];
    for round in 0..60 {
        let middle = places[round % places.len()];
        let reach = [0.02, 0.1, 0.45][round / places.len() % 3];
        let mut polygons = vec![vec![closed(&star(&random, middle, reach))]];
        // A hole where the outline never comes, and an island beyond.
        polygons[0].push(closed(&star(&random, middle, reach * 0.04)));
        polygons.push(vec![closed(&star(&random, (middle.0 + 2.1 * reach, middle.1), reach * 0.9))]);
        let Ok(area) = ServiceArea::new(polygons) else { continue };
        areas += 1;
        set_area(&world, &shop, &area).await;
        let mut points: Vec<Point> = (0..25)
            .map(|_| {
                let (x, y) = (share(&random) * 4.2 - 1.1, share(&random) * 2.2 - 1.1);
                at(middle.0 + x * reach, middle.1 + y * reach)
            })
            .collect();
        let mut close: Vec<Point> = Vec::new();
        // And close to the edges, where a map that takes them for straight is wrong.
        for ring in area.polygons().iter().flatten() {
            for pair in ring.windows(2) {
                let (lon, lat) = halfway(pair[0], pair[1]);
                // Five centimetres and three metres off, to both sides.
                let narrow = lat.to_radians().cos();
                let east = (pair[1].lon() - pair[0].lon() + 540.0).rem_euclid(360.0) - 180.0;
                let (x, y) = (east * narrow, pair[1].lat() - pair[0].lat());
                let off = |by: f64| at(lon - by * y / x.hypot(y) / narrow, lat + by * x / x.hypot(y));
                points.extend([5e-7, -5e-7, 3e-5, -3e-5].map(off));
                // So close that only one thing is sure: a store that takes the order is listed.
                close.extend([1e-9, -1e-9].map(off));
            }
        }
        for point in points {
            let ours = area.contains(point);
            assert_eq!(ours, intersects(&world, point).await, "{point:?} in {:?}", area.polygons());
            inside += i32::from(ours);
        }
        for point in close {
            assert!(!area.contains(point) || intersects(&world, point).await, "{point:?}");
        }
    }
    assert!(areas >= 40 && inside > 500, "{areas} areas, {inside} points inside: the test tests something");
}

#[tokio::test]
async fn what_the_check_lets_through_the_database_takes() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let square = |lon: f64, lat: f64, half: f64| {
        closed(&[
            (lon - half, lat - half),
            (lon + half, lat - half),
            (lon + half, lat + half),
            (lon - half, lat + half),
        ])
    };
    let (lon, lat) = (36.1, 32.6);
    // Holes and parts that touch in one point, a thin sliver, a corner given twice, the largest there may be.
    let thin = closed(&[(lon, lat), (lon + 0.1, lat + 0.000_02), (lon + 0.1, lat + 0.000_04)]);
    let touching_hole = closed(&[(lon - 0.1, lat), (lon, lat - 0.02), (lon, lat + 0.02)]);
    let many: Vec<(f64, f64)> = (0..999)
        .map(|i| {
            let turn = std::f64::consts::TAU * f64::from(i) / 999.0;
            (lon + turn.cos(), lat + turn.sin())
        })
        .collect();
    let candidates = [
        vec![vec![thin]],
        vec![vec![square(lon, lat, 0.1), touching_hole]],
        vec![vec![square(lon, lat, 0.1)], vec![square(lon + 0.2, lat + 0.2, 0.1)]],
        vec![vec![square(180.0, 0.0, 0.3)], vec![square(179.0, 0.0, 0.3)]],
        vec![vec![closed(&many)]],
        vec![vec![square(lon, 84.9, 0.1)]],
    ];
    let mut taken = 0;
    for polygons in candidates {
        if let Ok(area) = ServiceArea::new(polygons) {
            set_area(&world, &shop, &area).await;
            taken += 1;
        }
    }
    assert!(taken >= 4, "{taken}");
}

#[tokio::test]
async fn bad_rings_are_refused_by_name_and_nothing_is_stored() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let id = shop.store_id.to_string();
    let before = store::get(&world.app, shop.store_id).await.unwrap();
    let square = |lon: f64, lat: f64, half: f64| {
        closed(&[
            (lon - half, lat - half),
            (lon + half, lat - half),
            (lon + half, lat + half),
            (lon - half, lat + half),
        ])
    };
    let one = |ring: Vec<Point>| json!([[input(&ring)]]);
    let mut unclosed = square(36.1, 32.6, 0.1);
    unclosed.pop();
    let mut crowded: Vec<Point> = (0..1_001).map(|i| at(36.0 + f64::from(i) / 10_000.0, 32.0)).collect();
    crowded.push(crowded[0]);
    let outside = json!([[input(&square(36.1, 32.6, 0.1)), input(&square(36.5, 32.6, 0.02))]]);
    let out_of_range = json!([[[
        { "lon": 180.1, "lat": 0.0 }, { "lon": 180.2, "lat": 0.0 }, { "lon": 180.2, "lat": 0.1 },
        { "lon": 180.1, "lat": 0.0 },
    ]]]);
    for (polygons, code) in [
        (json!([]), "AREA_EMPTY"),
        (json!([[]]), "AREA_EMPTY"),
        (one(closed(&[(36.0, 32.0), (36.1, 32.1), (36.1, 32.0), (36.0, 32.1)])), "AREA_SELF_INTERSECTS"),
        (one(closed(&[(36.0, 32.0), (36.1, 32.1)])), "AREA_TOO_FEW_POINTS"),
        (one(unclosed), "AREA_RING_OPEN"),
        (one(closed(&[(36.0, 32.0), (36.1, 32.1), (36.2, 32.2)])), "AREA_FLAT"),
        (outside, "AREA_BAD_HOLE"),
        (json!([[input(&square(36.1, 32.6, 0.1))], [input(&square(36.15, 32.6, 0.1))]]), "AREA_OVERLAP"),
        (one(crowded), "AREA_TOO_COMPLEX"),
        (one(square(36.1, 32.6, 1.5)), "AREA_TOO_LARGE"),
        (one(closed(&[(-179.0, 0.0), (0.0, 0.0), (0.0, 1.0)])), "AREA_TOO_LARGE"),
        (one(square(36.1, 88.0, 0.5)), "AREA_NEAR_POLE"),
        (out_of_range, "BAD_POINT"),
    ] {
        let wanted = json!({ "storeId": id, "polygons": polygons });
        let payload =
            world.try_mutate(&shop.owner.token, "storeServiceAreaSet", "store { id }", wanted).await;
        let errors = payload["userErrors"].as_array().unwrap();
        let codes: Vec<&str> = errors.iter().map(|e| e["code"].as_str().unwrap()).collect();
        assert_eq!(codes, [code]);
        assert_eq!(errors[0]["field"], json!(["polygons"]), "{code}");
        assert!(errors[0]["message"].as_str().unwrap().len() > 20);
        assert!(payload["store"].is_null());
    }
    let after = world.another_server().await;
    let after = store::get(&after, shop.store_id).await.unwrap();
    assert_eq!(
        (after.version, &after.service_area),
        (before.version, &before.service_area),
        "nothing was stored"
    );
}

async fn found(world: &World, point: Point) -> Vec<(StoreId, i64)> {
    let filter = NearFilter { point, open_now: false, category_id: None, sort: NearSort::Distance };
    let page = PageRequest { size: 50, ..PageRequest::default() };
    let page = store::find_near(&world.app, &filter, &page).await.unwrap();
    page.rows.into_iter().map(|(_, row)| (row.store.id, row.distance_m)).collect()
}

#[tokio::test]
async fn on_the_border_lists_and_carts_say_the_same() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let actor = world.actor(&shop.owner).await;
    let corners = [(36.0, 32.5), (36.2, 32.5), (36.2, 32.7), (36.0, 32.7)];
    let area = ServiceArea::new(vec![vec![closed(&corners)]]).unwrap();
    let stored = store::set_area(&world.app, &actor, shop.store_id, area, None).await.unwrap();
    for (lon, lat) in corners.into_iter().chain([(36.0, 32.6), (36.2, 32.51), (36.1, 32.5)]) {
        let point = at(lon, lat);
        let listed = found(&world, point).await.len() == 1;
        assert_eq!(listed, store::covers(&stored, point), "{lon} {lat}");
    }
    assert!(!store::covers(&stored, at(36.0, 32.6)), "the border itself is outside");
    assert_eq!(found(&world, at(36.000_01, 32.6)).await.len(), 1);
}

#[tokio::test]
async fn a_store_at_the_date_line_delivers_to_both_sides() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let actor = world.actor(&shop.owner).await;
    let corners = [(179.8, -17.0), (-179.8, -17.0), (-179.8, -16.6), (179.8, -16.6)];
    let area = ServiceArea::new(vec![vec![closed(&corners)]]).unwrap();
    store::set_area(&world.app, &actor, shop.store_id, area, None).await.unwrap();
    let input = json!({ "storeId": shop.store_id.to_string(), "point": { "lon": 179.99, "lat": -16.8 } });
    world.mutate(&shop.owner.token, "storeUpdate", "store { id }", input).await;
    for (lon, metres) in [(179.9, 9_500), (-179.9, 11_700), (180.0, 1_060), (-180.0, 1_060)] {
        let near = found(&world, at(lon, -16.8)).await;
        let [(id, distance_m)] = near[..] else { panic!("{near:?} at {lon}") };
        assert_eq!(id, shop.store_id);
        assert!((distance_m - metres).abs() < 120, "{distance_m} at {lon}");
    }
    for lon in [179.7, -179.7, 0.0] {
        assert_eq!(found(&world, at(lon, -16.8)).await, []);
    }
}

#[tokio::test]
async fn the_nearest_come_first_each_once_however_the_pages_are_cut() {
    let world = World::new().await;
    let shop = world.open_store().await;
    let rows = world.app.mongo.db().collection::<Document>("stores");
    let template = rows.find_one(doc! { "_id": shop.store_id }).await.unwrap().unwrap();
    let random = Random::seeded(7);
    let here = at(36.10, 32.62);
    let mut stores: Vec<Document> = Vec::new();
    for i in 0..170 {
        // Every fifth stands where another stands, and some dozens at the very same place: more than fit on a page.
        let place = match i % 5 {
            0 if i > 0 => stores[i - 1].get("point").unwrap().clone(),
            1 | 2 => at(36.11, 32.63).geo_json(),
            _ => at(36.0 + 0.2 * share(&random), 32.53 + 0.18 * share(&random)).geo_json(),
        };
        let mut row = template.clone();
        row.extend(doc! { "_id": ObjectId::new(), "point": place });
        stores.push(row);
    }
    rows.insert_many(stores).await.unwrap();
    let filter = NearFilter { point: here, open_now: false, category_id: None, sort: NearSort::Distance };
    let walk = async |size: u32| {
        let (mut seen, mut page) = (Vec::new(), PageRequest { size, ..PageRequest::default() });
        loop {
            let found = store::find_near(&world.app, &filter, &page).await.unwrap();
            let last = found.rows.last().map(|(cursor, _)| cursor.clone());
            seen.extend(found.rows.into_iter().map(|(_, row)| (row.store.id, row.distance_m)));
            if !found.has_next {
                return seen;
            }
            page = PageRequest { size, from: last, ..PageRequest::default() };
        }
    };
    let whole = walk(100).await;
    let ids: HashSet<StoreId> = whole.iter().map(|(id, _)| *id).collect();
    assert_eq!((whole.len(), ids.len()), (171, 171), "all of them, none twice");
    assert!(whole.is_sorted_by_key(|(_, distance_m)| *distance_m), "{whole:?}");
    for size in [1, 7, 64] {
        assert_eq!(walk(size).await, whole, "{size} a page");
    }
    // The database's own order is the same.
    let near = doc! { "$geoNear": {
        "near": here.geo_json(), "key": "point", "distanceField": "distance", "spherical": true,
    } };
    let theirs: Vec<Document> =
        world.app.mongo.coll::<Store>("stores").aggregate("test.near", vec![near]).await.unwrap();
    let ours = |id: ObjectId| whole.iter().find(|(known, _)| StoreId::from(id) == *known).unwrap().1;
    let order: Vec<i64> = theirs.iter().map(|row| ours(row.get_object_id("_id").unwrap())).collect();
    assert!(order.is_sorted());
}
