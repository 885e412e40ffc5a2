#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use super::data::{CATEGORIES, CUSTOMERS, STORES};
use super::rules::{accounts, groups, list, place, polygons, variants, week};
use crate::account::{PersonName, Phone};
use crate::catalog::{check_groups, check_variants};
use crate::store::area::ServiceArea;
use crate::store::hours::validate_week;

#[test]
fn people_have_numbers_of_their_own() {
    let all = accounts();
    let numbers: HashSet<&str> = all.iter().map(|a| a.phone.as_str()).collect();
    assert_eq!(numbers.len(), all.len());
    for account in &all {
        assert_eq!(Phone::parse(&account.phone).unwrap().as_str(), account.phone);
        PersonName::parse(&account.name).unwrap();
    }
    assert_eq!(list(), list());
}

#[test]
fn stores_can_be_made_of_the_tables() {
    let slugs: HashSet<&str> = CATEGORIES.iter().map(|(slug, _, _)| *slug).collect();
    assert_eq!(STORES.len(), 12);
    for row in STORES {
        assert!(slugs.contains(row.category), "{}", row.name.1);
        validate_week(&week(row.hours).unwrap()).unwrap();
        let mut names = HashSet::new();
        for product in row.sections.iter().flat_map(|(_, products)| products.iter()) {
            assert!(names.insert(product.name.1), "{} twice", product.name.1);
            check_variants(&variants(product)).unwrap();
            check_groups(&groups(product.kind)).unwrap();
        }
    }
}

#[test]
fn every_store_reaches_the_middle_and_somebody_has_a_choice() {
    for row in STORES {
        let rings = polygons(row.area, row.east_m, row.north_m).unwrap();
        let area = ServiceArea::new(rings).unwrap();
        assert!(area.contains(place(0.0, 0.0).unwrap()), "{}", row.name.1);
        let reached =
            CUSTOMERS.iter().filter(|(_, east, north)| area.contains(place(*east, *north).unwrap())).count();
        assert!(reached >= 8, "{} reaches {reached}", row.name.1);
    }
}
