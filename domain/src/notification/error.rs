//! What can go wrong with notifications.

daraa_platform::faults! {
    /// What can go wrong with notifications.
    pub enum NotificationError, NotificationErrorCode {
        /// Too many ids in one request.
        TooManyIds { limit: usize }: BadInput, "At most {limit} notifications can be named at once.", "يمكن تحديد {limit} إشعار على الأكثر في المرة الواحدة.", field "ids";
        /// An id is malformed.
        MalformedId: BadInput, "An id is malformed.", "أحد المعرّفات غير صالح.", field "ids";
        /// Neither ids nor all.
        NothingNamed: BadInput, "Name the notifications, or all of them.", "حدّد الإشعارات أو اخترها كلها.", field "ids";
    }
}

impl From<daraa_platform::ids::MalformedId> for NotificationError {
    fn from(_: daraa_platform::ids::MalformedId) -> Self {
        Self::MalformedId
    }
}
