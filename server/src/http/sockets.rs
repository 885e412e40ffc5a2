//! How many WebSockets are open, in all and of one address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Open WebSockets of one process.
const MAX_SOCKETS: usize = 12_000;
/// Of one address: a mobile network puts a whole town behind one, a single address must not hold them all.
const MAX_OF_ADDRESS: usize = 2_000;

/// The open sockets of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Sockets(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<String, usize>,
}

/// One open socket; dropped, it is counted no more.
#[derive(Debug)]
pub(super) struct OpenSocket {
    sockets: Sockets,
    address: String,
}

impl Sockets {
    /// Counts one more; `None` when there are too many.
    pub(super) fn open(&self, address: &str) -> Option<OpenSocket> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= MAX_SOCKETS {
            return None;
        }
        let of_address = counts.by_address.entry(address.to_owned()).or_default();
        if *of_address >= MAX_OF_ADDRESS {
            return None;
        }
        *of_address += 1;
        counts.all += 1;
        Some(OpenSocket { sockets: self.clone(), address: address.to_owned() })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut counts = self.sockets.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_hold_them_all() {
        let sockets = Sockets::default();
        let held: Vec<_> = (0..MAX_OF_ADDRESS).map(|_| sockets.open("a").unwrap()).collect();
        assert!(sockets.open("a").is_none());
        let other = sockets.open("b").unwrap();
        assert_eq!(sockets.count(), MAX_OF_ADDRESS + 1);
        drop(held);
        drop(other);
        assert_eq!(sockets.count(), 0);
        assert!(sockets.0.lock().unwrap().by_address.is_empty());
        assert!(sockets.open("a").is_some());
    }
}
