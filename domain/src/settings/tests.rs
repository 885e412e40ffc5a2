#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mongodb::bson::{doc, serialize_to_document};

use super::error::SettingsError;
use super::model::{DeadlinesPatch, DeliveryFeePatch, DeliveryFeeRules, Settings, SettingsPatch};
use super::rules::{apply, changed};

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
        Err(SettingsError::OutOfRange { path, min: 1, .. }) => {
            assert_eq!(path.to_string(), "deadlines.offerS")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_an_unpaid_order_holds_does_not_expire_before_it() {
    let wait = |unpaid_s, reservation_s| {
        let deadlines = DeadlinesPatch { unpaid_s, reservation_s, ..DeadlinesPatch::default() };
        apply(&Settings::default(), SettingsPatch { deadlines, ..SettingsPatch::default() })
    };
    for (unpaid_s, reservation_s) in [(Some(1_801), None), (None, Some(899))] {
        match wait(unpaid_s, reservation_s) {
            Err(SettingsError::OutOfRange { path, .. }) => assert_eq!(path.0, ["deadlines", "reservationS"]),
            other => panic!("{other:?}"),
        }
    }
    assert!(wait(Some(1_800), None).is_ok());
    assert!(wait(Some(7_200), Some(7_200)).is_ok());
    // What was stored before does not keep other things from being changed.
    let mut odd = Settings::default();
    odd.deadlines.reservation_s = 1;
    assert!(apply(&odd, SettingsPatch { tax_bps: Some(5), ..SettingsPatch::default() }).is_ok());
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

#[test]
fn the_bound_of_the_fee_is_not_below_its_base() {
    let with = |base_minor, max_minor| {
        let delivery_fee = DeliveryFeePatch { base_minor, max_minor, ..DeliveryFeePatch::default() };
        apply(&Settings::default(), SettingsPatch { delivery_fee, ..SettingsPatch::default() })
    };
    let refused = |base, max| match with(base, max) {
        Err(SettingsError::OutOfRange { path, min, max }) => (path.to_string(), min, max),
        other => panic!("{other:?}"),
    };
    let fee = Settings::default().delivery_fee;
    let (path, min, _) = refused(None, Some(1));
    assert_eq!((path.as_str(), min), ("deliveryFee.maxMinor", fee.base_minor));
    assert_eq!(
        refused(Some(fee.max_minor + 1), None),
        ("deliveryFee.baseMinor".to_owned(), 0, fee.max_minor),
        "said of what was asked for"
    );
    assert!(with(Some(7), Some(7)).is_ok());
    // What was stored before does not keep other things from being changed.
    let odd = Settings { delivery_fee: DeliveryFeeRules { max_minor: 1, ..fee }, ..Settings::default() };
    assert!(apply(&odd, SettingsPatch { tax_bps: Some(5), ..SettingsPatch::default() }).is_ok());
}

#[test]
fn the_log_shows_old_and_new_values_of_what_changed() {
    let before = Settings::default();
    let mut after = Settings { version: 1, commission_bps: 1_600, ..before.clone() };
    after.deadlines.offer_s = 45;
    let stored = |settings| serialize_to_document(settings).unwrap();
    assert_eq!(
        changed(&stored(&before), &stored(&after)),
        doc! {
            "deadlines": { "offer_s": { "from": 30_i64, "to": 45_i64 } },
            "commission_bps": { "from": 1_500_i64, "to": 1_600_i64 },
        }
    );
    assert_eq!(changed(&stored(&before), &stored(&before)), doc! {});
}
