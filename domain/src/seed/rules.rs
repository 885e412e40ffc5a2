//! From the tables to what the rooms take: numbers, points, areas, hours, menus. Pure.

use crate::catalog::{GroupDraft, ModifierDraft, VariantDraft};
use crate::place::{NotAPoint, Point};
use crate::seed::data::{COURIERS, CUSTOMERS, OPS, STORES};
use crate::seed::model::{Area, DemoAccount, Hours, Kind, ProductRow, Text};
use crate::store::hours::{BadHours, OpenRange, TimeOfDay, Weekday};
use crate::text::LocalText;

/// The middle of Daraa.
const CENTRE: (f64, f64) = (36.1000, 32.6200);
/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;
/// Corners of a circle.
const CORNERS: u32 = 24;
/// Minor units of a Syrian pound.
const MINOR: i64 = 100;

/// A point so many metres east and north of the middle.
pub(super) fn place(east_m: f64, north_m: f64) -> Result<Point, NotAPoint> {
    let (lon, lat) = CENTRE;
    Point::new(lon + east_m / (DEGREE_M * lat.to_radians().cos()), lat + north_m / DEGREE_M)
}

/// Demo numbers: one block of numbers for each kind of people.
pub(super) fn phone(block: u32, index: usize) -> String {
    format!("+963944{:06}", u64::from(block) * 1_000 + 1 + u64::try_from(index).unwrap_or(0))
}

pub(super) const OPS_BLOCK: u32 = 0;
pub(super) const OWNER_BLOCK: u32 = 100;
pub(super) const STAFF_BLOCK: u32 = 150;
pub(super) const COURIER_BLOCK: u32 = 200;
pub(super) const CUSTOMER_BLOCK: u32 = 300;
/// The first stores have a second person.
pub(super) const STORES_WITH_STAFF: usize = 4;
/// The first customers have money in their wallet.
pub(super) const CUSTOMERS_WITH_MONEY: usize = 5;
/// What these have, minor units of SYP.
pub(super) const WALLET_CREDIT_MINOR: i64 = 1_000_000 * MINOR;

/// Every account of the demo city, in the order it is shown.
#[must_use]
pub fn accounts() -> Vec<DemoAccount> {
    let account = |role, block, index, name: &str, note: String| DemoAccount {
        role,
        phone: phone(block, index),
        name: name.to_owned(),
        note,
    };
    let mut out = Vec::new();
    for (i, (_, name, what)) in OPS.iter().enumerate() {
        out.push(account("ops", OPS_BLOCK, i, name, (*what).to_owned()));
    }
    for (i, store) in STORES.iter().enumerate() {
        out.push(account("store owner", OWNER_BLOCK, i, store.owner, store.name.1.to_owned()));
    }
    for (i, store) in STORES.iter().take(STORES_WITH_STAFF).enumerate() {
        out.push(account("store staff", STAFF_BLOCK, i, &staff_name(i), store.name.1.to_owned()));
    }
    for (i, (name, vehicle)) in COURIERS.iter().enumerate() {
        out.push(account("courier", COURIER_BLOCK, i, name, format!("{vehicle:?}").to_lowercase()));
    }
    for (i, (name, _, _)) in CUSTOMERS.iter().enumerate() {
        let note = if i < CUSTOMERS_WITH_MONEY { "1,000,000 SYP in the wallet" } else { "pays cash" };
        out.push(account("customer", CUSTOMER_BLOCK, i, name, note.to_owned()));
    }
    out
}

/// The accounts as a table for people.
#[must_use]
pub fn list() -> String {
    let mut out = String::from("Demo accounts of Daraa; the one-time code of a sign-in is in the SMS log.\n");
    for account in accounts() {
        out.push_str(&format!(
            "  {:<12} {}  {} ({})\n",
            account.role, account.phone, account.name, account.note
        ));
    }
    out
}

pub(super) fn staff_name(index: usize) -> String {
    let names = ["حسن الموظف", "عمار الموظف", "لمى الموظفة", "جود الموظفة"];
    names.get(index).copied().unwrap_or("موظف").to_owned()
}

pub(super) fn text((ar, en): Text) -> LocalText {
    LocalText::new(ar, en)
}

fn circle(east_m: f64, north_m: f64, radius_m: f64) -> Result<Vec<Point>, NotAPoint> {
    // A ring ends with the point it begins with.
    (0..CORNERS)
        .chain(std::iter::once(0))
        .map(|i| {
            let angle = std::f64::consts::TAU * f64::from(i) / f64::from(CORNERS);
            place(east_m + radius_m * angle.cos(), north_m + radius_m * angle.sin())
        })
        .collect()
}

/// The polygons of a store's area.
pub(super) fn polygons(area: Area, east_m: f64, north_m: f64) -> Result<Vec<Vec<Vec<Point>>>, NotAPoint> {
    Ok(match area {
        Area::Circle(radius) => vec![vec![circle(east_m, north_m, radius)?]],
        Area::Ring(radius) => {
            let hole = circle(east_m + radius * 0.6, north_m - radius * 0.4, radius * 0.15)?;
            vec![vec![circle(east_m, north_m, radius)?, hole]]
        }
        Area::TwoParts(radius) => vec![
            vec![circle(east_m, north_m, radius)?],
            vec![circle(east_m + radius * 1.8, north_m, radius * 0.5)?],
        ],
    })
}

/// The weekly hours.
pub(super) fn week(hours: Hours) -> Result<Vec<OpenRange>, BadHours> {
    let mut out = Vec::new();
    for weekday in Weekday::ALL {
        let ranges: &[(&str, &str)] = match hours {
            Hours::Always => &[("00:00", "24:00")],
            Hours::Late if weekday == Weekday::Friday => &[("13:00", "02:00")],
            Hours::Late => &[("09:00", "02:00")],
            Hours::Bakery => &[("06:00", "14:00"), ("16:00", "22:00")],
            Hours::Day => &[("08:00", "23:30")],
        };
        for (opens, closes) in ranges {
            out.push(OpenRange {
                weekday,
                opens: TimeOfDay::parse(opens)?,
                closes: TimeOfDay::parse(closes)?,
            });
        }
    }
    Ok(out)
}

fn variant(name: Text, pounds: i64, stock: Option<i64>) -> VariantDraft {
    VariantDraft {
        id: None,
        name: text(name),
        price_minor: pounds.saturating_mul(MINOR),
        sku: None,
        stock_tracked: stock.is_some(),
        stock_on_hand: stock.unwrap_or(0),
    }
}

/// The variants of a product.
pub(super) fn variants(row: &ProductRow) -> Vec<VariantDraft> {
    let part = |percent: i64| row.pounds.saturating_mul(percent) / 100;
    match row.kind {
        Kind::Dish | Kind::Pizza => vec![
            variant(("صغير", "Small"), part(75), None),
            variant(("وسط", "Medium"), row.pounds, None),
            variant(("كبير", "Large"), part(140), None),
        ],
        Kind::Weight => vec![
            variant(("نصف كيلو", "Half a kilo"), part(55), None),
            variant(("كيلو", "One kilo"), row.pounds, None),
        ],
        Kind::Counted(count) => vec![variant(("", ""), row.pounds, Some(count))],
        Kind::Plain | Kind::Sandwich | Kind::Drink => vec![variant(("", ""), row.pounds, None)],
    }
}

fn group(name: Text, min: i64, max: i64, choices: &[(Text, i64)]) -> GroupDraft {
    GroupDraft {
        id: None,
        name: text(name),
        min,
        max,
        modifiers: choices
            .iter()
            .map(|(name, pounds)| ModifierDraft {
                id: None,
                name: text(*name),
                price_minor: pounds.saturating_mul(MINOR),
                available: true,
            })
            .collect(),
    }
}

/// The questions asked with a product.
pub(super) fn groups(kind: Kind) -> Vec<GroupDraft> {
    match kind {
        Kind::Sandwich => vec![
            group(
                ("الخبز", "Bread"),
                1,
                1,
                &[(("صاج", "Saj"), 0), (("سياحي", "Baguette"), 2_000), (("صمون", "Samoon"), 1_000)],
            ),
            group(
                ("إضافات", "Extras"),
                0,
                3,
                &[
                    (("ثوم", "Garlic"), 1_000),
                    (("مخلل", "Pickles"), 500),
                    (("بطاطا", "Fries"), 3_000),
                    (("جبنة", "Cheese"), 4_000),
                ],
            ),
        ],
        Kind::Dish => vec![group(
            ("البهار", "Spiciness"),
            1,
            1,
            &[(("عادي", "Mild"), 0), (("حار", "Hot"), 0), (("حار جداً", "Very hot"), 0)],
        )],
        Kind::Pizza => vec![group(
            ("إضافات", "Toppings"),
            0,
            4,
            &[
                (("فطر", "Mushrooms"), 5_000),
                (("زيتون", "Olives"), 3_000),
                (("جبنة إضافية", "Extra cheese"), 7_000),
                (("فليفلة", "Peppers"), 3_000),
                (("ذرة", "Sweetcorn"), 3_000),
            ],
        )],
        Kind::Drink => vec![group(
            ("السكر", "Sugar"),
            1,
            1,
            &[(("سادة", "None"), 0), (("وسط", "Medium"), 0), (("حلو", "Sweet"), 0)],
        )],
        Kind::Plain | Kind::Counted(_) | Kind::Weight => Vec::new(),
    }
}
