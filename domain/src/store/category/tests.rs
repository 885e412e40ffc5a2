#![allow(clippy::unwrap_used, reason = "tests")]

use mongodb::bson::oid::ObjectId;

use super::error::CategoryError;
use super::model::StoreCategory;
use super::rules::{check_slug, line_of};
use crate::ids::StoreCategoryId;
use crate::text::LocalText;

#[test]
fn short_names_fit_into_links() {
    for good in ["sweets", "24-7", "a1", "fast-food-2"] {
        assert!(check_slug(good).is_ok(), "{good}");
    }
    for bad in ["", "x", "-x", "x-", "a--b", "--", "Sweets", "a b", "a_b", "حلويات", &"x".repeat(41)] {
        assert!(matches!(check_slug(bad), Err(CategoryError::BadSlug)), "{bad}");
    }
}

fn id(n: u8) -> StoreCategoryId {
    ObjectId::from_bytes([n; 12]).into()
}

fn row(n: u8, parent: Option<u8>) -> StoreCategory {
    StoreCategory {
        id: id(n),
        parent_id: parent.map(id),
        slug: format!("c{n}"),
        name: LocalText::new("", "c"),
        position: 0,
        version: 1,
    }
}

#[test]
fn a_line_goes_up_to_the_root_and_ends_also_in_a_circle() {
    let tree =
        [row(1, None), row(2, Some(1)), row(3, Some(2)), row(4, Some(9)), row(5, Some(6)), row(6, Some(5))];
    assert_eq!(line_of(&tree, id(3)), [id(3), id(2), id(1)]);
    assert_eq!(line_of(&tree, id(4)), [id(4)]);
    assert_eq!(line_of(&tree, id(5)), [id(5), id(6)]);
    assert!(line_of(&tree, id(9)).is_empty());
}
