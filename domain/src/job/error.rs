//! What can go wrong with a job request.

daraa_platform::faults! {
    /// What can go wrong with a job request.
    pub enum JobError, JobErrorCode {
        /// There is no such job.
        JobNotFound: NotFound, "There is no such job.", "لا توجد مهمة بهذا الاسم.", field "name";
        /// The job is waiting to be run or at work already.
        JobBusy: Conflict, "The job is already waiting to run or running.", "المهمة قيد الانتظار أو التنفيذ حالياً.", field "name";
    }
}
