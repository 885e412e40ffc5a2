//! Why the demo city could not be made.

use std::fmt;

/// A step of the seed failed.
#[derive(Debug)]
pub struct SeedError {
    /// Which step.
    pub step: String,
    /// What the room said.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl SeedError {
    pub(super) fn at<E: std::error::Error + Send + Sync + 'static>(
        step: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let step = step.into();
        move |cause| Self { step, cause: Box::new(cause) }
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.cause)
    }
}

impl std::error::Error for SeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}
