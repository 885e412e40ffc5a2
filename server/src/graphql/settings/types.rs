//! The settings and their change.

use std::sync::Arc;

use async_graphql::{InputObject, Object};
use daraa_domain::settings::{
    Deadlines, DeadlinesPatch, DeliveryFeePatch, DeliveryFeeRules, Settings, SettingsError,
    SettingsErrorCode, SettingsPatch, UpdateSettings,
};
use daraa_platform::money::{Currency, Money};
use daraa_platform::time::Timestamp;

use crate::graphql::scalars::{BigInt, MoneyObject};

crate::user_errors!(
    /// What was wrong with a change of the settings.
    SettingsUserError, SettingsError, SettingsErrorCode
);

/// The settings in force.
#[derive(Debug, Clone)]
pub struct SettingsObject(pub Arc<Settings>);

impl From<Settings> for SettingsObject {
    fn from(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }
}

/// What ops may change while the platform runs: fees, deadlines and shares.
#[Object(name = "Settings")]
impl SettingsObject {
    /// Counts the changes; for `expectedVersion`.
    async fn version(&self) -> BigInt {
        self.0.version.into()
    }

    /// When it was last changed; null before the first change.
    async fn updated_at(&self) -> Option<Timestamp> {
        self.0.updated_at
    }

    /// The currency of new stores, wallets and platform fees.
    async fn currency(&self) -> Currency {
        self.0.currency
    }

    /// How the delivery fee of a store's order is computed.
    async fn delivery_fee(&self) -> DeliveryFeeObject {
        DeliveryFeeObject(self.0.delivery_fee, self.0.currency)
    }

    /// Added to an order paid in cash.
    async fn cash_fee(&self) -> MoneyObject {
        Money::new(self.0.cash_fee_minor, self.0.currency).into()
    }

    /// How long parts of an order may take.
    async fn deadlines(&self) -> DeadlinesObject {
        DeadlinesObject(self.0.deadlines)
    }

    /// How close a courier must be to arrive, metres; 0 switches the check off.
    async fn geofence_m(&self) -> BigInt {
        self.0.geofence_m.into()
    }

    /// The platform's share of the items of a store without a rate of its own, basis points.
    async fn commission_bps(&self) -> BigInt {
        self.0.commission_bps.into()
    }

    /// The courier's share of the delivery fee, basis points.
    async fn courier_share_bps(&self) -> BigInt {
        self.0.courier_share_bps.into()
    }

    /// Tax on taxable items, basis points.
    async fn tax_bps(&self) -> BigInt {
        self.0.tax_bps.into()
    }
}

/// The rules of the delivery fee.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryFeeObject(DeliveryFeeRules, Currency);

/// The rules of the delivery fee: a base that covers the first metres, then so much for each kilometre begun.
#[Object(name = "DeliveryFeeSettings")]
impl DeliveryFeeObject {
    /// Charged for any delivery.
    async fn base(&self) -> MoneyObject {
        Money::new(self.0.base_minor, self.1).into()
    }

    /// Metres the base covers.
    async fn included_m(&self) -> BigInt {
        self.0.included_m.into()
    }

    /// For each kilometre begun beyond these.
    async fn per_km(&self) -> MoneyObject {
        Money::new(self.0.per_km_minor, self.1).into()
    }

    /// Never more than this.
    async fn max(&self) -> MoneyObject {
        Money::new(self.0.max_minor, self.1).into()
    }

    /// Free when the items of the store cost at least this; 0 switches the rule off.
    async fn free_over(&self) -> MoneyObject {
        Money::new(self.0.free_over_minor, self.1).into()
    }
}

/// The deadlines.
#[derive(Debug, Clone, Copy)]
pub struct DeadlinesObject(Deadlines);

/// How long parts of an order may take, seconds.
#[Object(name = "DeadlineSettings")]
impl DeadlinesObject {
    /// For a store to accept or reject.
    async fn store_response_s(&self) -> BigInt {
        self.0.store_response_s.into()
    }

    /// For a courier to answer an offer.
    async fn offer_s(&self) -> BigInt {
        self.0.offer_s.into()
    }

    /// For a customer to pay.
    async fn unpaid_s(&self) -> BigInt {
        self.0.unpaid_s.into()
    }

    /// How long a quote holds.
    async fn quote_s(&self) -> BigInt {
        self.0.quote_s.into()
    }

    /// How long stock and coupons stay reserved.
    async fn reservation_s(&self) -> BigInt {
        self.0.reservation_s.into()
    }

    /// How late a store may be before ops are told.
    async fn ready_grace_s(&self) -> BigInt {
        self.0.ready_grace_s.into()
    }

    /// How long a courier waits for a customer who does not show up.
    async fn no_show_wait_s(&self) -> BigInt {
        self.0.no_show_wait_s.into()
    }
}

/// Changes the settings; what is left out stays. Amounts are minor units of the platform's currency.
#[derive(Debug, InputObject)]
pub struct SettingsUpdateInput {
    /// The rules of the delivery fee.
    pub delivery_fee: Option<DeliveryFeeInput>,
    /// Added to an order paid in cash.
    pub cash_fee_minor: Option<BigInt>,
    /// The deadlines.
    pub deadlines: Option<DeadlinesInput>,
    /// How close a courier must be to arrive, metres; 0 switches the check off.
    pub geofence_m: Option<BigInt>,
    /// The platform's share of the items, basis points.
    pub commission_bps: Option<BigInt>,
    /// The courier's share of the delivery fee, basis points.
    pub courier_share_bps: Option<BigInt>,
    /// Tax on taxable items, basis points.
    pub tax_bps: Option<BigInt>,
    /// The version the change was made from.
    pub expected_version: Option<i32>,
}

/// Changes the rules of the delivery fee; what is left out stays. Minor units of the platform's currency.
#[derive(Debug, InputObject)]
pub struct DeliveryFeeInput {
    /// Charged for any delivery.
    pub base_minor: Option<BigInt>,
    /// Metres the base covers.
    pub included_m: Option<BigInt>,
    /// For each kilometre begun beyond these.
    pub per_km_minor: Option<BigInt>,
    /// Never more than this.
    pub max_minor: Option<BigInt>,
    /// Free when the items of the store cost at least this; 0 switches the rule off.
    pub free_over_minor: Option<BigInt>,
}

/// Changes the deadlines, seconds; what is left out stays.
#[derive(Debug, InputObject)]
pub struct DeadlinesInput {
    /// For a store to accept or reject.
    pub store_response_s: Option<BigInt>,
    /// For a courier to answer an offer.
    pub offer_s: Option<BigInt>,
    /// For a customer to pay.
    pub unpaid_s: Option<BigInt>,
    /// How long a quote holds.
    pub quote_s: Option<BigInt>,
    /// How long stock and coupons stay reserved.
    pub reservation_s: Option<BigInt>,
    /// How late a store may be before ops are told.
    pub ready_grace_s: Option<BigInt>,
    /// How long a courier waits for a customer who does not show up.
    pub no_show_wait_s: Option<BigInt>,
}

impl From<SettingsUpdateInput> for UpdateSettings {
    fn from(input: SettingsUpdateInput) -> Self {
        let n = |value: Option<BigInt>| value.map(|BigInt(n)| n);
        let patch = SettingsPatch {
            delivery_fee: input.delivery_fee.map_or_else(DeliveryFeePatch::default, |fee| DeliveryFeePatch {
                base_minor: n(fee.base_minor),
                included_m: n(fee.included_m),
                per_km_minor: n(fee.per_km_minor),
                max_minor: n(fee.max_minor),
                free_over_minor: n(fee.free_over_minor),
            }),
            cash_fee_minor: n(input.cash_fee_minor),
            deadlines: input.deadlines.map_or_else(DeadlinesPatch::default, |wait| DeadlinesPatch {
                store_response_s: n(wait.store_response_s),
                offer_s: n(wait.offer_s),
                unpaid_s: n(wait.unpaid_s),
                quote_s: n(wait.quote_s),
                reservation_s: n(wait.reservation_s),
                ready_grace_s: n(wait.ready_grace_s),
                no_show_wait_s: n(wait.no_show_wait_s),
            }),
            geofence_m: n(input.geofence_m),
            commission_bps: n(input.commission_bps),
            courier_share_bps: n(input.courier_share_bps),
            tax_bps: n(input.tax_bps),
        };
        Self { patch, expected_version: input.expected_version.map(i64::from) }
    }
}

crate::payload!(
    /// What `settingsUpdate` answers.
    SettingsUpdatePayload, SettingsError, {
        /// The settings as they are now; null when there are `userErrors`.
        settings: SettingsObject
    }
);
