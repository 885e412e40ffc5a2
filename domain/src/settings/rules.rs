//! Which values settings may take.

use super::error::SettingsError;
use super::model::{Settings, SettingsPatch};

/// Fees stay below this, minor units: far above any real fee, far below an overflow.
const MAX_FEE_MINOR: i64 = 1_000_000_000_000;
/// No deadline is longer than a day.
const MAX_DEADLINE_S: i64 = 86_400;
/// No area is larger.
const MAX_DISTANCE_M: i64 = 1_000_000;
/// 100 %.
const FULL_BPS: i64 = daraa_platform::money::FULL_BPS;

/// The settings after the change, when every value is in its range.
pub(super) fn apply(current: &Settings, patch: SettingsPatch) -> Result<Settings, SettingsError> {
    let next = Settings {
        delivery_fee: patch.delivery_fee.apply(current.delivery_fee),
        cash_fee_minor: patch.cash_fee_minor.unwrap_or(current.cash_fee_minor),
        deadlines: patch.deadlines.apply(current.deadlines),
        geofence_m: patch.geofence_m.unwrap_or(current.geofence_m),
        commission_bps: patch.commission_bps.unwrap_or(current.commission_bps),
        courier_share_bps: patch.courier_share_bps.unwrap_or(current.courier_share_bps),
        tax_bps: patch.tax_bps.unwrap_or(current.tax_bps),
        ..current.clone()
    };
    let fee = &next.delivery_fee;
    let wait = &next.deadlines;
    for (name, value, min, max) in [
        ("deliveryFee.baseMinor", fee.base_minor, 0, MAX_FEE_MINOR),
        ("deliveryFee.includedM", fee.included_m, 0, MAX_DISTANCE_M),
        ("deliveryFee.perKmMinor", fee.per_km_minor, 0, MAX_FEE_MINOR),
        ("deliveryFee.maxMinor", fee.max_minor, 0, MAX_FEE_MINOR),
        ("deliveryFee.freeOverMinor", fee.free_over_minor, 0, MAX_FEE_MINOR),
        ("cashFeeMinor", next.cash_fee_minor, 0, MAX_FEE_MINOR),
        ("deadlines.storeResponseS", wait.store_response_s, 1, MAX_DEADLINE_S),
        ("deadlines.offerS", wait.offer_s, 1, MAX_DEADLINE_S),
        ("deadlines.unpaidS", wait.unpaid_s, 1, MAX_DEADLINE_S),
        ("deadlines.quoteS", wait.quote_s, 1, MAX_DEADLINE_S),
        ("deadlines.reservationS", wait.reservation_s, 1, MAX_DEADLINE_S),
        ("deadlines.readyGraceS", wait.ready_grace_s, 0, MAX_DEADLINE_S),
        ("deadlines.noShowWaitS", wait.no_show_wait_s, 0, MAX_DEADLINE_S),
        ("geofenceM", next.geofence_m, 0, MAX_DISTANCE_M),
        ("commissionBps", next.commission_bps, 0, FULL_BPS),
        ("courierShareBps", next.courier_share_bps, 0, FULL_BPS),
        ("taxBps", next.tax_bps, 0, FULL_BPS),
    ] {
        if !(min..=max).contains(&value) {
            return Err(SettingsError::OutOfRange { name, min, max });
        }
    }
    Ok(next)
}
