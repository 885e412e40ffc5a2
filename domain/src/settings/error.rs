//! What can go wrong with settings.

use daraa_platform::fault::FieldPath;
use daraa_platform::faults;

faults! {
    /// What can go wrong with settings.
    pub enum SettingsError, SettingsErrorCode {
        /// A value lies outside its range.
        OutOfRange { path: FieldPath, min: i64, max: i64 }: BadInput,
            "{path} must be {min} to {max}.", "يجب أن تكون قيمة {path} بين {min} و{max}.", at path;
        /// Somebody else changed the settings meanwhile.
        StaleVersion: Conflict,
            "The settings were changed meanwhile; please read them again.",
            "تغيّرت الإعدادات في هذه الأثناء، يرجى قراءتها من جديد.", field "expectedVersion";
    }
}
