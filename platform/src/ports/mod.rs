//! Ports to other processes: what the rooms ask of the outside world, with its adapters.
//!
//! A port is reached only outside transactions, always with a deadline and through a circuit breaker.

pub mod blob;
pub mod breaker;
pub mod pay;
pub mod sms;

use std::time::Duration;

use crate::fault::Infra;

/// All ports of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Text messages to phones.
    pub sms: sms::Sms,
    /// The card payment provider.
    pub pay: pay::CardProvider,
}

/// Opening a TCP and TLS connection to another process takes no longer than this.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// An HTTP client whose every call ends within `deadline`, follows no redirect and uses no system proxy.
fn http_client(port: &'static str, deadline: Duration) -> Result<reqwest::Client, Infra> {
    reqwest::Client::builder()
        .timeout(deadline)
        .connect_timeout(CONNECT_DEADLINE.min(deadline))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|e| Infra::Port { port, cause: e.to_string() })
}
