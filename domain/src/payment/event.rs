//! What the payment room announces. Subject: the payment; data: `group_id`, `account_id`, `status`, `order_ids`.

/// The money is reserved; the orders may be placed.
pub const AUTHORIZED: &str = "payment.authorized";
/// The bank said no.
pub const FAILED: &str = "payment.failed";
/// The customer has to confirm on the bank's page.
pub const REQUIRES_ACTION: &str = "payment.requires_action";
/// An order's share was taken.
pub const CAPTURED: &str = "payment.captured";
/// Money went back.
pub const REFUNDED: &str = "payment.refunded";
