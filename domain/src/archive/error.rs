//! What can go wrong with the archive.

use daraa_platform::fault::{Fault as _, Infra};

use crate::audit::AuditError;

daraa_platform::faults! {
    /// What can go wrong with the archive.
    pub enum ArchiveError, ArchiveErrorCode {
        /// There is no such file in the index.
        ArchiveNotFound: NotFound, "There is no such archive.", "لا يوجد أرشيف بهذا الاسم.", field "name";
        /// The file is missing, or its content is not what was written.
        ArchiveDamaged { name: String }: Conflict, "The archive {name} is missing or damaged.", "الأرشيف {name} مفقود أو تالف.", field "name";
    }
}

impl From<AuditError> for ArchiveError {
    fn from(e: AuditError) -> Self {
        match e {
            AuditError::Infra(cause) => Self::Infra(cause),
            other => Self::Infra(Infra::defect(format!("{}: {other}", other.code()))),
        }
    }
}
