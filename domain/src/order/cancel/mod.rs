//! Calling an order off: who may at which stage, and what it costs the customer. The same rule answers the preview
//! and the act.

mod service;

pub use service::{CancelOrder, CancelPreview, cancel, preview_cancel};
