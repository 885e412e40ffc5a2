//! People of a test's world, signed in.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};

use daraa_domain::account::{self, GrantOpsRole, PersonName, Phone};
use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::ids::AccountId;
use daraa_domain::session::{self, OneTimeCode, StartSession};
use daraa_platform::fault::Lang;

use crate::World;

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct Someone {
    pub phone: String,
    pub account_id: AccountId,
    /// The access token; valid for its usual life.
    pub token: String,
}

/// Everybody comes from a place and with a phone of their own, so that limits meant for one do not meet another.
static NEXT: AtomicU32 = AtomicU32::new(1);

impl World {
    /// A phone number nobody has yet.
    #[must_use]
    pub fn new_phone(&self) -> String {
        format!("+9639550{:05}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Signs a person in with a one-time code; a new phone gets an account.
    pub async fn sign_in(&self, phone: &str) -> Someone {
        let app = &self.app;
        let ip = IpAddr::V4(Ipv4Addr::from(0x0A00_0000 | NEXT.fetch_add(1, Ordering::Relaxed)));
        let parsed = Phone::parse(phone).expect("a phone");
        session::request_code(app, ip, &parsed, Lang::En).await.expect("a code is sent");
        let code =
            app.ports.sms.recording().and_then(|sms| sms.last_code(parsed.as_str())).expect("the code");
        let command = StartSession {
            ip,
            phone: parsed,
            code: OneTimeCode::parse(&code).expect("a code"),
            name: Some(PersonName::parse("Somebody").expect("a name")),
            lang: Lang::En,
            device_name: None,
        };
        let tokens = session::start(app, command).await.expect("signed in");
        Someone { phone: phone.to_owned(), account_id: tokens.account.id, token: tokens.access_token }
    }

    /// A new customer.
    pub async fn customer(&self) -> Someone {
        self.sign_in(&self.new_phone()).await
    }

    /// A new ops person.
    pub async fn ops(&self, role: OpsRole) -> Someone {
        let phone = self.new_phone();
        let parsed = Phone::parse(&phone).expect("a phone");
        let name = PersonName::parse("Ops").expect("a name");
        account::ensure(&self.app, parsed.clone(), name, Lang::En).await.expect("an account");
        let grant = GrantOpsRole { phone: parsed, role: Some(role) };
        account::grant_ops_role(&self.app, &Actor::System("test"), grant).await.expect("the role");
        self.sign_in(&phone).await
    }

    /// Who a token stands for, with all roles as of now.
    pub async fn actor(&self, someone: &Someone) -> Actor {
        session::identify(&self.app, &someone.token).await.expect("a valid token")
    }
}
