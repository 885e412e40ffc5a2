#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;

use super::*;
use crate::ids::ModifierId;
use crate::store::Rating;
use crate::text::LocalText;

fn oid(n: u8) -> ObjectId {
    ObjectId::from_bytes([n; 12])
}

fn text(text: &str) -> LocalText {
    LocalText::new("", text)
}

/// Bread: exactly one of 1, 2; extras: up to two of 11, 12, 13; each costs ten times its number.
fn product() -> Product {
    let modifier = |n: u8| Modifier {
        id: oid(n).into(),
        name: text("m"),
        price: Money::new(i64::from(n) * 10, Currency::Syp),
        available: true,
    };
    let group = |n: u8, min, max, of: &[u8]| ModifierGroup {
        id: oid(n).into(),
        name: text(if n == 100 { "Bread" } else { "Extras" }),
        min,
        max,
        modifiers: of.iter().map(|m| modifier(*m)).collect(),
    };
    Product {
        id: oid(200).into(),
        store_id: oid(201).into(),
        section_id: None,
        name: text("Sandwich"),
        description: text(""),
        status: ProductStatus::Published,
        tax_class: TaxClass::Standard,
        variants: vec![Variant {
            id: oid(202).into(),
            name: text(""),
            price: Money::new(1_000, Currency::Syp),
            sku: None,
            status: VariantStatus::Available,
        }],
        modifier_groups: vec![group(100, 1, 1, &[1, 2]), group(101, 0, 2, &[11, 12, 13])],
        images: Vec::new(),
        rating: Rating::default(),
        prefixes: Vec::new(),
        created_at: Timestamp::from_millis(0),
        version: 1,
    }
}

fn choose(of: &[u8]) -> Vec<ModifierId> {
    of.iter().map(|n| oid(*n).into()).collect()
}

#[test]
fn choices_are_checked() {
    let mut p = product();
    assert_eq!(validate_choice(&p, &choose(&[1, 11, 12])).unwrap(), Money::new(240, Currency::Syp));
    assert!(matches!(validate_choice(&p, &[]), Err(CatalogError::TooFewModifiers { min: 1, .. })));
    assert!(matches!(
        validate_choice(&p, &choose(&[1, 2])),
        Err(CatalogError::TooManyModifiers { max: 1, .. })
    ));
    assert!(matches!(validate_choice(&p, &choose(&[1, 1])), Err(CatalogError::ModifierTwice)));
    assert!(matches!(validate_choice(&p, &choose(&[1, 99])), Err(CatalogError::ModifierNotFound)));
    p.modifier_groups[0].modifiers[0].available = false;
    assert!(matches!(validate_choice(&p, &choose(&[1])), Err(CatalogError::ModifierUnavailable)));
}

#[test]
fn a_product_lives_by_this_table() {
    let table: Vec<String> =
        TRANSITIONS.iter().map(|(from, by, to)| format!("{from:?} --{by:?}--> {to:?}")).collect();
    assert_eq!(
        table.join("\n"),
        "\
Draft --Publish--> Published
Hidden --Publish--> Published
Published --Hide--> Hidden
Draft --Hide--> Hidden
Draft --Archive--> Archived
Published --Archive--> Archived
Hidden --Archive--> Archived"
    );
    assert_eq!(decide(ProductStatus::Published, ProductAction::Publish), Some(ProductStatus::Published));
    assert_eq!(decide(ProductStatus::Archived, ProductAction::Archive), Some(ProductStatus::Archived));
    for action in [ProductAction::Publish, ProductAction::Hide] {
        assert_eq!(decide(ProductStatus::Archived, action), None, "archived is for good");
    }
}

fn draft(name: &str, price_minor: i64) -> VariantDraft {
    VariantDraft {
        id: None,
        name: text(name),
        price_minor,
        sku: None,
        stock_tracked: false,
        stock_on_hand: 0,
    }
}

#[test]
fn drafts_are_checked() {
    assert!(check_variants(&[draft("", 0)]).is_ok());
    assert!(matches!(check_variants(&[]), Err(CatalogError::BadVariants)));
    assert!(matches!(check_variants(&[draft("S", 1), draft("s", 2)]), Err(CatalogError::BadVariants)));
    assert!(matches!(check_variants(&[draft("S", 1), draft("", 2)]), Err(CatalogError::BadName)));
    for price in [-1, MAX_PRICE_MINOR + 1, i64::MAX, i64::MIN] {
        assert!(matches!(check_variants(&[draft("", price)]), Err(CatalogError::BadPrice)), "{price}");
    }
    let with = |change: fn(&mut VariantDraft)| {
        let mut one = draft("", 1);
        change(&mut one);
        check_variants(&[one])
    };
    assert!(with(|v| (v.stock_tracked, v.stock_on_hand) = (true, 3)).is_ok());
    assert!(
        matches!(with(|v| v.stock_on_hand = 3), Err(CatalogError::StockNotSettable)),
        "of nothing counted"
    );
    assert!(matches!(with(|v| v.name = text("\u{202e}llamS")), Err(CatalogError::BadName)));
    assert!(matches!(with(|v| v.sku = Some("a\u{0}".to_owned())), Err(CatalogError::BadSku)));
    let group = |min, max, count| GroupDraft {
        id: None,
        name: text("g"),
        min,
        max,
        modifiers: vec![ModifierDraft { id: None, name: text("m"), price_minor: 0, available: true }; count],
    };
    assert!(check_groups(&[group(0, 1, 1)]).is_ok());
    for (min, max, count) in [(2, 1, 3), (0, 2, 1), (-1, 1, 1), (0, 0, 1), (0, 0, 0), (0, 1, 51)] {
        let refused = check_groups(&[group(min, max, count)]);
        assert!(matches!(refused, Err(CatalogError::BadModifierGroup)), "{min} {max} {count}");
    }
}

#[test]
fn images_are_addresses_apps_may_load() {
    let images = |of: &[&str]| check_images(&of.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
    assert!(images(&[]).is_ok());
    assert!(
        images(&["https://img.example/a.jpg?w=1#x", "https://10.0.0.1:8443/", "https://img.example"]).is_ok()
    );
    for bad in [
        "",
        "javascript:alert(1)",
        "http://img.example/a.jpg",
        "data:image/png;base64,AA==",
        "HTTPS//img.example",
        "https://",
        "https:///a.jpg",
        "https://?a",
        "https://img.example/a b",
        "https://img.example/\u{202e}gpj",
        "https://img.example/\"onerror=",
        "https://img.example@evil.example/",
        "//img.example/a.jpg",
        &format!("https://img.example/{}", "x".repeat(500)),
    ] {
        assert!(matches!(images(&[bad]), Err(CatalogError::BadImages)), "{bad}");
    }
    assert!(matches!(images(&["https://img.example/a"; 11]), Err(CatalogError::BadImages)));
}

proptest! {
    #[test]
    fn a_choice_passes_exactly_when_every_group_is_content(
        chosen in proptest::sample::subsequence(vec![1_u8, 2, 11, 12, 13], 0..=5).prop_shuffle(),
    ) {
        let bread = chosen.iter().filter(|n| **n < 10).count();
        let extras = chosen.len() - bread;
        let outcome = validate_choice(&product(), &choose(&chosen));
        prop_assert_eq!(outcome.is_ok(), bread == 1 && extras <= 2);
        if let Ok(extra) = outcome {
            prop_assert_eq!(extra.amount_minor, chosen.iter().map(|n| i64::from(*n) * 10).sum::<i64>());
        }
    }
}
