//! Technical parts that know no room: time, ids, money, paging, faults, configuration, MongoDB, Redis,
//! life cycle, telemetry and ports to other processes.

pub mod clock;
pub mod config;
pub mod fault;
pub mod gzip;
pub mod ids;
pub mod lifecycle;
pub mod money;
pub mod mongo;
pub mod paging;
pub mod ports;
pub mod process;
pub mod random;
pub mod redis;
pub mod telemetry;
pub mod time;
