//! The platform's settings: fees, deadlines and shares that ops people may change while it runs.
//!
//! One document, typed, versioned, cached, every change audited. Any room may call [`get`]; only admins change.
//! Calls: audit. Called by: every room that prices or waits.

mod error;
mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::store::CACHED;
pub use error::{SettingsError, SettingsErrorCode};
pub use model::{
    Deadlines, DeadlinesPatch, DeliveryFeePatch, DeliveryFeeRules, INDEXES, Settings, SettingsPatch,
    UpdateSettings,
};
pub use service::{fresh, get, update};
