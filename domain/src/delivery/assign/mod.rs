//! Who brings a delivery, beside the offers: given by ops, taken away again, taken back from a courier who has vanished,
//! not needed any more.

pub(super) mod service;

pub use service::{assign, free_forgotten, unassign};
