//! Money: integers in minor units with a currency, checked arithmetic, splitting by largest remainder.
//!
//! There is no `+` and no float: overflow is never silent, and rounding has one documented place,
//! [`Money::percent`] and [`Money::split`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Lang;

/// The currencies the platform knows, with their minor-unit digits (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::Enum),
    graphql(name = "CurrencyCode", rename_items = "UPPERCASE")
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Syrian pound, 2 digits.
    Syp,
    /// US dollar, 2 digits.
    Usd,
    /// Kuwaiti dinar, 3 digits.
    Kwd,
    /// Jordanian dinar, 3 digits.
    Jod,
    /// Japanese yen, no minor unit.
    Jpy,
}

impl Currency {
    /// Digits after the decimal point.
    #[must_use]
    pub fn fraction_digits(self) -> u8 {
        match self {
            Self::Syp | Self::Usd => 2,
            Self::Kwd | Self::Jod => 3,
            Self::Jpy => 0,
        }
    }

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Syp => "SYP",
            Self::Usd => "USD",
            Self::Kwd => "KWD",
            Self::Jod => "JOD",
            Self::Jpy => "JPY",
        }
    }

    fn symbol(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Syp, Lang::Ar) => "ل.س",
            (Self::Usd, Lang::Ar) => "دولار",
            (Self::Kwd, Lang::Ar) => "د.ك",
            (Self::Jod, Lang::Ar) => "د.أ",
            (Self::Jpy, Lang::Ar) => "ين",
            (_, Lang::En) => self.code(),
        }
    }
}

/// What arithmetic on money can refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits.
    #[error("amount overflows")]
    Overflow,
    /// Two currencies met in one sum.
    #[error("{left:?} and {right:?} cannot be mixed")]
    CurrencyMismatch {
        /// The first currency.
        left: Currency,
        /// The other.
        right: Currency,
    },
    /// A split over no shares, or over shares that sum to zero or are negative.
    #[error("nothing to split over")]
    NoShares,
}

impl From<MoneyError> for crate::fault::Infra {
    fn from(e: MoneyError) -> Self {
        Self::defect(e)
    }
}

/// An amount in minor units of a currency; may be negative (ledger entries, discounts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// The amount in minor units, e.g. piastres of SYP.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// 100 % in basis points.
pub const FULL_BPS: i64 = 10_000;

/// For sentences and logs; people see [`Money::formatted`] in their language.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.formatted(Lang::En))
    }
}

impl Money {
    /// `amount_minor` of `currency`.
    #[must_use]
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.amount_minor == 0
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Overflow, or two currencies.
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator would hide overflow and a second currency"
    )]
    pub fn add(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let sum = self.amount_minor.checked_add(other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(sum, self.currency))
    }

    /// The difference.
    ///
    /// # Errors
    /// Overflow, or two currencies.
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator would hide overflow and a second currency"
    )]
    pub fn sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let difference = self.amount_minor.checked_sub(other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(difference, self.currency))
    }

    /// `count` times the amount.
    ///
    /// # Errors
    /// Overflow.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let product = self.amount_minor.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(product, self.currency))
    }

    /// The negated amount.
    ///
    /// # Errors
    /// Overflow of the most negative amount.
    pub fn negate(self) -> Result<Self, MoneyError> {
        Ok(Self::new(self.amount_minor.checked_neg().ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// A share of the amount in basis points, rounded half away from zero.
    ///
    /// # Errors
    /// Overflow.
    pub fn percent(self, bps: i64) -> Result<Self, MoneyError> {
        let product = i128::from(self.amount_minor) * i128::from(bps);
        let full = i128::from(FULL_BPS);
        let half = if product < 0 { -full / 2 } else { full / 2 };
        let rounded = i64::try_from((product + half) / full).map_err(|_| MoneyError::Overflow)?;
        Ok(Self::new(rounded, self.currency))
    }

    /// The smaller of two amounts.
    ///
    /// # Errors
    /// Two currencies.
    pub fn min(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Ok(if other.amount_minor < self.amount_minor { other } else { self })
    }

    /// The larger of two amounts.
    ///
    /// # Errors
    /// Two currencies.
    pub fn max(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Ok(if other.amount_minor > self.amount_minor { other } else { self })
    }

    /// Splits in proportion to `weights` by largest remainder (ties go to the earlier part): the parts
    /// always sum to the whole, and each differs from its exact share by less than one minor unit.
    ///
    /// # Errors
    /// [`MoneyError::NoShares`] when the weights are empty, negative or sum to zero.
    pub fn split(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if total <= 0 || weights.iter().any(|w| *w < 0) {
            return Err(MoneyError::NoShares);
        }
        let amount = i128::from(self.amount_minor);
        let mut parts: Vec<i128> = Vec::with_capacity(weights.len());
        let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
        for (index, weight) in weights.iter().enumerate() {
            let exact = amount * i128::from(*weight);
            parts.push(exact.div_euclid(total));
            remainders.push((exact.rem_euclid(total), index));
        }
        let left = usize::try_from(amount - parts.iter().sum::<i128>()).map_err(|_| MoneyError::Overflow)?;
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, index) in remainders.into_iter().take(left) {
            if let Some(part) = parts.get_mut(index) {
                *part += 1;
            }
        }
        parts
            .into_iter()
            .map(|part| Ok(Self::new(i64::try_from(part).map_err(|_| MoneyError::Overflow)?, self.currency)))
            .collect()
    }

    /// The sum of many; zero of `currency` for none.
    ///
    /// # Errors
    /// Overflow, or two currencies.
    pub fn sum(currency: Currency, parts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        parts.into_iter().try_fold(Self::zero(currency), Self::add)
    }

    /// For people: `12,500.00 SYP`, `12,500.00 ل.س`. Western digits in both languages, as Syrian price
    /// lists print them.
    #[must_use]
    pub fn formatted(self, lang: Lang) -> String {
        let digits = usize::from(self.currency.fraction_digits());
        let unsigned = self.amount_minor.unsigned_abs().to_string();
        let padded = format!("{unsigned:0>width$}", width = digits + 1);
        let (whole, fraction) = padded.split_at(padded.len() - digits);
        let mut grouped = String::new();
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(c);
        }
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let point = if digits == 0 { "" } else { "." };
        format!("{sign}{grouped}{point}{fraction} {}", self.currency.symbol(lang))
    }
}
