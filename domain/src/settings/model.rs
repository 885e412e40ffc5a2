//! The stored settings and the change an admin may ask for.

use std::time::Duration;

use daraa_platform::money::Currency;
use daraa_platform::mongo::index::{CollectionIndexes, Kept, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const COLLECTION: &str = "platform_settings";
/// There is one document.
pub(super) const PLATFORM: &str = "platform";

/// Read by `_id` only.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "The platform's settings.",
    kept: Kept::ForGood("there is one"),
    shard_key: ShardKey::Whole("one document"),
    shape: Shape::of::<Settings>(),
    indexes: &[],
};

/// What may be changed while the platform runs. The defaults hold until an admin changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Always `platform`.
    #[serde(rename = "_id")]
    pub id: String,
    /// Counts the changes; 0 before the first.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The currency of new stores, wallets and platform fees.
    pub currency: Currency,
    /// How the delivery fee of a store's order is computed.
    pub delivery_fee: DeliveryFeeRules,
    /// Added to an order paid in cash, minor units of `currency`.
    pub cash_fee_minor: i64,
    /// How long parts of an order may take.
    pub deadlines: Deadlines,
    /// A courier must be this close to arrive, metres; 0 switches the check off.
    pub geofence_m: i64,
    /// The platform's share of the items of a store without a rate of its own, basis points.
    pub commission_bps: i64,
    /// The courier's share of the delivery fee, basis points.
    pub courier_share_bps: i64,
    /// Tax on taxable items, basis points.
    pub tax_bps: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: PLATFORM.to_owned(),
            version: 0,
            updated_at: None,
            currency: Currency::Syp,
            delivery_fee: DeliveryFeeRules::default(),
            cash_fee_minor: 50_000,
            deadlines: Deadlines::default(),
            geofence_m: 0,
            commission_bps: 1_500,
            courier_share_bps: 8_000,
            tax_bps: 0,
        }
    }
}

/// The rules of the delivery fee: a base that covers the first metres, then so much for each kilometre begun, nothing
/// for large orders. Amounts are minor units of the platform's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeliveryFeeRules {
    /// Charged for any delivery.
    pub base_minor: i64,
    /// Metres the base covers.
    pub included_m: i64,
    /// For each kilometre begun beyond these.
    pub per_km_minor: i64,
    /// Never more than this.
    pub max_minor: i64,
    /// Free when the items of the store cost at least this; 0 switches the rule off.
    pub free_over_minor: i64,
}

impl Default for DeliveryFeeRules {
    fn default() -> Self {
        Self {
            base_minor: 500_000,
            included_m: 1_500,
            per_km_minor: 100_000,
            max_minor: 3_000_000,
            free_over_minor: 20_000_000,
        }
    }
}

/// How long parts of an order may take, in seconds of the platform's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Deadlines {
    /// A store has this long to accept or reject.
    pub store_response_s: i64,
    /// A courier has this long to answer an offer.
    pub offer_s: i64,
    /// An unpaid order expires after this.
    pub unpaid_s: i64,
    /// A quote holds this long.
    pub quote_s: i64,
    /// Stock and coupons stay reserved this long.
    pub reservation_s: i64,
    /// A store may be this late before ops are told.
    pub ready_grace_s: i64,
    /// A courier waits this long for a customer who does not show up.
    pub no_show_wait_s: i64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            store_response_s: 600,
            offer_s: 30,
            unpaid_s: 900,
            quote_s: 900,
            reservation_s: 1_800,
            ready_grace_s: 600,
            no_show_wait_s: 300,
        }
    }
}

impl Deadlines {
    /// [`Self::store_response_s`] as a span.
    #[must_use]
    pub fn store_response(&self) -> Duration {
        seconds(self.store_response_s)
    }

    /// [`Self::offer_s`] as a span.
    #[must_use]
    pub fn offer(&self) -> Duration {
        seconds(self.offer_s)
    }

    /// [`Self::unpaid_s`] as a span.
    #[must_use]
    pub fn unpaid(&self) -> Duration {
        seconds(self.unpaid_s)
    }

    /// [`Self::quote_s`] as a span.
    #[must_use]
    pub fn quote(&self) -> Duration {
        seconds(self.quote_s)
    }

    /// [`Self::reservation_s`] as a span.
    #[must_use]
    pub fn reservation(&self) -> Duration {
        seconds(self.reservation_s)
    }

    /// [`Self::ready_grace_s`] as a span.
    #[must_use]
    pub fn ready_grace(&self) -> Duration {
        seconds(self.ready_grace_s)
    }

    /// [`Self::no_show_wait_s`] as a span.
    #[must_use]
    pub fn no_show_wait(&self) -> Duration {
        seconds(self.no_show_wait_s)
    }
}

fn seconds(n: i64) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0))
}

/// A change: what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    /// See [`Settings::delivery_fee`].
    pub delivery_fee: DeliveryFeePatch,
    /// See [`Settings::cash_fee_minor`].
    pub cash_fee_minor: Option<i64>,
    /// See [`Settings::deadlines`].
    pub deadlines: DeadlinesPatch,
    /// See [`Settings::geofence_m`].
    pub geofence_m: Option<i64>,
    /// See [`Settings::commission_bps`].
    pub commission_bps: Option<i64>,
    /// See [`Settings::courier_share_bps`].
    pub courier_share_bps: Option<i64>,
    /// See [`Settings::tax_bps`].
    pub tax_bps: Option<i64>,
}

/// A change of the fee rules; see [`DeliveryFeeRules`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFeePatch {
    /// Charged for any delivery.
    pub base_minor: Option<i64>,
    /// Metres the base covers.
    pub included_m: Option<i64>,
    /// For each kilometre begun beyond these.
    pub per_km_minor: Option<i64>,
    /// Never more than this.
    pub max_minor: Option<i64>,
    /// Free when the items of the store cost at least this.
    pub free_over_minor: Option<i64>,
}

impl DeliveryFeePatch {
    pub(super) fn apply(self, to: DeliveryFeeRules) -> DeliveryFeeRules {
        DeliveryFeeRules {
            base_minor: self.base_minor.unwrap_or(to.base_minor),
            included_m: self.included_m.unwrap_or(to.included_m),
            per_km_minor: self.per_km_minor.unwrap_or(to.per_km_minor),
            max_minor: self.max_minor.unwrap_or(to.max_minor),
            free_over_minor: self.free_over_minor.unwrap_or(to.free_over_minor),
        }
    }
}

/// A change of the deadlines, seconds; see [`Deadlines`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeadlinesPatch {
    /// For a store to accept or reject.
    pub store_response_s: Option<i64>,
    /// For a courier to answer an offer.
    pub offer_s: Option<i64>,
    /// For a customer to pay.
    pub unpaid_s: Option<i64>,
    /// How long a quote holds.
    pub quote_s: Option<i64>,
    /// How long stock and coupons stay reserved.
    pub reservation_s: Option<i64>,
    /// How late a store may be.
    pub ready_grace_s: Option<i64>,
    /// How long a courier waits for the customer.
    pub no_show_wait_s: Option<i64>,
}

impl DeadlinesPatch {
    pub(super) fn apply(self, to: Deadlines) -> Deadlines {
        Deadlines {
            store_response_s: self.store_response_s.unwrap_or(to.store_response_s),
            offer_s: self.offer_s.unwrap_or(to.offer_s),
            unpaid_s: self.unpaid_s.unwrap_or(to.unpaid_s),
            quote_s: self.quote_s.unwrap_or(to.quote_s),
            reservation_s: self.reservation_s.unwrap_or(to.reservation_s),
            ready_grace_s: self.ready_grace_s.unwrap_or(to.ready_grace_s),
            no_show_wait_s: self.no_show_wait_s.unwrap_or(to.no_show_wait_s),
        }
    }
}

/// Changes the settings.
#[derive(Debug, Clone, Default)]
pub struct UpdateSettings {
    /// What to change.
    pub patch: SettingsPatch,
    /// The version the change was made from; `None` overwrites whatever there is.
    pub expected_version: Option<i64>,
}
