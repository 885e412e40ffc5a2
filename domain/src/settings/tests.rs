#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::error::SettingsError;
use super::model::{Deadlines, Settings, SettingsPatch};
use super::rules::apply;

#[test]
fn nothing_asked_changes_nothing() {
    let before = Settings::default();
    assert_eq!(apply(&before, SettingsPatch::default()).unwrap(), before);
}

#[test]
fn a_value_out_of_range_is_named() {
    let deadlines = Deadlines { offer_s: 0, ..Deadlines::default() };
    let patch = SettingsPatch { deadlines: Some(deadlines), ..SettingsPatch::default() };
    match apply(&Settings::default(), patch) {
        Err(SettingsError::OutOfRange { name, min: 1, .. }) => assert_eq!(name, "deadlines.offerS"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_defaults_are_in_range() {
    let all = Settings::default();
    let patch = SettingsPatch {
        delivery_fee: Some(all.delivery_fee),
        cash_fee_minor: Some(all.cash_fee_minor),
        deadlines: Some(all.deadlines),
        geofence_m: Some(all.geofence_m),
        commission_bps: Some(all.commission_bps),
        courier_share_bps: Some(all.courier_share_bps),
        tax_bps: Some(all.tax_bps),
    };
    assert!(apply(&Settings::default(), patch).is_ok());
}
