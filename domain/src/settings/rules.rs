//! Which values settings may take.

use daraa_platform::fault::FieldPath;
use mongodb::bson::{Bson, Document, doc};

use super::error::SettingsError;
use super::model::{DeliveryFeeRules, Settings, SettingsPatch};

/// Fees stay below this, minor units: far above any real fee, far below an overflow.
const MAX_FEE_MINOR: i64 = 1_000_000_000_000;
/// No deadline is longer than a day.
const MAX_DEADLINE_S: i64 = 86_400;
/// No area is larger.
const MAX_DISTANCE_M: i64 = 1_000_000;
/// What says how a document is kept, not what it says.
const BOOKKEEPING: &[&str] = &["_id", "version", "updated_at"];
/// 100 %.
const FULL_BPS: i64 = daraa_platform::money::FULL_BPS;

/// The settings after the change, when every value is in its range and the fee's bound is not below its base.
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
    // What an unpaid order holds must not expire before the order does.
    let least_reservation_s = if *wait == current.deadlines { 1 } else { wait.unpaid_s };
    for (path, value, min, max) in [
        (FieldPath(&["deliveryFee", "baseMinor"]), fee.base_minor, 0, MAX_FEE_MINOR),
        (FieldPath(&["deliveryFee", "includedM"]), fee.included_m, 0, MAX_DISTANCE_M),
        (FieldPath(&["deliveryFee", "perKmMinor"]), fee.per_km_minor, 0, MAX_FEE_MINOR),
        (FieldPath(&["deliveryFee", "maxMinor"]), fee.max_minor, 0, MAX_FEE_MINOR),
        (FieldPath(&["deliveryFee", "freeOverMinor"]), fee.free_over_minor, 0, MAX_FEE_MINOR),
        (FieldPath(&["cashFeeMinor"]), next.cash_fee_minor, 0, MAX_FEE_MINOR),
        (FieldPath(&["deadlines", "storeResponseS"]), wait.store_response_s, 1, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "offerS"]), wait.offer_s, 1, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "unpaidS"]), wait.unpaid_s, 1, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "quoteS"]), wait.quote_s, 1, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "reservationS"]), wait.reservation_s, least_reservation_s, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "readyGraceS"]), wait.ready_grace_s, 0, MAX_DEADLINE_S),
        (FieldPath(&["deadlines", "noShowWaitS"]), wait.no_show_wait_s, 0, MAX_DEADLINE_S),
        (FieldPath(&["geofenceM"]), next.geofence_m, 0, MAX_DISTANCE_M),
        (FieldPath(&["commissionBps"]), next.commission_bps, 0, FULL_BPS),
        (FieldPath(&["courierShareBps"]), next.courier_share_bps, 0, FULL_BPS),
        (FieldPath(&["taxBps"]), next.tax_bps, 0, FULL_BPS),
    ] {
        if !(min..=max).contains(&value) {
            return Err(SettingsError::OutOfRange { path, min, max });
        }
    }
    if *fee != current.delivery_fee && fee.max_minor < fee.base_minor {
        return Err(crossed(patch.delivery_fee.max_minor, fee));
    }
    Ok(next)
}

/// A bound below its base, said of the one that was asked for.
fn crossed(asked_max: Option<i64>, fee: &DeliveryFeeRules) -> SettingsError {
    let (path, min, max) = match asked_max {
        Some(_) => (FieldPath(&["deliveryFee", "maxMinor"]), fee.base_minor, MAX_FEE_MINOR),
        None => (FieldPath(&["deliveryFee", "baseMinor"]), 0, fee.max_minor),
    };
    SettingsError::OutOfRange { path, min, max }
}

/// The old and new value of every field that differs, under its stored name.
pub(super) fn changed(before: &Document, after: &Document) -> Document {
    let mut changes = Document::new();
    for (field, new) in after.iter().filter(|(field, _)| !BOOKKEEPING.contains(&field.as_str())) {
        match (before.get(field), new) {
            (Some(old), new) if old == new => {}
            (Some(Bson::Document(old)), Bson::Document(new)) => {
                changes.insert(field, changed(old, new));
            }
            (old, new) => {
                changes.insert(field, doc! { "from": old.cloned().unwrap_or(Bson::Null), "to": new.clone() });
            }
        }
    }
    changes
}
