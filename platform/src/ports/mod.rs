//! Ports to other processes.
