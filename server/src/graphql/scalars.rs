//! Shared leaf types: whole numbers of 64 bits, money, texts, points.

use async_graphql::{
    Context, InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, Value,
};
use daraa_domain::place::{NotAPoint, Point};
use daraa_domain::text::LocalText;
use daraa_platform::money::{Currency, Money};

use super::context::Ctx as _;

/// A whole number of 64 bits, written as a JSON number. GraphQL's `Int` has 32 bits only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BigInt(pub i64);

impl From<i64> for BigInt {
    fn from(n: i64) -> Self {
        Self(n)
    }
}

/// A whole number of 64 bits, written as a JSON number; read from a number or a string of digits.
#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::Number(n) => n.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        number.map(Self).ok_or_else(|| InputValueError::custom("not a whole number of 64 bits"))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy)]
pub struct MoneyObject(pub Money);

impl From<Money> for MoneyObject {
    fn from(money: Money) -> Self {
        Self(money)
    }
}

/// An amount of money in a currency. Computed by the server, never by clients.
#[Object(name = "Money")]
impl MoneyObject {
    /// The amount in the currency's minor units, e.g. 1250 for 12.50 USD; may be negative.
    async fn amount_minor(&self) -> BigInt {
        BigInt(self.0.amount_minor)
    }

    /// The currency.
    async fn currency(&self) -> Currency {
        self.0.currency
    }

    /// Digits after the decimal point in this currency: 0, 2 or 3.
    async fn fraction_digits(&self) -> i32 {
        i32::from(self.0.currency.fraction_digits())
    }

    /// For people, in the language of `Accept-Language`.
    async fn formatted(&self, ctx: &Context<'_>) -> String {
        self.0.formatted(ctx.lang())
    }
}

/// A text in both languages of the market.
#[derive(Debug, Clone)]
pub struct LocalTextObject(pub LocalText);

impl From<LocalText> for LocalTextObject {
    fn from(text: LocalText) -> Self {
        Self(text)
    }
}

/// A text in Arabic and English.
#[Object(name = "LocalText")]
impl LocalTextObject {
    /// The Arabic text.
    async fn ar(&self) -> &str {
        &self.0.ar
    }

    /// The English text.
    async fn en(&self) -> &str {
        &self.0.en
    }

    /// The text in the language of `Accept-Language`, or in the other one where that is missing.
    async fn text(&self, ctx: &Context<'_>) -> &str {
        self.0.get(ctx.lang())
    }
}

/// A text in Arabic and English; at least one of them is wanted.
#[derive(Debug, Clone, InputObject)]
pub struct LocalTextInput {
    /// The Arabic text.
    pub ar: Option<String>,
    /// The English text.
    pub en: Option<String>,
}

impl From<LocalTextInput> for LocalText {
    fn from(input: LocalTextInput) -> Self {
        let trimmed = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
        Self { ar: trimmed(input.ar), en: trimmed(input.en) }
    }
}

/// A point on earth (WGS 84).
#[derive(Debug, Clone, Copy, InputObject)]
pub struct PointInput {
    /// Longitude in degrees, -180 to 180.
    pub lon: f64,
    /// Latitude in degrees, -90 to 90.
    pub lat: f64,
}

impl PointInput {
    /// The checked point.
    ///
    /// # Errors
    /// [`NotAPoint`] when out of range; rooms have their own code for it.
    pub fn parse(self) -> Result<Point, NotAPoint> {
        Point::new(self.lon, self.lat)
    }
}

/// A point on earth.
#[derive(Debug, Clone, Copy)]
pub struct GeoPoint(pub Point);

impl From<Point> for GeoPoint {
    fn from(point: Point) -> Self {
        Self(point)
    }
}

/// A point on earth (WGS 84).
#[Object]
impl GeoPoint {
    /// Longitude in degrees.
    async fn lon(&self) -> f64 {
        self.0.lon()
    }

    /// Latitude in degrees.
    async fn lat(&self) -> f64 {
        self.0.lat()
    }
}
