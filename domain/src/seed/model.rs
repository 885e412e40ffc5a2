//! The shape of the demo data. Nothing here is stored.

use serde::Serialize;

use crate::actor::OpsRole;

/// An account people can sign in with; its one-time code goes to the log of the recording SMS adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoAccount {
    /// What they are, e.g. `customer`.
    pub role: &'static str,
    /// Their number.
    pub phone: String,
    /// Their name.
    pub name: String,
    /// What makes them interesting.
    pub note: String,
}

/// What a run made; zeros when everything was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SeedReport {
    /// Categories made.
    pub categories: u32,
    /// Stores set up.
    pub stores: u32,
    /// Products put on menus.
    pub products: u32,
    /// Couriers approved.
    pub couriers: u32,
    /// Customers with addresses and wallet credit.
    pub customers: u32,
    /// Ops people.
    pub ops: u32,
}

/// A text in both languages.
pub(super) type Text = (&'static str, &'static str);

/// A category: slug, slug of the one above (or empty), name.
pub(super) type CategoryRow = (&'static str, &'static str, Text);

/// A store of the demo city.
#[derive(Debug)]
pub(super) struct StoreRow {
    pub(super) name: Text,
    pub(super) description: Text,
    pub(super) category: &'static str,
    /// East of the centre, metres.
    pub(super) east_m: f64,
    /// North of the centre, metres.
    pub(super) north_m: f64,
    pub(super) owner: &'static str,
    pub(super) hours: Hours,
    pub(super) area: Area,
    pub(super) prep_minutes: i64,
    pub(super) min_order: i64,
    pub(super) sections: &'static [(Text, &'static [ProductRow])],
}

/// Opening hours by kind of store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hours {
    /// Never closed.
    Always,
    /// 09:00 to 02:00, Fridays from 13:00.
    Late,
    /// 06:00 to 14:00 and 16:00 to 22:00.
    Bakery,
    /// 08:00 to 23:30.
    Day,
}

/// The shape of a service area.
#[derive(Debug, Clone, Copy)]
pub(super) enum Area {
    /// Everything within so many metres.
    Circle(f64),
    /// A circle with a hole where nobody may drive.
    Ring(f64),
    /// A circle and a village apart.
    TwoParts(f64),
}

/// A product: name, price in whole pounds, what is special about it.
#[derive(Debug)]
pub(super) struct ProductRow {
    pub(super) name: Text,
    pub(super) pounds: i64,
    pub(super) kind: Kind,
}

/// What is special about a product.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Nothing; made to order.
    Plain,
    /// Counted: so many on the shelf.
    Counted(i64),
    /// A sandwich: bread (exactly one), extras (up to three).
    Sandwich,
    /// A dish in three sizes, with spiciness (exactly one).
    Dish,
    /// A pizza in three sizes, toppings (up to four).
    Pizza,
    /// A hot or cold drink: sugar (exactly one).
    Drink,
    /// Sold by weight: half a kilo or a kilo.
    Weight,
}

/// An ops person: role, name.
pub(super) type OpsRow = (OpsRole, &'static str, &'static str);
