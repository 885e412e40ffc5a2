//! How often people may try to sign in (requirement S2). Exact across servers; refused while the counters are away.

use std::net::IpAddr;
use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::redis::{RateRule, address_subject};

use crate::app::App;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3_600);

const CODES_PER_PHONE: RateRule = RateRule::window("code_phone", 5, FIVE_MINUTES).fail_closed();
const CODES_PER_ADDRESS: RateRule =
    RateRule::window("code_address", 5, FIVE_MINUTES).of_address().fail_closed();
const SIGN_INS_PER_PHONE: RateRule = RateRule::window("sign_in_phone", 5, FIVE_MINUTES).fail_closed();
const SIGN_INS_PER_ADDRESS: RateRule =
    RateRule::window("sign_in_address", 5, FIVE_MINUTES).of_address().fail_closed();
const REGISTRATIONS: RateRule = RateRule::window("registration_address", 3, HOUR).of_address().fail_closed();

/// Before a code is sent. The address first: who is refused by it must not use up the phone's share.
pub(super) async fn request_code(app: &App, ip: IpAddr, hidden_phone: &str) -> Result<(), Infra> {
    app.limits.check(&CODES_PER_ADDRESS, &address_subject(ip), 1).await?;
    app.limits.check(&CODES_PER_PHONE, hidden_phone, 1).await?;
    Ok(())
}

/// Before a code is tried.
pub(super) async fn sign_in(app: &App, ip: IpAddr, hidden_phone: &str) -> Result<(), Infra> {
    app.limits.check(&SIGN_INS_PER_ADDRESS, &address_subject(ip), 1).await?;
    app.limits.check(&SIGN_INS_PER_PHONE, hidden_phone, 1).await?;
    Ok(())
}

/// Before an account is made.
pub(super) async fn registration(app: &App, ip: IpAddr) -> Result<(), Infra> {
    app.limits.check(&REGISTRATIONS, &address_subject(ip), 1).await?;
    Ok(())
}
