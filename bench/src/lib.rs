//! Parts around the system for trying it: a simulated payment provider, bots and load generators.

pub mod paysim;
