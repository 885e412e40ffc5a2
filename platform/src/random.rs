//! The injected source of randomness: the system's in production, seeded in tests.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A shared random source. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded from the operating system; cryptographically strong (`StdRng` is a CSPRNG).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the injected source is seeded")]
    pub fn from_os() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same numbers for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0_u8; N];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut out[..]);
        out
    }

    /// A whole number below `bound` (0 when the bound is 0).
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..bound)
        }
    }

    /// A code of decimal digits, e.g. a one-time code or a PIN.
    #[must_use]
    pub fn digits(&self, len: usize) -> String {
        (0..len).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }

    /// An opaque secret token: 32 random bytes, URL-safe base64.
    #[must_use]
    pub fn token(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }
}
