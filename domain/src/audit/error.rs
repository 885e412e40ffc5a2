//! What can go wrong with the audit log.

use daraa_platform::faults;

faults! {
    /// What can go wrong with the audit log.
    pub enum AuditError, AuditErrorCode {
        /// The filter names a time range that ends before it begins.
        EmptyRange: BadInput,
            "The time range ends before it begins.", "ينتهي المجال الزمني قبل أن يبدأ.", field "to";
    }
}
