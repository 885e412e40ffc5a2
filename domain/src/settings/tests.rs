#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::error::SettingsError;
use super::model::{DeadlinesPatch, DeliveryFeePatch, DeliveryFeeRules, Settings, SettingsPatch};
use super::rules::apply;

#[test]
fn nothing_asked_changes_nothing() {
    let before = Settings::default();
    assert_eq!(apply(&before, SettingsPatch::default()).unwrap(), before);
}

#[test]
fn a_value_out_of_range_is_named() {
    let deadlines = DeadlinesPatch { offer_s: Some(0), ..DeadlinesPatch::default() };
    let patch = SettingsPatch { deadlines, ..SettingsPatch::default() };
    match apply(&Settings::default(), patch) {
        Err(SettingsError::OutOfRange { name, min: 1, .. }) => assert_eq!(name, "deadlines.offerS"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_field_changes_alone() {
    let delivery_fee = DeliveryFeePatch { base_minor: Some(7), ..DeliveryFeePatch::default() };
    let patch = SettingsPatch { delivery_fee, ..SettingsPatch::default() };
    let before = Settings::default();
    let after = apply(&before, patch).unwrap();
    assert_eq!(after.delivery_fee, DeliveryFeeRules { base_minor: 7, ..before.delivery_fee });
    assert_eq!(after.deadlines, before.deadlines);
}
